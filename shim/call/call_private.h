// SPDX-License-Identifier: MIT
/* What the files of this module share. */
#ifndef CALL_PRIVATE_H
#define CALL_PRIVATE_H

#include "cache/cache.h"
#include "call/admission.h"
#include "call/call.h"
#include "call/nesting.h"
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
    bool has_short_life; /* too short for the coarse clock: its lives are read from the precise one
                          */
    uint64_t clock_lag_ns;       /* how far the clock of lives may be behind */
    enum config_mode mode;       /* never off */
    bool is_watched;             /* not every hit spares the real call: call/verify.h */
    uint64_t sample_below;       /* of a draw of 32 bits: the hits that are verified */
    _Atomic uint32_t n_reported; /* mismatches */
    const char *shown_as, *library;
    /* How long a waiter waits; follows measured times when the configuration gives none. */
    _Atomic uint64_t wait_timeout_ns;
    _Atomic uint64_t n_measured; /* real calls that were timed */
};

/* A sampled hit was wrong: drops what is remembered and lets go of the function. Guard set. */
void call_let_go(struct call_plan *plan);

#endif
