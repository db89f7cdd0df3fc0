// SPDX-License-Identifier: MIT
/*
 * Reads `fields` as they stand, whether a function uses them or not: which struct each entry is of,
 * that its members are there, and that what is said of them makes sense.
 */
#include "config/fields.h"

#include <string.h>

/* Where a path like "in.text" has led to. */
struct found {
    const struct ctype *record; /* the innermost that was found */
    uint32_t offset_bytes;      /* of it in the outermost */
    const struct ctype_member *member;
    const char *name; /* what was looked for in it last */
};

/* Follows a path; member NULL: there is none of that name. */
static struct found find_path(const struct ctype *record, const char *path)
{
    struct found found = {.record = record, .name = path};

    for (;;) {
        size_t n_name = strcspn(found.name, ".");
        uint32_t offset = 0;

        found.member = ctype_find_member(found.record, found.name, n_name, &offset);
        if (found.member == NULL || found.name[n_name] == '\0') {
            return found;
        }
        if (fields_innermost(found.member->type)->kind != CTYPE_STRUCT) {
            found.member = NULL;
            return found;
        }
        found.offset_bytes += offset;
        found.record = fields_innermost(found.member->type);
        found.name += n_name + 1;
    }
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
                                  const struct value *description, const struct found *found)
{
    const char *names[64];
    uint32_t n_names = 0;

    list_members(found->record, names, sizeof(names) / sizeof(names[0]), &n_names);
    return REPORT(work->list, description->key_place, UNKNOWN_FIELD, record->text, description->key,
                  words_hint(work, found->name, names, n_names));
}

/* As if it were met, in each direction that it speaks of. */
static bool check_member(struct shape_scope *scope, const struct ctype *record,
                         const struct value *description)
{
    const struct fields_level level = {.record = record, .path = "", .name = ""};
    struct config_pointee pointee;
    const struct found found = find_path(record, description->key);
    struct shape_site site = {.record = record,
                              .inner = found.record,
                              .inner_offset_bytes = found.offset_bytes,
                              .lifetime.kind = LIFETIME_HOLDER};
    struct fields_collection collection = {scope, &site, description->source.place,
                                           .is_good = true};
    struct ctype_member renamed;

    if (found.member == NULL) {
        return report_unknown_member(scope->work, record, description, &found);
    }
    renamed = *found.member;
    renamed.name = description->key;
    site.type = fields_innermost(renamed.type);
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
