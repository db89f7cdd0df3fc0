// SPDX-License-Identifier: MIT
/* Reading bytes that marshal wrote, of which nothing is believed that does not fit. */
#ifndef MARSHAL_READER_H
#define MARSHAL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is left to read. */
struct reader {
    const unsigned char *at;
    size_t n_left;
};

/* The next n_bytes, or NULL when there are not so many. */
static inline const unsigned char *take(struct reader *reader, uint64_t n_bytes)
{
    const unsigned char *at = reader->at;

    if (n_bytes > reader->n_left) {
        return NULL;
    }
    reader->at += n_bytes;
    reader->n_left -= n_bytes;
    return at;
}

static inline bool take_word(struct reader *reader, uint64_t *ret_word)
{
    const unsigned char *at = take(reader, sizeof(*ret_word));

    if (at != NULL) {
        memcpy(ret_word, at, sizeof(*ret_word));
    }
    return at != NULL;
}

#endif
