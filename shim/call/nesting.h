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

struct nesting {
    uint32_t depth;
    uintptr_t outermost; /* frame address of the outermost computation */
};

extern __thread struct nesting nesting_of_thread;

/* frame is the upper end of the frame that handles the call: __builtin_dwarf_cfa(). */
static inline bool nesting_is_computing(const void *frame)
{
    struct nesting *nesting = &nesting_of_thread;

    if (nesting->depth > 0 && (uintptr_t)frame >= nesting->outermost) {
        nesting->depth = 0; /* stacks grow down: the outermost computation has been left */
    }
    return nesting->depth > 0;
}

/*
 * The lowest word of the frame that this is inlined into: above all that is called from there, a
 * function that goes on by a jump included. No local's address would do, since sanitizers keep
 * those elsewhere; and a frame's own is its upper end on x86-64.
 */
static inline __attribute__((always_inline)) const void *nesting_frame_end(void)
{
    const char *stack;

#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(stack));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(stack));
#else
#error "nesting.h: this architecture is not described yet"
#endif
    return stack + sizeof(void *);
}

/* frame is below that, and above all that the real function has on the stack. */
static inline struct nesting_frame nesting_enter(const void *frame)
{
    struct nesting *nesting = &nesting_of_thread;
    struct nesting_frame before = {nesting->depth, nesting->outermost};

    if (nesting->depth == 0) {
        nesting->outermost = (uintptr_t)frame;
    }
    nesting->depth++;
    return before;
}

static inline void nesting_leave(const struct nesting_frame *before)
{
    nesting_of_thread = (struct nesting){before->depth_before, before->outermost_before};
}

#endif
