// SPDX-License-Identifier: MIT
/*
 * Records of functions that write pointers, or hand out more than text and offsets:
 *
 *     errno(4)                 "errno": true
 *     room(8)                  for each of the plan's places: of a storage, the room that the real
 *                              function had, which was enough, and its alignment; else 0
 *     parts                    each behind its length(8): the result if there is one, each out
 *                              parameter that is not NULL, each variable
 *
 * A part is the bytes of a value; or '-', for memory whose `when` did not hold; or what graph.h
 * says: a reference for a pointer that is returned, a block for everything else.
 *
 * Parts say nothing of where in memory something lay, so two answers are the same when their parts
 * are equal byte for byte.
 */
#ifndef MARSHAL_GRAPH_RECORD_H
#define MARSHAL_GRAPH_RECORD_H

#include "marshal/graph.h"

/* The value of the result is in the record as it is. */
static inline bool has_plain_result(const struct marshal_plan *plan)
{
    return plan->result_writes == NULL && plan->result_value_bytes > 0;
}

static inline bool has_result(const struct marshal_plan *plan)
{
    return plan->result_writes != NULL || plan->result_value_bytes > 0;
}

/* Of a result that is described: it is a struct by value, in which pointers stand. */
static inline bool is_struct_result(const struct marshal_plan *plan)
{
    return plan->function->prototype.result->kind != CTYPE_POINTER;
}

/* An out parameter of this call. */
static inline bool is_out(const struct marshal_plan *plan, void *const *arguments, uint32_t i)
{
    return plan->parameters[i].out_slot >= 0 && marshal_pointer(arguments, i) != NULL;
}

#endif
