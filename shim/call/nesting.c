// SPDX-License-Identifier: MIT
/*
 * A depth alone would stay up for ever when a real function leaves by longjmp or an exception. So
 * the address of the outermost computing frame is kept beside it: a call from a shallower frame of
 * the same stack proves that the computation is gone. A coroutine on another stack may be taken
 * for either; then a wait is skipped, or is bounded by its timeout. Neither changes an answer.
 */
#include "call/nesting.h"

static __thread struct {
    uint32_t depth;
    uintptr_t outermost; /* frame address of the outermost computation */
} nesting;

bool nesting_is_computing(const void *frame)
{
    if (nesting.depth > 0 && (uintptr_t)frame >= nesting.outermost) {
        nesting.depth = 0; /* stacks grow down: the outermost computation has been left */
    }
    return nesting.depth > 0;
}

struct nesting_frame nesting_enter(const void *frame)
{
    struct nesting_frame before = {nesting.depth, nesting.outermost};

    if (nesting.depth == 0) {
        nesting.outermost = (uintptr_t)frame;
    }
    nesting.depth++;
    return before;
}

void nesting_leave(const struct nesting_frame *before)
{
    nesting.depth = before->depth_before;
    nesting.outermost = before->outermost_before;
}
