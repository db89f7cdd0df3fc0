// SPDX-License-Identifier: MIT
/*
 * Records of functions that hand out nothing but static memory, as localtime and getpwuid do, and
 * write nothing else than variables: everything in them lies as it will lie in memory, so that a
 * hit copies a few blocks and sets the pointers between them.
 *
 *     errno(4)                 what is done to it, whether that is captured or not
 *     pointers(4)              how many of them stand in places and lead into places
 *     absent(4)                bit i: the `when` of variable i did not hold
 *     taken(4)                 for each of the plan's places: how many bytes of it are
 *     where(4)                 for each of those pointers: the number of the place that it stands
 *                              in, from 1 on, in the upper 8 bits, and how far from its beginning
 *     result(8)                if there is one
 *     variables                each that is not absent: its pieces, one behind the other
 *     places                   what is taken of them, one behind the other
 *
 * A pointer into a place is written down as the number of the place, from 1 on, in the upper half
 * of its eight bytes, and how far from its beginning it leads in the lower half. All other pointers
 * are what they are.
 *
 * Of an image it is checked that it writes nothing but the memory that it is for, and not what the
 * pointers in it lead to: records like these stay in the process that made them.
 */
#ifndef MARSHAL_GRAPH_IMAGE_H
#define MARSHAL_GRAPH_IMAGE_H

#include "marshal/graph.h"

/* Settles whether the plan's records are such; nodes and places are complete. 0 or -ENOMEM. */
int image_plan(struct marshal_plan *plan, struct arena *arena);

/* As marshal_capture, of a plan that has them. */
int image_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  const struct marshal_call *call, int32_t set_errno,
                  struct marshal_buffer *buffer);

/* As marshal_replay. */
int image_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno);

/*
 * As marshal_compare. What lies in places belongs to the result, if there is one, and else to the
 * first of the variables.
 */
struct marshal_difference image_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh);

#endif
