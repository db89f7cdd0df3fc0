// SPDX-License-Identifier: MIT
/*
 * Which way calls of a plan took, counted for tests by builds with MEMOSHIM_CHECKS, and by no
 * others: an answer says nothing about who gave it, since each way leads to a longer one. Counted
 * is where a way hands over; what nothing was counted for was answered by the first look.
 */
#ifndef CALL_WAYS_H
#define CALL_WAYS_H

#include <stdatomic.h>
#include <stdint.h>

enum call_way {
    CALL_WAY_FURTHER, /* behind a first look that takes arguments from registers */
    CALL_WAY_WIDE,    /* behind one that takes them from memory, or by it after the former */
    CALL_WAY_HANDLE,  /* no short way has answered: what comes before call_handle */
    CALL_WAY_LONG,    /* call_handle */
    CALL_WAY_INSERT,  /* a short miss whose result takes cache_insert */
    CALL_WAYS
};

#if MEMOSHIM_CHECKS
struct call_ways {
    _Atomic uint64_t n[CALL_WAYS];
};

/* plan: a struct call_plan. */
#define CALL_NOTE_WAY(plan, way)                                                   \
    ((void)atomic_fetch_add_explicit(&(plan)->ways.n[CALL_WAY_##way], (uint64_t)1, \
                                     memory_order_relaxed))
#else
#define CALL_NOTE_WAY(plan, way) ((void)0)
#endif

#endif
