// SPDX-License-Identifier: MIT
/* What the files that deal with images share: see graph_image.h. */
#ifndef MARSHAL_GRAPH_IMAGE_PRIVATE_H
#define MARSHAL_GRAPH_IMAGE_PRIVATE_H

#include "marshal/graph_image.h"
#include "marshal/graph_record.h"

#include <string.h>

/* Bytes of a variable that are written, and nothing between them is. */
struct image_piece {
    unsigned char *at;
    uint32_t n_bytes;
    uint8_t global;
    bool is_pointer; /* NULL, or into a place */
};

/* Constant. */
struct marshal_image {
    const struct image_piece *pieces; /* in the order of the variables */
    uint32_t n_pieces;
    uint32_t n_head_bytes;                     /* before the wheres */
    uint32_t all_global_bytes;                 /* of pieces, if no variable is absent */
    uint32_t global_bytes[CONFIG_MAX_GLOBALS]; /* the same of each */
    uint32_t room_bytes[CONFIG_MAX_GLOBALS];   /* of each variable, with what is not written */
    bool has_pointer_pieces;
    bool is_result_held; /* the result leads into a place, if it is not NULL */
    bool is_simple;      /* graph_image_simple.c makes them */
    uint32_t n_elements; /* of a simple one that the result leads to; 0: it is text */
};

#define IMAGE_ERRNO_AT    0
#define IMAGE_POINTERS_AT 4
#define IMAGE_ABSENT_AT   8
#define IMAGE_TAKEN_AT    12

/* Offsets in places fit, and so do the numbers of places. */
#define IMAGE_WHERE_BITS 24

_Static_assert(MARSHAL_MAX_BYTES <= (size_t)1 << IMAGE_WHERE_BITS, "of places");

static inline uint32_t image_load32(const unsigned char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t image_load64(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline void image_put32(unsigned char *at, uint32_t word)
{
    memcpy(at, &word, sizeof(word));
}

/* place: from 1 on. */
static inline uint64_t image_pointer(uint32_t place, uint32_t offset)
{
    return (uint64_t)place << 32 | offset;
}

static inline uint32_t image_where(uint32_t place, uint32_t offset)
{
    return place << IMAGE_WHERE_BITS | offset;
}

static inline bool image_is_absent(uint32_t absent, uint32_t global)
{
    return (absent >> global & 1) != 0;
}

/* Of the variables that are not absent. Of garbage it is anything. */
static inline uint32_t image_globals_bytes(const struct marshal_image *image, uint32_t absent)
{
    uint32_t n_bytes = image->all_global_bytes;

    for (; __builtin_expect(absent != 0, 0); absent &= absent - 1) {
        n_bytes -= image->global_bytes[__builtin_ctz(absent) % CONFIG_MAX_GLOBALS];
    }
    return n_bytes;
}

/* graph_image_simple.c: image_capture of a plan whose images are simple. */
int image_capture_simple(const struct marshal_plan *plan, void *const *arguments,
                         const void *result, int32_t set_errno, struct marshal_buffer *buffer);

#endif
