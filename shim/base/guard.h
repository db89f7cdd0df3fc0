// SPDX-License-Identifier: MIT
/*
 * The re-entrancy guard: one initial-exec thread-local word, non-zero while the thread runs the
 * shim's own code. The assembly thunks test it and jump straight to the real function when it is
 * set, so that a signal handler, or libc calling back, never enters the shim twice. It is cleared
 * around every call of a real function: recursion is memoized, and nothing needs repair when the
 * real function never returns.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdint.h>

/* The name is fixed: thunk_*.S tests it by name. Written only by the thread that owns it. */
extern __thread uint32_t memoshim_guard;

static inline void guard_enter(void)
{
    memoshim_guard = 1;
    __asm__ volatile("" ::: "memory"); /* set before any of our state is touched */
}

static inline void guard_leave(void)
{
    __asm__ volatile("" ::: "memory"); /* cleared after all of our state is consistent again */
    memoshim_guard = 0;
}

#endif
