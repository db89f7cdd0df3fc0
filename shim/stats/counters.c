// SPDX-License-Identifier: MIT
/*
 * Counting without locks. A function's counters lie in 16 stripes of whole cache lines, and readers
 * add them up. The first is for processes without threads. At its first count beside others a
 * thread gets one of the rest: the first eight threads that a process has get one for themselves,
 * and keep it; the others share what is left. Where a stripe is shared, additions are atomic
 * (2.6 ns), elsewhere a plain load and store will do (0.75 ns). Nothing can come between the two,
 * because whoever counts holds the re-entrancy guard and a signal handler's calls do not reach us.
 */
#include "stats/counters.h"

#include "base/foreign_libc.h"
#include "stats/histogram.h"
#include <stdatomic.h>

#define STRIPE_COUNT           16
#define OWNED_STRIPE_COUNT     8 /* from the second on */
#define HISTOGRAM_STRIPE_COUNT 4 /* 2.6 KiB each, and only real calls add to them */

enum {
    CELL_COUNTERS = 0,
    CELL_BYPASSES = CELL_COUNTERS + STATS_COUNTER_COUNT,
    CELL_REAL_COUNT = CELL_BYPASSES + STATS_BYPASS_COUNT,
    CELL_REAL_SUM_NS,
    CELL_COUNT
};

struct stripe {
    _Alignas(64) _Atomic uint64_t cells[CELL_COUNT];
};

struct stats_counters {
    struct stripe stripes[STRIPE_COUNT];
    _Alignas(64) histogram_stripe histograms[HISTOGRAM_STRIPE_COUNT];
};

_Static_assert(sizeof(struct stripe) % 64 == 0, "two stripes never share a cache line");
_Static_assert(offsetof(struct stats_counters, stripes) == 0 && CELL_COUNTERS == 0 &&
                   STATS_hits == 0,
               "stats_hits_alone");
_Static_assert(1 + OWNED_STRIPE_COUNT < STRIPE_COUNT, "some are left to be shared");
_Static_assert(STRIPE_COUNT % HISTOGRAM_STRIPE_COUNT == 0, "histograms share the choice");

/* Both written by the thread that counts for the first time. */
static _Atomic uint32_t n_threads_seen;
static __thread uint32_t stripe_of_thread; /* 0: none yet */

__thread uint32_t stats_owned_at;

static void choose_stripe(void)
{
    uint32_t ordinal = atomic_fetch_add_explicit(&n_threads_seen, 1, memory_order_relaxed);

    if (ordinal < OWNED_STRIPE_COUNT) {
        stripe_of_thread = 1 + ordinal;
        stats_owned_at = stripe_of_thread * (uint32_t)sizeof(struct stripe);
    } else {
        stripe_of_thread =
            1 + OWNED_STRIPE_COUNT + ordinal % (STRIPE_COUNT - 1 - OWNED_STRIPE_COUNT);
    }
}

/*
 * A process without threads counts in the first stripe, where stats_hits_alone does, whichever
 * thread of its parent forked it.
 */
static uint32_t own_stripe(void)
{
    if (__libc_single_threaded) {
        return 0;
    }
    if (stripe_of_thread == 0) {
        choose_stripe();
    }
    return stripe_of_thread;
}

static void add_plainly(_Atomic uint64_t *cell, uint64_t amount)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + amount,
                          memory_order_release);
}

/* In the stripe of this thread, and in what stripes share. */
static void add(_Atomic uint64_t *cell, uint64_t amount)
{
    if (__libc_single_threaded || stats_owned_at != 0) {
        add_plainly(cell, amount);
    } else {
        atomic_fetch_add_explicit(cell, amount, memory_order_release);
    }
}

static void add_shared(_Atomic uint64_t *cell, uint64_t amount)
{
    if (__libc_single_threaded) {
        add_plainly(cell, amount);
    } else {
        atomic_fetch_add_explicit(cell, amount, memory_order_release);
    }
}

size_t stats_counters_bytes(void)
{
    return sizeof(struct stats_counters);
}

void stats_counters_init(struct stats_counters *counters)
{
    stats_counters_reset(counters);
}

void stats_add(struct stats_counters *counters, enum stats_counter counter, uint64_t amount)
{
    add(&counters->stripes[own_stripe()].cells[CELL_COUNTERS + counter], amount);
}

void stats_add_bypass(struct stats_counters *counters, enum stats_bypass reason)
{
    struct stripe *stripe = &counters->stripes[own_stripe()];

    add(&stripe->cells[CELL_BYPASSES + reason], 1);
    add(&stripe->cells[CELL_COUNTERS + STATS_bypasses], 1);
}

void stats_add_real_ns(struct stats_counters *counters, uint64_t ns)
{
    uint32_t own = own_stripe();
    struct stripe *stripe = &counters->stripes[own];

    add_shared(&counters->histograms[own % HISTOGRAM_STRIPE_COUNT][histogram_step_of(ns)], 1);
    add(&stripe->cells[CELL_REAL_SUM_NS], ns);
    add(&stripe->cells[CELL_REAL_COUNT], 1);
}

uint64_t stats_real_quantile_ns(const struct stats_counters *counters, double p)
{
    return histogram_quantile(counters->histograms, HISTOGRAM_STRIPE_COUNT, p);
}

/* Reads first: in a forked child, a page that was never counted in is not copied for nothing. */
static void clear(_Atomic uint64_t *cell)
{
    if (atomic_load_explicit(cell, memory_order_relaxed) != 0) {
        atomic_store_explicit(cell, 0, memory_order_relaxed);
    }
}

void stats_counters_reset(struct stats_counters *counters)
{
    for (uint32_t i = 0; i < STRIPE_COUNT; i++) {
        for (uint32_t cell = 0; cell < CELL_COUNT; cell++) {
            clear(&counters->stripes[i].cells[cell]);
        }
    }
    for (uint32_t i = 0; i < HISTOGRAM_STRIPE_COUNT; i++) {
        for (uint32_t step = 0; step < HISTOGRAM_STEP_COUNT; step++) {
            clear(&counters->histograms[i][step]);
        }
    }
}

static uint64_t sum_cell(const struct stats_counters *counters, uint32_t cell)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < STRIPE_COUNT; i++) {
        sum += atomic_load_explicit(&counters->stripes[i].cells[cell], memory_order_acquire);
    }
    return sum;
}

uint64_t stats_counted(const struct stats_counters *counters, enum stats_counter counter)
{
    return sum_cell(counters, CELL_COUNTERS + counter);
}

uint64_t stats_real_count(const struct stats_counters *counters, uint64_t *ret_sum_ns)
{
    *ret_sum_ns = sum_cell(counters, CELL_REAL_SUM_NS);
    return sum_cell(counters, CELL_REAL_COUNT);
}

uint64_t stats_calls(const struct stats_counters *counters)
{
    return stats_counted(counters, STATS_hits) + stats_counted(counters, STATS_misses) +
           stats_counted(counters, STATS_bypasses);
}

/*
 * The other way round than calls count, so that what is a part of something (stores of misses,
 * waits of hits) is not more than the whole while calls are being made.
 */
void stats_counters_read(const struct stats_counters *counters, struct stats_sums *ret_sums)
{
    for (uint32_t i = 0; i < STATS_BYPASS_COUNT; i++) {
        ret_sums->bypasses[i] = sum_cell(counters, CELL_BYPASSES + i);
    }
    for (uint32_t i = STATS_COUNTER_COUNT; i-- > 0;) {
        ret_sums->counters[i] = sum_cell(counters, CELL_COUNTERS + i);
    }
    ret_sums->real_count = sum_cell(counters, CELL_REAL_COUNT);
    ret_sums->real_sum_ns = sum_cell(counters, CELL_REAL_SUM_NS);
    ret_sums->real_p50_ns = stats_real_quantile_ns(counters, 0.5);
    ret_sums->real_p99_ns = stats_real_quantile_ns(counters, 0.99);
}
