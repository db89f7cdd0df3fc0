// SPDX-License-Identifier: MIT
/*
 * Nesting of computations in this thread. A thread that is computing one result never waits for
 * another thread's, or two could wait for each other.
 */
#ifndef CALL_NESTING_H
#define CALL_NESTING_H

#include <stdbool.h>
#include <stdint.h>

/* What nesting_enter found, for the nesting_leave that belongs to it. */
struct nesting_frame {
    uint32_t depth_before;
    uintptr_t outermost_before;
};

/* frame is the address of the frame that handles the call. */
bool nesting_is_computing(const void *frame);
struct nesting_frame nesting_enter(const void *frame);
void nesting_leave(const struct nesting_frame *before);

#endif
