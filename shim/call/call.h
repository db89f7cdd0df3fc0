// SPDX-License-Identifier: MIT
/*
 * Where the parts meet: the plan of one function and the path of one call.
 *
 *     call_handle ─ guard ─ rounding mode ─ marshal_key ── cannot be a key ──► real f, bypass
 *           │
 *     cache_lookup ── recursion, timeout of a wait ... ──────────────────────► real f, bypass
 *       hit │     └─ miss ─► real f (no lock, no guard) ─ life_judge
 *           │                   ├─ kept ───► marshal_capture ─ cache_insert
 *           │                   └─ failed ─► cache_fall_back ─┐
 *     marshal_replay, errno ◄─────────────────────────────────┘
 *
 * Nothing needs repair if the real function never returns.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "abi/abi.h"
#include "base/arena.h"
#include "base/hash.h"
#include "config/config.h"
#include "marshal/marshal.h"
#include "stats/stats.h"
#include <stdint.h>

/* One hooked definition of one function. Immutable once created, but for its counters and cache. */
struct call_plan;

struct call_plan_options {
    const struct config_function *function;  /* must outlive the plan */
    const char *shown_as;                    /* name in statistics; must outlive the plan */
    const char *library;                     /* provider, or NULL; must outlive the plan */
    void *original;                          /* the real function */
    uint64_t seed;                           /* of hashes; differs from process to process */
    const struct hash_mac_key *mac_key;      /* for secrets; must outlive the plan */
    enum config_mode mode;                   /* any but off */
    const struct marshal_bindings *bindings; /* what was found in the process; NULL: nothing */
};

/*
 * Makes everything a call needs, in arena. 0; -ENOTSUP with *ret_reason (a sentence for people)
 * when the function cannot be memoized; -ENOMEM.
 */
int call_plan_create(const struct call_plan_options *options, struct arena *arena,
                     struct call_plan **ret_plan, const char **ret_reason);

/*
 * What a call takes on its way to call_handle and back, in picoseconds: it is part of what hits and
 * misses cost. Before the first call.
 */
void call_plan_note_way(struct call_plan *plan, uint64_t way_ps);

/* For the entry that will lead to the plan. */
const struct abi_call *call_plan_abi(const struct call_plan *plan);

/*
 * Code for entry_open_quick that does what call_handle does, and hits sooner; NULL: there is none
 * for this plan.
 */
void (*call_plan_quick(const struct call_plan *plan))(void);

/* The same for entry_open_words. At most one of them is there. */
abi_words_fn call_plan_words(const struct call_plan *plan);

/* An entry_handler_fn: one call of the function whose plan this is. */
void call_handle(void *plan, void *result, void **arguments);

/* What the guard saw of a function over its latest calls. */
struct call_balance {
    uint64_t n_calls, n_hits;
    uint64_t hit_ps, miss_ps; /* memoshim's own part of one, in picoseconds */
    uint64_t real_ps;         /* the real function, in the mean */
};

/* What calls need done by whoever owns the process-wide state. Set once, before the first call. */
struct call_hooks {
    /* A forked child made its first call: call_plan_after_fork for each plan. The guard is set. */
    void (*new_child)(void);
    /* Called every so often with the guard set, to write statistics that are due. NULL: never. */
    void (*tick)(void);
    /* Called on each miss with the guard set, before the real function. NULL: never. */
    void (*miss)(void);
    /*
     * A sampled hit differed from the real call: the plan's function is to be called directly from
     * here on. The guard is set, no lock is held.
     */
    void (*let_go)(struct call_plan *plan);
    /*
     * Remembering does not pay: the plan's function is to be called directly for a while, if that
     * can be arranged now. As let_go. NULL: never.
     */
    void (*rest)(struct call_plan *plan, const struct call_balance *balance);
    /* It was tried again, and pays. NULL: nobody is told. */
    void (*pays)(struct call_plan *plan);
    /* The time of call_try_again_at has come. As let_go. */
    void (*try_again)(void);
};

void call_init(const struct call_hooks *hooks);

/* In a forked child: locks and flights anew, counters at zero, entries kept. */
void call_plan_after_fork(struct call_plan *plan);

/* ---- the guard --------------------------------------------------------------------------------
 */

/* How long to leave a function alone that was found not to pay n_times (at least 1) in a row. */
uint64_t call_rest_ns(uint32_t n_times);

/* The function of a plan that rested is about to be hooked again, to be judged after a while. */
void call_plan_try_again(struct call_plan *plan);

/* When (by clock_coarse_ns) the next is due; UINT64_MAX: none. Calls of others look at the clock.
 */
void call_try_again_at(uint64_t due_ns);

/* As a call that is timed does: try_again if it is due. With the guard set and no lock held. */
void call_look_at_resting(void);

/*
 * Reading a clock, changing pages or looking at a file may end the program from here on: nothing is
 * timed any more, and nothing tried again, and a call whose key takes such a look is passed on. For
 * good.
 */
void call_be_confined(void);

/* ---- invalidation ---------------------------------------------------------------------------- */

/*
 * Drops everything that is remembered, and whatever is being computed is not kept. With the guard
 * set and no lock held.
 */
void call_plan_invalidate(struct call_plan *plan);

/* For good: no call is answered from memory any more. Any time, any thread. */
void call_plan_bypass(struct call_plan *plan);

/*
 * One definition of a function whose calls invalidate, and what they drop: all that it was tied to
 * by rules of configurations. Whoever sees its calls tells of each before and after.
 */
struct call_trigger;

/* NULL without memory. */
struct call_trigger *call_trigger_create(struct arena *arena);

/*
 * Ties a plan to it, by a rule of the plan's function. May be called while others tell of calls;
 * one thread adds at a time. 0, -ENOMEM, or -ENOTSUP: where an argument travels cannot be told.
 */
int call_trigger_add(struct call_trigger *trigger, struct call_plan *plan,
                     const struct config_invalidation *rule, struct arena *arena);

#define CALL_NOTE_BYTES 192

/*
 * A call begins. With the guard set. is_inside: it was set before, by this thread, whatever it was
 * at: no lock is taken then, and everything is dropped, whatever matches. note: CALL_NOTE_BYTES,
 * aligned to 8, for `after`; NULL: the end of the call will not be seen, so the plans are bypassed
 * from here on.
 */
void call_trigger_before(struct call_trigger *trigger, const struct abi_registers *registers,
                         bool is_inside, void *note);
void call_trigger_after(struct call_trigger *trigger, bool is_inside, const void *note);

/* Fills what the plan knows: name, policy, library, counters, cache usage. Async-signal-safe. */
void call_plan_read(const struct call_plan *plan, struct stats_function *ret_function);

#endif
