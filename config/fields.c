// SPDX-License-Identifier: MIT
/*
 * What the pointers of a record mean, as `fields` says: of one argument, of the configuration, of a
 * preset, whichever speaks of that struct first. A record is flattened: members of inner records
 * and elements of arrays are fields of their own. Unions are not looked into; one that holds a
 * pointer must be named as "address", so that nobody is surprised.
 *
 * Records may lead to each other in circles. So what was read of one, or is being read, is known by
 * the record, the direction and who describes it, and is read once.
 */
#include "config/fields.h"

#include <string.h>

/* What was read of one record, or is being read. */
struct fields_known {
    const struct ctype *record;
    const struct fields_table *of_argument; /* that may have spoken first */
    enum shape_direction direction;
    enum lifetime_kind lifetime;
    const char *freed_by; /* the block that it is in, and of which record that is; or NULL */
    const struct ctype *node;
    struct config_fields *fields;
    bool is_done, is_good;
    const struct fields_known *next;
};

/* ---- who describes it ------------------------------------------------------------------------ */

/* Two structs without tag may look alike: then the name tells them apart. */
bool fields_are_of(const struct ctype *a, const struct ctype *b)
{
    size_t n_const = strlen("const ");
    const char *text_a = a->text + (strncmp(a->text, "const ", n_const) == 0 ? n_const : 0);
    const char *text_b = b->text + (strncmp(b->text, "const ", n_const) == 0 ? n_const : 0);

    return a->tag != NULL && b->tag != NULL ? strcmp(a->tag, b->tag) == 0
                                            : a->tag == b->tag && strcmp(text_a, text_b) == 0;
}

static const struct value *find_entry(const struct shape_scope *scope, const struct ctype *record)
{
    for (size_t i = 0; i < N_SHAPE_FIELDS; i++) {
        for (const struct fields_table *row = scope->fields[i]; row != NULL; row = row->next) {
            if (fields_are_of(row->record, record)) {
                return row->entry;
            }
        }
    }
    return NULL;
}

static const char *join_path(struct workspace *work, const char *head, const char *tail)
{
    return head[0] == '\0' ? tail : tail[0] == '\0' ? head : work_join(work, head, ".", tail);
}

/* What describes a member: the outer record goes before the inner one's own fields. */
static const struct value *find_description(struct workspace *work,
                                            const struct fields_level *level, const char *path)
{
    const struct value *found =
        level->outer != NULL
            ? find_description(work, level->outer, join_path(work, level->path, path))
            : NULL;

    return found != NULL ? found : value_find(level->entry, path);
}

static const struct fields_level *outermost(const struct fields_level *level)
{
    while (level->outer != NULL) {
        level = level->outer;
    }
    return level;
}

/* ---- one field ------------------------------------------------------------------------------- */

const char *fields_name(const struct fields_collection *collection,
                        const struct fields_level *level, const char *name)
{
    struct workspace *work = collection->scope->work;

    return work_join(work, work_join(work, "'", join_path(work, level->name, name), "' of '"),
                     outermost(level)->record->text, "'");
}

static void report_too_large(struct fields_collection *collection)
{
    if (!collection->is_too_large) {
        REPORT(collection->scope->work->list, collection->place, FIELDS_MANY,
               work_number(collection->scope->work, FIELDS_MAX),
               work_number(collection->scope->work, FIELDS_MAX_RECORDS));
    }
    collection->is_too_large = true;
    collection->is_good = false;
}

static void add_field(struct fields_collection *collection, const char *name, uint32_t offset_bytes,
                      uint32_t n_bytes, const struct config_pointee *pointee)
{
    struct workspace *work = collection->scope->work;

    if (collection->n_fields == FIELDS_MAX) {
        report_too_large(collection);
        return;
    }
    if (collection->n_fields == collection->n_room) {
        struct config_field *grown;

        collection->n_room = collection->n_room == 0 ? 8 : collection->n_room * 2;
        grown = work_alloc(work, collection->n_room * sizeof(grown[0]));
        if (collection->n_fields > 0) {
            memcpy(grown, collection->fields, collection->n_fields * sizeof(grown[0]));
        }
        collection->fields = grown;
    }
    collection->fields[collection->n_fields++] =
        (struct config_field){name, offset_bytes, n_bytes, *pointee};
}

/* The member and, of an array, each of its elements. */
static void add_elements(struct fields_collection *collection, const struct fields_level *level,
                         const char *name, const struct ctype *type, uint32_t offset_bytes,
                         const struct config_pointee *pointee)
{
    struct workspace *work = collection->scope->work;

    if (type->kind != CTYPE_ARRAY) {
        add_field(collection, join_path(work, level->name, name),
                  level->offset_bytes + offset_bytes, type->size_bytes, pointee);
        return;
    }
    for (uint32_t i = 0;
         i < type->size_bytes / type->target->size_bytes && !collection->is_too_large; i++) {
        const char *element =
            work_join(work, name, "[", work_join(work, work_number(work, i), "]", ""));

        add_elements(collection, level, element, type->target,
                     offset_bytes + i * type->target->size_bytes, pointee);
    }
}

/* The word that a description is for this direction: "ignore" of { "on_in": "ignore" }; or NULL. */
static const char *word_for(const struct value *description, enum shape_direction direction)
{
    const struct value *chosen = description;

    if (description->kind == VALUE_OBJECT) {
        chosen = value_find(description, direction == SHAPE_READ ? "on_in" : "on_out");
    }
    return chosen != NULL && chosen->kind == VALUE_STRING ? chosen->source.text : NULL;
}

/* A union that may hold a pointer. */
static bool may_hold_pointer(const struct ctype *type)
{
    return fields_innermost(type)->kind == CTYPE_UNION && ctype_find_pointer(type) != NULL;
}

static void report_union(struct fields_collection *collection, const struct fields_level *level,
                         const struct ctype_member *member)
{
    REPORT(collection->scope->work->list, collection->place, UNION_UNDESCRIBED,
           fields_name(collection, level, member->name != NULL ? member->name : ""),
           ctype_is_unnamed(fields_innermost(member->type)) ? "union { ... }"
                                                            : fields_innermost(member->type)->text);
    collection->is_good = false;
}

bool fields_read_plain(struct fields_collection *collection, const struct fields_level *level,
                       const struct ctype_member *member, const struct value *description)
{
    static const struct config_pointee ignored = {.kind = POINTEE_IGNORED};
    bool is_written = collection->site->direction == SHAPE_WRITTEN;
    const char *word = word_for(description, collection->site->direction);
    const struct value *secret = value_find(description, "secret");
    struct shape_scope *scope = collection->scope;

    if (secret != NULL && description->n_children == 1 &&
        value_expect(scope->work, secret, VALUE_BOOL, "true or false")) {
        scope->has_secret |= secret->is_true && !is_written;
        scope->has_secret_out |= secret->is_true && is_written;
        return false;
    }
    if (word != NULL && strcmp(word, "ignore") == 0) {
        if (is_written) {
            return false;
        }
        add_field(collection, join_path(scope->work, level->name, member->name),
                  level->offset_bytes + member->offset_bytes, member->type->size_bytes, &ignored);
        return true;
    }
    if (word != NULL && strcmp(word, "address") == 0 && may_hold_pointer(member->type)) {
        return true; /* its bytes, as they are */
    }
    if (may_hold_pointer(member->type) && word != NULL) {
        report_union(collection, level, member);
        return true;
    }
    if (word != NULL || description->kind != VALUE_OBJECT ||
        (value_find(description, "on_in") == NULL && value_find(description, "on_out") == NULL)) {
        REPORT(scope->work->list, description->source.place, FIELD_NO_POINTER,
               fields_name(collection, level, member->name), member->type->text);
        collection->is_good = false;
        return true;
    }
    return false;
}

/* By the innermost struct that has a name: there it is described once for all that hold it. */
static void report_undescribed(struct fields_collection *collection,
                               const struct fields_level *level, const char *name,
                               const struct ctype *type)
{
    struct shape_scope *scope = collection->scope;
    struct workspace *work = scope->work;
    const char *said;

    for (; ctype_is_unnamed(level->record) && level->outer != NULL; level = level->outer) {
        name = join_path(work, level->path, name);
    }
    said = work_join(work, work_join(work, "'", name, "' of '"), level->record->text, "'");
    REPORT(work->list, level->entry != NULL ? level->entry->key_place : collection->place,
           FIELD_UNDESCRIBED, said, type->text,
           suggest_field(work, level->record, name, type, collection->site->direction));
    collection->is_good = false;
}

static void read_pointer(struct fields_collection *collection, const struct fields_level *level,
                         const struct ctype_member *member, const struct value *description)
{
    struct shape_site site = *collection->site;
    struct config_pointee pointee;

    site.type = fields_innermost(member->type);
    site.record = outermost(level)->record;
    site.inner = level->record;
    site.inner_offset_bytes = level->offset_bytes;
    site.name = fields_name(collection, level, member->name);
    site.hint = NULL;
    if (description == NULL) {
        report_undescribed(collection, level, member->name, site.type);
    } else if (!pointee_read(collection->scope, &site, description, &pointee)) {
        collection->is_good = false;
    } else {
        add_elements(collection, level, member->name, member->type, member->offset_bytes, &pointee);
    }
}

/* ---- all fields of a record ------------------------------------------------------------------ */

static void collect(struct fields_collection *collection, const struct fields_level *level);

/* The record is a member by value, or an element of an array that is one. */
static void collect_inner(struct fields_collection *collection, const struct fields_level *level,
                          const char *path, const char *name, const struct ctype *type,
                          uint32_t offset_bytes)
{
    struct shape_scope *scope = collection->scope;
    bool was_good = collection->is_good;
    struct fields_level inner;

    if (collection->n_records++ == FIELDS_MAX_RECORDS) {
        report_too_large(collection);
        return;
    }
    if (type->kind != CTYPE_ARRAY) {
        inner = (struct fields_level){.record = type,
                                      .entry = find_entry(scope, type),
                                      .path = path,
                                      .outer = level,
                                      .offset_bytes = level->offset_bytes + offset_bytes,
                                      .name = join_path(scope->work, level->name, name)};
        collect(collection, &inner);
        return;
    }
    /* What is wrong with one element is wrong with all. */
    for (uint32_t i = 0; i < type->size_bytes / type->target->size_bytes &&
                         collection->is_good == was_good && !collection->is_too_large;
         i++) {
        const char *element = work_join(
            scope->work, name, "[", work_join(scope->work, work_number(scope->work, i), "]", ""));

        collect_inner(collection, level, path, element, type->target,
                      offset_bytes + i * type->target->size_bytes);
    }
}

/* Something in this record, or further in, is described or must be. */
static bool is_of_interest(const struct shape_scope *scope, const struct ctype *record)
{
    if (ctype_find_pointer(record) != NULL || find_entry(scope, record) != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < record->n_members; i++) {
        const struct ctype *member = fields_innermost(record->members[i].type);

        if (member->kind == CTYPE_STRUCT && is_of_interest(scope, member)) {
            return true;
        }
    }
    return false;
}

/* One of the records around it has keys that begin with this path. */
static bool is_spoken_of(struct workspace *work, const struct fields_level *level, const char *path)
{
    for (; level != NULL; path = join_path(work, level->path, path), level = level->outer) {
        size_t n_path = strlen(path);

        for (const struct value *entry = level->entry != NULL ? level->entry->first : NULL;
             entry != NULL; entry = entry->next) {
            if (strncmp(entry->key, path, n_path) == 0 && entry->key[n_path] == '.') {
                return true;
            }
        }
    }
    return false;
}

static void collect_member(struct fields_collection *collection, const struct fields_level *level,
                           const struct ctype_member *member)
{
    struct workspace *work = collection->scope->work;
    const struct ctype *type = fields_innermost(member->type);
    bool is_named = member->name != NULL;
    const char *path = is_named ? member->name : "";
    const struct value *description = is_named ? find_description(work, level, path) : NULL;

    if (type->kind == CTYPE_POINTER) {
        read_pointer(collection, level, member, description);
    } else if (description != NULL && fields_read_plain(collection, level, member, description)) {
        return;
    } else if (type->kind == CTYPE_STRUCT &&
               (!is_named || is_of_interest(collection->scope, type) ||
                is_spoken_of(work, level, path))) {
        collect_inner(collection, level, path, path, member->type, member->offset_bytes);
    } else if (may_hold_pointer(type)) {
        report_union(collection, level, member);
    }
}

static void collect(struct fields_collection *collection, const struct fields_level *level)
{
    for (uint32_t i = 0; i < level->record->n_members && !collection->is_too_large; i++) {
        collect_member(collection, level, &level->record->members[i]);
    }
}

static const char *freed_by(const struct shape_site *site)
{
    return site->freed.kind == LIFETIME_FREED_BY ? site->freed.freed_by : NULL;
}

static bool is_in_same_block(const struct fields_known *known, const struct shape_site *site)
{
    const char *freed = freed_by(site);

    return known->freed_by == NULL || freed == NULL
               ? known->freed_by == freed
               : strcmp(known->freed_by, freed) == 0 && fields_are_of(known->node, site->node);
}

static struct fields_known *know(struct shape_scope *scope, const struct shape_site *site,
                                 const struct ctype *record)
{
    struct fields_known *known = work_alloc(scope->work, sizeof(*known));

    *known = (struct fields_known){.record = record,
                                   .of_argument = scope->fields[FIELDS_OF_ARGUMENT],
                                   .direction = site->direction,
                                   .lifetime = site->lifetime.kind,
                                   .freed_by = freed_by(site),
                                   .node = site->node,
                                   .fields = work_alloc(scope->work, sizeof(*known->fields)),
                                   .next = scope->known};
    known->fields->record = record;
    scope->known = known;
    return known;
}

static const struct fields_known *find_known(const struct shape_scope *scope,
                                             const struct shape_site *site,
                                             const struct ctype *record)
{
    const struct fields_known *known = scope->known;

    while (known != NULL &&
           (known->direction != site->direction || known->lifetime != site->lifetime.kind ||
            known->of_argument != scope->fields[FIELDS_OF_ARGUMENT] ||
            !is_in_same_block(known, site) || !fields_are_of(known->record, record))) {
        known = known->next;
    }
    return known;
}

/* Other lifetimes are said of one description alone, and no record leads back to that. */
static bool is_common(const struct shape_site *site)
{
    return site->lifetime.kind == LIFETIME_NONE || site->lifetime.kind == LIFETIME_HOLDER;
}

bool fields_read(struct shape_scope *scope, const struct shape_site *site,
                 const struct ctype *record, const struct config_fields **ret)
{
    struct fields_level level = {.record = record, .path = "", .name = ""};
    struct shape_site reached = *site;
    struct fields_collection collection = {scope, &reached, scope->use, .is_good = true};
    const struct fields_known *met;
    struct fields_known *known;

    *ret = NULL;
    if (scope->prototype == NULL) {
        return true; /* who looks at `fields` by themselves comes to each struct anyway */
    }
    if (record->kind == CTYPE_UNION) {
        return ctype_find_pointer(record) == NULL ||
               REPORT(scope->work->list, scope->use, UNION_FOLLOWED, record->text);
    }
    if (site->direction == SHAPE_READ) {
        reached.lifetime = (struct config_lifetime){.kind = LIFETIME_HOLDER};
        reached.freed.kind = LIFETIME_NONE;
    }
    if (reached.freed.kind == LIFETIME_FREED_BY && reached.node == NULL) {
        reached.node = record;
    }
    met = is_common(&reached) ? find_known(scope, &reached, record) : NULL;
    if (met != NULL) {
        /* One that is being read leads back to itself, so that it has a field. */
        *ret = !met->is_done || met->fields->n_fields > 0 ? met->fields : NULL;
        return !met->is_done || met->is_good;
    }
    known = know(scope, &reached, record);
    level.entry = find_entry(scope, record);
    collect(&collection, &level);
    known->fields->fields = collection.fields;
    known->fields->n_fields = collection.n_fields;
    known->is_good = collection.is_good;
    known->is_done = true;
    *ret = collection.n_fields > 0 ? known->fields : NULL;
    return collection.is_good;
}
