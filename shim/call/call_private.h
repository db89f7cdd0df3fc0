// SPDX-License-Identifier: MIT
/* What the files of this module share. */
#ifndef CALL_PRIVATE_H
#define CALL_PRIVATE_H

#include "cache/cache.h"
#include "call/call.h"
#include "marshal/marshal.h"
#include <stdatomic.h>
#include <stdbool.h>

struct call_plan {
    const struct config_function *function;
    const struct abi_call *abi;
    const struct marshal_plan *marshal;
    struct cache *cache;
    struct stats_counters *counters;
    void *original;
    uint64_t seed;
    const struct hash_mac_key *mac_key;
    bool uses_float, uses_x87, has_life;
    const char *shown_as, *library;
    /* How long a waiter waits; follows measured times when the configuration gives none. */
    _Atomic uint64_t wait_timeout_ns;
    _Atomic uint64_t n_measured; /* real calls that were timed */
};

/*
 * Whether every comparison of the condition holds for this finished call. NULL text equals
 * nothing; a comparison that reads through a NULL pointer does not hold.
 */
bool admission_holds(const struct config_condition *condition,
                     const struct config_function *function, void *const *arguments,
                     const void *result);

/*
 * Nesting of computations in this thread. A thread that is computing one result never waits for
 * another thread's, or two could wait for each other. nesting_enter returns whether this thread
 * was free; frame is the address of the caller's frame.
 */
struct nesting_frame {
    uint32_t depth_before;
    uintptr_t outermost_before;
};

bool nesting_is_computing(const void *frame);
struct nesting_frame nesting_enter(const void *frame);
void nesting_leave(const struct nesting_frame *before);

#endif
