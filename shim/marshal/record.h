// SPDX-License-Identifier: MIT
/* What records of plain memory (record.c) and of memory with pointers (graph_record.c) share. */
#ifndef MARSHAL_RECORD_H
#define MARSHAL_RECORD_H

#include "marshal/marshal_private.h"

/* What is replayed, and where. */
struct replay {
    const struct marshal_plan *plan;
    void *const *arguments;
    const struct marshal_call *call; /* seen before a real call that has changed things; or NULL */
    void *result;
    bool is_trial; /* nothing is obtained and nothing written */
};

/*
 * The caller's memory at a parameter has room for so many bytes. Asked on the first pass, before
 * anything that a count reads is overwritten. True where the room is not known before the call.
 */
bool record_has_room(const struct replay *replay, uint32_t parameter, uint64_t n_bytes);

/* Leaves a value as real calls do: integers widened to eight bytes, floats as they are. */
void record_give_value(const struct ctype *type, const unsigned char *value, void *result);

/*
 * How many elements a finished call wrote to the memory of a parameter: no more than there was room
 * for. The errors of marshal_count.
 */
int record_count_out(const struct marshal_plan *plan, uint32_t parameter, void *const *arguments,
                     const void *result, const struct marshal_call *call, int64_t *ret_count);

#endif
