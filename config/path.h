// SPDX-License-Identifier: MIT
/*
 * Internal to conditions: one side of a comparison, the part that reads names and paths (path.c),
 * and the part that follows pointers (follow.c). condition.c has the rest.
 */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include "config/language.h"

/* One side of a comparison as it was read. */
struct path {
    struct condition_operand operand;
    const struct ctype *type; /* of a path; NULL: a constant */
    bool is_text;             /* a pointer that is described as text */
    bool is_wide;             /* the same, of wide characters */
    const char *text;         /* as written */
    uint32_t offset;
    const char *begin, *end;    /* of the pointer that is followed, in the source */
    struct condition_hop *hops; /* those of operand, while they are made */
    bool is_member;             /* a member was taken of the value or memory that it is in */
    const struct config_fields *fields; /* of the record that it is in; or NULL */
    uint32_t record_bytes;              /* where that begins */
    const struct config_pointee *next;  /* what the elements lead to that it is one of; or NULL */
};

/* Stands at `at` in the source. */
struct path_reader {
    struct workspace *work;
    const struct source_text *source;
    const struct condition_scope *scope;
    const char *at;
    bool is_tested; /* other comparisons hold before this one is made */
};

#define CONDITION_FAIL(reader, offset, name, ...) \
    REPORT((reader)->work->list, place_inside((reader)->source, offset), name, ##__VA_ARGS__)

static inline uint32_t path_offset(const struct path_reader *reader, const char *at)
{
    return (uint32_t)(at - reader->source->text);
}

static inline bool path_is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte == '$' || (byte >= '0' && byte <= '9');
}

/*
 * Reads "return", "p", "s.f", "p->f", "v[0]", NULL, or the name of a number. is_pointee: a '*'
 * stands before it. True if side was filled in.
 */
bool path_read(struct path_reader *reader, struct path *side, bool is_pointee);

/*
 * The path stands on a pointer: from here on on element number index of what it points to. False,
 * and said why, where no description says that there is memory.
 */
bool path_follow(struct path_reader *reader, struct path *side, uint64_t index);

/* The path stands on the value of its parameter, or the result. */
void path_begin(const struct path_reader *reader, struct path *side);

/* The path stands on a pointer to text that ends with a NUL byte. */
bool path_leads_to_text(const struct path_reader *reader, const struct path *side);

/* The same of wide characters. */
bool path_leads_to_wide_text(const struct path_reader *reader, const struct path *side);

#endif
