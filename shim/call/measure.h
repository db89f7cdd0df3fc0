// SPDX-License-Identifier: MIT
/*
 * What memoshim's own part of a call costs, from calls that are timed now and then: one in 32
 * until the guard has judged once, then one in 1024, so that the timing takes less than 1 % even of
 * a hit of 10 ns. From time to time the guard judges whether the function
 * pays. Real calls are timed as often as their length lets that be cheap.
 */
#ifndef CALL_MEASURE_H
#define CALL_MEASURE_H

#include "base/clock.h"
#include "call/call.h"
#include "call/pace.h"
#include "stats/stats.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MEASURE_KEPT 32 /* of the latest of each kind, for their median */

struct measure_ring {
    _Atomic uint32_t n;
    _Atomic uint32_t ns[MEASURE_KEPT];
};

/* Of one plan. What a judgement writes is its alone: is_judging. */
struct measure {
    bool is_guarded;                 /* the guard judges it; constant */
    uint64_t way_ps;                 /* to the handler and back; constant */
    _Atomic uint32_t share;          /* of the calls, for pace_draws */
    _Atomic uint32_t real_share;     /* of the real calls, besides those of calls that are timed */
    _Atomic uint32_t way_to_real_ns; /* and back, as it was the last time; 0: not known */
    _Atomic uint32_t n_timed;        /* since the last judgement */
    struct measure_ring hits, misses;

    _Atomic bool is_judging;
    _Atomic bool is_probe;         /* it was let go of and is tried again */
    _Atomic int32_t n_real_wanted; /* calls, of those that are timed, that are to be real ones */
    bool counts_hits_only;         /* of real calls since then, those in the place of hits */
    uint32_t n_doubts;
    uint64_t hits_before, misses_before, bypasses_before; /* as they were at the last judgement */
    uint64_t real_count_before, real_ns_before;
    uint64_t entries_before, departures_before;
};

/* Before the first plan. Reads the clock some times. */
void measure_init(void);

/* Nothing is timed from here on, since the program may have given up reading clocks; for good. */
void measure_stop(void);

/* Of a function that is only observed or verified nothing is timed but real calls. */
void measure_prepare(struct measure *measure, bool is_memoized, bool is_guarded);

/* Which calls are timed, and which real calls besides theirs. */
extern __thread struct pace measure_pace, measure_real_pace;

uint64_t measure_now_ns(void);

/* At the beginning of a call, with the guard set: when it began, or 0 if it is not to be timed. */
static inline uint64_t measure_begin(struct measure *measure)
{
    return pace_draws(&measure_pace, atomic_load_explicit(&measure->share, memory_order_relaxed))
               ? measure_now_ns()
               : 0;
}

/*
 * At the end of a call that is timed, counted by then, with the guard set and no lock held: it was
 * a hit; a miss, whose real call took so long; something else. May let go of the function.
 */
void measure_hit(struct call_plan *plan, uint64_t began_ns);

/*
 * So many look-ups of the short way (quick.h) were made for nothing but the time that they take,
 * with the guard set and no lock held. May let go of the function.
 */
void measure_hits(struct call_plan *plan, uint64_t began_ns, uint32_t n_hits);

/* The next call of this thread that asks measure_begin, if its function is timed at all, is. */
void measure_next(void);

void measure_miss(struct call_plan *plan, uint64_t began_ns, uint64_t real_ns);
void measure_other(struct call_plan *plan);

/* Whether the real call that is about to be made is to be timed. began_ns: of the call itself. */
bool measure_times_real(struct call_plan *plan, uint64_t began_ns);

/* The same of a call that is not timed, of a plan whose real calls are not all timed anyhow. */
static inline bool measure_draws_real(struct measure *measure)
{
    return pace_draws(&measure_real_pace,
                      atomic_load_explicit(&measure->real_share, memory_order_relaxed)) &&
           measure_now_ns() != 0;
}

/*
 * What the time of the real call that follows will be too long by: the same way with these
 * arguments to a function that does nothing. result is written to.
 */
uint64_t measure_way_to_real_ns(struct call_plan *plan, void *result, void **arguments);

/* The same in two parts, for who calls by abi_call_words or abi_call_words_for: such a function,
 * and what a call of it has taken. */
void *measure_nothing(const struct call_plan *plan);
uint64_t measure_note_way(struct call_plan *plan, uint64_t took_ns);

/* A real call was timed, for the so-manieth time: how often that is worth its price from now on. */
void measure_adapt_real(struct call_plan *plan, uint64_t n_measured);

/* The function is hooked again, to be judged after a short while. */
void measure_try_again(struct call_plan *plan);

/* This call, which is timed, is to be a real one, whatever is remembered. */
static inline bool measure_wants_real(struct measure *measure)
{
    return atomic_load_explicit(&measure->n_real_wanted, memory_order_relaxed) > 0 &&
           atomic_fetch_sub_explicit(&measure->n_real_wanted, 1, memory_order_relaxed) > 0;
}

void measure_after_fork(struct call_plan *plan);

/* The costs so far; 0 where nothing was timed. Any thread; async-signal-safe. */
void measure_read(const struct call_plan *plan, uint64_t *ret_hit_ps, uint64_t *ret_miss_ps);

#endif
