// SPDX-License-Identifier: MIT
/*
 * Functions that write to memory of the caller's whose sizes the description tells, as frexp,
 * sincos and remquo do, or to errno, and that hand out nothing else but a value: their keys have
 * one size, and so have their records, in which everything has its place. Both then lie in the
 * slots of a cache, and hits need not read what they are made of. See key.c and record.c for all
 * other functions.
 *
 *     key      the parameters in their order: a memory that is written is 'N' for NULL, or 'P'; the
 *              further inputs; of each pair of such memory one byte: how it overlaps, or 0
 *     record   each memory, as it was left, or zeroes for NULL; the result's value; errno. Each
 *              begins at a word, and is filled up with zeroes to the next.
 */
#ifndef MARSHAL_FIXED_H
#define MARSHAL_FIXED_H

#include "marshal/record.h"

#define FIXED_OUTS      4
#define FIXED_MAX_BYTES 64 /* of a key and of a record */

struct marshal_fixed {
    uint32_t n_outs;
    struct {
        uint32_t parameter;
        uint32_t at, n_bytes; /* in the record */
    } outs[FIXED_OUTS];
    uint32_t result_at, errno_at; /* in the record, if there are any */
};

/* Gives plan, which is otherwise complete, a `fixed` if it is fit for that. 0 or -ENOMEM. */
int fixed_create(struct marshal_plan *plan, struct arena *arena);

/* Behind the parameters and the further inputs of a key. Errors of marshal_buffer_put. */
int fixed_put_overlaps(const struct marshal_plan *plan, void *const *arguments,
                       struct marshal_buffer *buffer);

/* As marshal_capture, marshal_replay and marshal_compare. */
int fixed_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  int32_t set_errno, struct marshal_buffer *buffer);
int fixed_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno);
struct marshal_difference fixed_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh, void *const *arguments);

#endif
