// SPDX-License-Identifier: MIT
/* What fields.c and fields_open.c share. */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include "config/shape.h"

/* An entry of `fields`. */
struct fields_table {
    const struct ctype *record;
    const struct value *entry; /* an object */
    const struct fields_table *next;
};

/* A record whose fields are collected. */
struct fields_collection {
    struct shape_scope *scope;
    const struct shape_site *site; /* of the pointer to the record */
    struct place place;            /* where the record is used */
    struct config_field *fields;
    uint32_t n_fields, n_room, n_records; /* n_records: inner ones that were looked into */
    bool is_good, is_too_large;
};

/* A record within the one that is collected, or that one itself. */
struct fields_level {
    const struct ctype *record;
    const struct value *entry;        /* of `fields`; NULL: there is none */
    const char *path;                 /* of the record within the outer one: "in.text" */
    const struct fields_level *outer; /* NULL: this is the one that is collected */
    uint32_t offset_bytes;            /* within that one, as name is */
    const char *name;                 /* like path, with the indices of arrays */
};

/* The element of arrays of arrays; any other type is itself. */
static inline const struct ctype *fields_innermost(const struct ctype *type)
{
    while (type->kind == CTYPE_ARRAY) {
        type = type->target;
    }
    return type;
}

/* "'in.text' of 'struct x'" */
const char *fields_name(const struct fields_collection *collection,
                        const struct fields_level *level, const char *name);

/*
 * A member that is no pointer: it can be ignored when it is read, and be secret. False when nothing
 * is said of it in this direction.
 */
bool fields_read_plain(struct fields_collection *collection, const struct fields_level *level,
                       const struct ctype_member *member, const struct value *description);

#endif
