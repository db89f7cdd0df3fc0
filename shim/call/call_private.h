// SPDX-License-Identifier: MIT
/* What the files of this module share. */
#ifndef CALL_PRIVATE_H
#define CALL_PRIVATE_H

#include "base/foreign_libc.h"
#include "base/fork_page.h"
#include "cache/cache.h"
#include "call/call.h"
#include "call/files.h"
#include "call/measure.h"
#include "call/nesting.h"
#include "call/quick.h"
#include "call/ways.h"
#include "marshal/marshal.h"
#include <stdatomic.h>
#include <stdbool.h>

struct call_plan {
    struct call_quick quick; /* of the short way of a hit, which reads also the next three */
    uint64_t seed;
    struct stats_counters *counters;
    _Atomic bool is_unfollowed; /* an invalidation can no longer be followed: never answers again */
    const struct call_wide *wide;     /* quick_wide.c; NULL: there is none */
    const struct call_images *images; /* quick_images.c; the same */
    const struct config_function *function;
    const struct abi_call *abi;
    const struct marshal_plan *marshal;
    struct cache *cache;
    void *original;
    const struct hash_mac_key *mac_key;
    bool uses_float;
    bool holds_secrets;  /* keys or results are: buffers are wiped */
    bool seals;          /* results are: records lie in the cache under seals, seal.h */
    bool judges_results; /* what becomes of a result hangs on what it is */
    bool in_place;       /* hits are replayed from the cache's own memory, if that can be */
    bool has_life;
    bool has_short_life; /* too short for the coarse clock: its lives are read from the precise one
                          */
    uint64_t clock_lag_ns;             /* how far the clock of lives may be behind */
    uint64_t jitter;                   /* the share of a life that is drawn from, of 2^32 */
    uint64_t early;                    /* beta of early recomputation, times 2^32 */
    _Atomic uint64_t draws;            /* of jitter */
    enum config_mode mode;             /* never off */
    bool is_watched;                   /* not every hit spares the real call: call/verify.h */
    uint64_t sample_below;             /* of a draw of 32 bits: the hits that are verified */
    _Atomic uint32_t n_reported;       /* mismatches */
    struct cache_instances *instances; /* then cache is NULL */
    struct watched_files files;
    bool has_fences;            /* there are rules that match */
    _Atomic uint32_t *fences;   /* of those, FENCES_PER_RULE each: invalidate.c */
    _Atomic uint64_t n_changes; /* moves when something is invalidated, also to no avail */
    _Atomic int32_t n_changing; /* invalidating calls that have begun and not returned */
    _Atomic int32_t n_dropping; /* those for which it is being dropped now, here and elsewhere */
    _Atomic uint64_t last_change_ns; /* clock_coarse_ns when the last of them began */
    const char *shown_as, *library;
    /* How long a waiter waits; follows measured times when the configuration gives none. */
    _Atomic uint64_t wait_timeout_ns;
    _Atomic uint64_t n_measured; /* real calls that were timed */
    struct measure measure;
#if MEMOSHIM_CHECKS
    struct call_ways ways;
#endif
};

/* The first call in a forked child: locks and flights anew. The guard is set. */
void call_meet_child(void);

/*
 * The real function has returned, perhaps into a child that it has forked, where threads that it
 * has begun may be doing that: what is told from here on, and locked, would be lost. Where there
 * are none the next call is early enough. As call_meet_child.
 */
static inline void call_come_back(void)
{
    if (__builtin_expect(!__libc_single_threaded, 0) &&
        __builtin_expect(fork_page_is_new_child(), 0)) {
        call_meet_child();
    }
}

/* One look at whether statistics are due for so many calls of a thread. */
#define CALLS_BETWEEN_TICKS 256

extern __thread uint32_t call_calls_since_tick;
void call_tick_now(void);

/* So many more calls of this thread: statistics may be due. The guard is set. */
static inline void call_tick(uint32_t n_calls)
{
    call_calls_since_tick += n_calls;
    if (__builtin_expect(call_calls_since_tick >= CALLS_BETWEEN_TICKS, 0)) {
        call_calls_since_tick = 0;
        call_tick_now();
    }
}

/* The lock-free part of call_plan_invalidate. A callback: plan is a struct call_plan. */
void call_fence(void *plan);

/* An invalidating call is under way, or began a moment ago and may never return. */
bool call_is_changing(const struct call_plan *plan);

/* Whether what is remembered may answer now; looks at the files that it hangs on. */
static inline bool call_may_answer(struct call_plan *plan)
{
    if (__builtin_expect(plan->files.n > 0, 0)) {
        if (!marshal_may_ask_kernel()) {
            return false;
        }
        if (files_have_changed(&plan->files, call_fence, plan)) {
            call_plan_invalidate(plan);
        }
    }
    return !atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed);
}

/* invalidate.c: memory for a plan's rules; and what a computation of this key must not outlive. */
int call_rules_init(struct call_plan *plan, struct arena *arena);
void call_add_fences(const struct call_plan *plan, struct bytes key, struct cache_ticket *ticket);

/*
 * A computation has begun. What it calls may still be remembered where it has been dropped here: so
 * while it is being dropped in one place after the other, what begins is not kept.
 */
static inline void call_heed_dropping(const struct call_plan *plan, struct cache_ticket *ticket)
{
    if (__builtin_expect(atomic_load_explicit(&plan->n_dropping, memory_order_acquire) != 0, 0)) {
        cache_ticket_spoil(ticket);
    }
}

/* instances.c: the cache of this call's instance. 0, -E2BIG, -ENOMEM or -EBUSY. */
int call_find_instance(struct call_plan *plan, void *const *arguments, struct bytes key,
                       struct cache **ret_cache);

/*
 * For measure.c: remembering does not pay, so let go of the function for a while, if that can be
 * done now; it was tried again, and pays. The guard is set, no lock is held.
 */
void call_rest(struct call_plan *plan, const struct call_balance *balance);
void call_note_pays(struct call_plan *plan);

/* Written by call_init, before the first call. */
extern struct call_hooks call_hooks __attribute__((visibility("hidden")));

extern _Atomic uint64_t call_try_again_ns;
void call_try_again(void);

/* Functions that were let go of for a while may be due. The guard is set, no lock is held. */
static inline void call_try_what_rests(void)
{
    uint64_t due_ns = atomic_load_explicit(&call_try_again_ns, memory_order_relaxed);

    if (__builtin_expect(due_ns != UINT64_MAX, 0) && clock_coarse_ns() >= due_ns) {
        call_try_again();
    }
}

/* On each miss, before the real function: what else may be due. The guard is set. */
static inline void call_look_on_miss(void)
{
    call_try_what_rests();
    if (call_hooks.miss != NULL) {
        call_hooks.miss();
    }
}

/* A sampled hit was wrong: drops what is remembered and lets go of the function. Guard set. */
void call_let_go(struct call_plan *plan);

#endif
