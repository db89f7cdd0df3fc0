// SPDX-License-Identifier: MIT
/*
 * Records of functions that hand out nothing but static memory, as localtime and getpwuid do, and
 * write nothing else than variables: everything in them lies as it will lie in memory, so that a
 * hit copies blocks and sets the pointers between them. Beginning and parts are those of
 * graph_record.h, but that the word of each place says how many bytes of it are taken, and that a
 * part is a number of steps:
 *
 *     'C' into(1) 0 0 n(4) at(4)     n bytes follow, which belong at `at` of the memory `into`
 *     'P' into(1) to(1) 0 n(4) 0(4)  in n bytes pointers follow: from(4) to(4), where each stands
 * in `into`, and where in `to` it leads
 *
 * Memory 0 is the part's own: the result, or the variable; 1 and on: the plan's places.
 *
 * Of an image it is checked that it writes nothing but the memory that it is for, and not what the
 * pointers in it lead to: records like these stay in the process that made them.
 */
#ifndef MARSHAL_GRAPH_IMAGE_H
#define MARSHAL_GRAPH_IMAGE_H

#include "marshal/graph.h"

/* Settles whether the plan's records are such; nodes and places are complete. 0 or -ENOMEM. */
int image_plan(struct marshal_plan *plan, struct arena *arena);

/*
 * Makes one of the record of graph_record.h that begins at n_before of the buffer, in its place.
 * The errors of marshal_capture.
 */
int image_make(const struct marshal_plan *plan, void *const *arguments,
               struct marshal_buffer *buffer, size_t n_before);

/* As marshal_replay. */
int image_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno);

#endif
