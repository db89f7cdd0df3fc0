// SPDX-License-Identifier: MIT
/*
 * Internal to conditions: one side of a comparison, and the part that reads names and paths
 * (path.c). condition.c has the rest.
 */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include "config/language.h"

/* One side of a comparison as it was read. */
struct path {
    struct condition_operand operand;
    const struct ctype *type; /* of a path; NULL: a constant */
    bool is_text;             /* a pointer that is described as text */
    const char *text;         /* as written */
    uint32_t offset;
};

/* Stands at `at` in the source. */
struct path_reader {
    struct workspace *work;
    const struct source_text *source;
    const struct condition_scope *scope;
    const char *at;
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

#endif
