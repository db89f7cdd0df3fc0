// SPDX-License-Identifier: MIT
/*
 * Reads `fields` as they stand, whether a function uses them or not: which struct each entry is of,
 * that its members are there, and that what is said of them makes sense.
 */
#include "config/fields.h"

#include <string.h>

/* The member at a path like "in.text", and the record that has it; NULL: there is none. */
static const struct ctype_member *find_path(const struct ctype *record, const char *path,
                                            const struct ctype **ret_holder, uint32_t *ret_offset)
{
    const struct ctype_member *member = NULL;
    uint32_t base = 0, offset = 0;

    for (;;) {
        size_t n_name = strcspn(path, ".");

        member = ctype_find_member(record, path, n_name, &offset);
        if (member == NULL || path[n_name] == '\0') {
            break;
        }
        base += offset;
        record = fields_innermost(member->type);
        if (record->kind != CTYPE_STRUCT) {
            return NULL;
        }
        path += n_name + 1;
    }
    *ret_holder = record;
    *ret_offset = base;
    return member;
}

static void list_members(const struct ctype *record, const char **names, uint32_t n_room,
                         uint32_t *n_names)
{
    for (uint32_t i = 0; i < record->n_members && *n_names < n_room; i++) {
        if (record->members[i].name != NULL) {
            names[(*n_names)++] = record->members[i].name;
        } else {
            list_members(record->members[i].type, names, n_room, n_names);
        }
    }
}

static bool report_unknown_member(struct workspace *work, const struct ctype *record,
                                  const struct value *description)
{
    const char *names[64];
    uint32_t n_names = 0;

    list_members(record, names, sizeof(names) / sizeof(names[0]), &n_names);
    return REPORT(work->list, description->key_place, UNKNOWN_FIELD, record->text, description->key,
                  words_hint(work, description->key, names, n_names));
}

/* As if it were met, in each direction that it speaks of. */
static bool check_member(struct shape_scope *scope, const struct ctype *record,
                         const struct value *description)
{
    const struct fields_level level = {.record = record, .path = "", .name = ""};
    struct config_pointee pointee;
    struct shape_site site = {.record = record, .lifetime.kind = LIFETIME_HOLDER};
    struct fields_collection collection = {scope, &site, description->key_place, .is_good = true};
    const struct ctype_member *member =
        find_path(record, description->key, &site.inner, &site.inner_offset_bytes);
    struct ctype_member renamed;

    if (member == NULL) {
        return report_unknown_member(scope->work, record, description);
    }
    renamed = *member;
    renamed.name = description->key;
    site.type = fields_innermost(member->type);
    site.name = fields_name(&collection, &level, description->key);
    for (site.direction = SHAPE_READ; site.direction <= SHAPE_WRITTEN && collection.is_good;
         site.direction++) {
        if (site.type->kind == CTYPE_POINTER) {
            collection.is_good = pointee_read(scope, &site, description, &pointee);
        } else {
            fields_read_plain(&collection, &level, &renamed, description);
        }
    }
    return collection.is_good;
}

static bool check_entry(struct shape_scope *scope, const struct value *entry,
                        struct fields_table *ret)
{
    const struct source_text source = {.text = entry->key, .place = entry->key_place};
    const struct ctype *record;
    bool is_good = true;

    record = prototype_parse_type(scope->work, &source);
    if (record == NULL) {
        return false;
    }
    if (record->kind != CTYPE_STRUCT) {
        return REPORT(scope->work->list, entry->key_place, FIELDS_NO_STRUCT, record->text,
                      record->kind == CTYPE_OPAQUE ? "declare it in 'types'" : NULL);
    }
    if (!value_expect(scope->work, entry, VALUE_OBJECT, "an object")) {
        return false;
    }
    ret->record = record;
    ret->entry = entry;
    for (const struct value *member = entry->first; member != NULL; member = member->next) {
        is_good &= check_member(scope, record, member);
    }
    return is_good;
}

bool fields_open(struct workspace *work, const struct value *value, const struct fields_table **ret)
{
    struct shape_scope scope = {.work = work};
    const struct fields_table **link = ret;
    bool is_good = true;

    *ret = NULL;
    if (!value_expect(work, value, VALUE_OBJECT, "an object")) {
        return false;
    }
    for (const struct value *entry = value->first; entry != NULL; entry = entry->next) {
        struct fields_table *row = work_alloc(work, sizeof(*row));

        is_good &= check_entry(&scope, entry, row);
        if (row->record != NULL) {
            *link = row;
            link = &row->next;
        }
    }
    return is_good;
}
