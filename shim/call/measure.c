// SPDX-License-Identifier: MIT
/*
 * Two times are taken of a miss, that of the whole call and that of the real function in it; the
 * difference is memoshim's. Both contain what reading the clock takes, and the second the way to a
 * function by its address, perhaps through libffi, which a plain call would not take: each time it
 * is gone twice, first to a function that does nothing, with the very arguments. For functions of
 * some nanoseconds that is more than they take themselves.
 *
 * Nothing is averaged over calls of which some were interrupted: of the latest times the median
 * counts. The real function's own times, which may differ from call to call, are added up.
 */
#include "call/measure.h"

#include "call/call_private.h"
#include "call/profit.h"

#define SHARE_EARLY   (PACE_ALL / 32)
#define SHARE_SETTLED (PACE_ALL / 1024)

/* Of a window that is judged: calls that were timed, and calls. */
#define WINDOW_TIMED       512
#define WINDOW_CALLS       16384
#define PROBE_WINDOW_TIMED 128
#define PROBE_WINDOW_CALLS 4096

/* Real calls that are all timed; thereafter timing may take so small a part of what they take. */
#define REAL_TIMED_AT_FIRST 64
#define REAL_TIMING_SHARE   100

/*
 * Real calls that a judgement rests on at least. If the window has not as many, since all is
 * remembered, some of the calls that are timed are made to be real ones.
 */
#define FEW_MISSES  16 /* of so many calls less than one */
#define REAL_NEEDED 16
#define REAL_WANTED 32

/*
 * Unless a real call takes so long, on the average of all that there were. Then it is no cold cache
 * that made the first ones slow, and what REAL_WANTED more of them take is more than hits can lose.
 */
#define REAL_BEYOND_DOUBT_NS 1000000u

__thread struct pace measure_pace, measure_real_pace;

static uint32_t clock_ns;       /* of one reading; written by measure_init */
static _Atomic bool is_stopped; /* written by measure_stop */

static void do_nothing(void)
{
}

static long double do_nothing_x87(void)
{
    return 0;
}

static long double _Complex do_nothing_complex_x87(void)
{
    return 0;
}

/* A function that may be called in place of one with this result, whatever its arguments; or NULL.
 */
static void *nothing_like(const struct ctype *result)
{
    if (!abi_holds_long_double(result)) {
        return (void *)do_nothing;
    }
    return result->kind == CTYPE_LONG_DOUBLE           ? (void *)do_nothing_x87
           : result->kind == CTYPE_COMPLEX_LONG_DOUBLE ? (void *)do_nothing_complex_x87
                                                       : NULL;
}

void measure_init(void)
{
    uint64_t shortest = UINT32_MAX;

    for (int i = 0; i < 5; i++) {
        uint64_t began_ns = clock_precise_ns(), took_ns = clock_precise_ns() - began_ns;

        shortest = took_ns < shortest ? took_ns : shortest;
    }
    clock_ns = (uint32_t)shortest;
}

void measure_stop(void)
{
    atomic_store_explicit(&is_stopped, true, memory_order_relaxed);
}

void measure_prepare(struct measure *measure, bool is_memoized, bool is_guarded)
{
    measure->is_guarded = is_memoized && is_guarded;
    atomic_init(&measure->share, is_memoized ? SHARE_EARLY : 0);
    atomic_init(&measure->real_share, PACE_ALL);
}

uint64_t measure_now_ns(void)
{
    return atomic_load_explicit(&is_stopped, memory_order_relaxed) ? 0 : clock_precise_ns();
}

/* ---- the real function ----------------------------------------------------------------------- */

bool measure_times_real(struct call_plan *plan, uint64_t began_ns)
{
    if (began_ns != 0 || plan->early != 0) {
        return true;
    }
    return measure_draws_real(&plan->measure);
}

void *measure_nothing(const struct call_plan *plan)
{
    return plan->abi->result == ABI_RESULT_X87 ? (void *)do_nothing_x87 : (void *)do_nothing;
}

uint64_t measure_way_to_real_ns(struct call_plan *plan, void *result, void **arguments)
{
    void *nothing = nothing_like(plan->function->prototype.result);
    uint64_t began_ns = clock_precise_ns(), took_ns = 0;

    if (nothing != NULL) {
        abi_call_real(plan->abi, nothing, result, arguments);
        took_ns = clock_precise_ns() - began_ns;
    }
    return measure_note_way(plan, took_ns);
}

uint64_t measure_note_way(struct call_plan *plan, uint64_t took_ns)
{
    took_ns = took_ns == 0 ? clock_ns : took_ns;
    atomic_store_explicit(&plan->measure.way_to_real_ns,
                          took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX,
                          memory_order_relaxed);
    return took_ns;
}

void measure_adapt_real(struct call_plan *plan, uint64_t n_measured)
{
    uint64_t sum_ns, count = stats_real_count(plan->counters, &sum_ns);
    uint64_t way_ns = atomic_load_explicit(&plan->measure.way_to_real_ns, memory_order_relaxed);
    uint64_t price_ns = (2 * (uint64_t)clock_ns + way_ns + 1) * REAL_TIMING_SHARE;
    uint64_t mean_ns = count == 0 ? 0 : sum_ns / count;
    uint64_t share = mean_ns >= price_ns ? PACE_ALL : mean_ns * PACE_ALL / price_ns;

    if (n_measured < REAL_TIMED_AT_FIRST) {
        return;
    }
    /* Never quite none: a function may grow slow. */
    atomic_store_explicit(&plan->measure.real_share,
                          (uint32_t)(share < SHARE_SETTLED ? SHARE_SETTLED : share),
                          memory_order_relaxed);
}

/* ---- memoshim's part ------------------------------------------------------------------------- */

static void keep(struct measure_ring *ring, uint64_t ns)
{
    uint32_t n = atomic_fetch_add_explicit(&ring->n, 1, memory_order_relaxed);

    atomic_store_explicit(&ring->ns[n % MEASURE_KEPT], ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX,
                          memory_order_relaxed);
}

/* 0 when nothing was timed. */
static uint64_t typical_ps(const struct measure *measure, const struct measure_ring *ring)
{
    uint32_t values[MEASURE_KEPT], n = atomic_load_explicit(&ring->n, memory_order_relaxed);

    n = n < MEASURE_KEPT ? n : MEASURE_KEPT;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = atomic_load_explicit(&ring->ns[i], memory_order_relaxed);
    }
    return n == 0 ? 0 : (uint64_t)profit_median(values, n) * 1000 + measure->way_ps;
}

void measure_read(const struct call_plan *plan, uint64_t *ret_hit_ps, uint64_t *ret_miss_ps)
{
    *ret_hit_ps = typical_ps(&plan->measure, &plan->measure.hits);
    *ret_miss_ps = typical_ps(&plan->measure, &plan->measure.misses);
}

/* Of a call that is passed on: the way to the real function, as far as it is known. */
static uint64_t passing_on_ps(const struct measure *measure)
{
    uint32_t way_ns = atomic_load_explicit(&measure->way_to_real_ns, memory_order_relaxed);

    return way_ns < clock_ns ? 0 : (way_ns - clock_ns) * 1000ull;
}

/* ---- judgement ------------------------------------------------------------------------------- */

/* What has been counted up to now; differences from the last time are in the window. */
static void take_stock(struct call_plan *plan, struct profit_window *ret_window)
{
    struct measure *measure = &plan->measure;
    struct stats_function read;
    uint64_t hits = stats_counted(plan->counters, STATS_hits);
    uint64_t misses = stats_counted(plan->counters, STATS_misses);
    uint64_t bypasses = stats_counted(plan->counters, STATS_bypasses);
    uint64_t real_ns, real_count = stats_real_count(plan->counters, &real_ns), departures;
    uint64_t n_real = real_count - measure->real_count_before;

    call_plan_read(plan, &read);
    departures = read.evictions + read.expirations + read.invalidations;
    *ret_window = (struct profit_window){
        .n_hits = hits - measure->hits_before,
        .n_misses = misses - measure->misses_before,
        .n_bypasses = bypasses - measure->bypasses_before,
        .costs = {.hit_ps = read.hit_ps,
                  .miss_ps = read.miss_ps,
                  .bypass_ps = measure->way_ps + passing_on_ps(measure)},
        .is_growing =
            read.entries > measure->entries_before && departures == measure->departures_before,
    };
    if (n_real > 0) {
        ret_window->costs.real_ps =
            (uint64_t)((unsigned __int128)(real_ns - measure->real_ns_before) * 1000 / n_real);
    } else if (real_count > 0) {
        ret_window->costs.real_ps = (uint64_t)((unsigned __int128)real_ns * 1000 / real_count);
    }
    measure->hits_before = hits;
    measure->misses_before = misses;
    measure->bypasses_before = bypasses;
    measure->real_count_before = real_count;
    measure->real_ns_before = real_ns;
    measure->counts_hits_only = false;
    measure->entries_before = read.entries;
    measure->departures_before = departures;
    atomic_store_explicit(&measure->n_timed, 0, memory_order_relaxed);
}

/* Calls since the last judgement. */
static uint64_t window_calls(const struct call_plan *plan)
{
    const struct measure *measure = &plan->measure;

    return stats_calls(plan->counters) - measure->hits_before - measure->misses_before -
           measure->bypasses_before;
}

static void set_share(struct call_plan *plan, uint32_t share)
{
    atomic_store_explicit(&plan->measure.share, share, memory_order_relaxed);
    quick_follow_share(plan, share);
}

static void judge_window(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    struct call_balance balance;
    struct profit_window window;
    bool was_probe = measure->is_probe;

    take_stock(plan, &window);
    if (!measure->is_guarded) {
        set_share(plan, SHARE_SETTLED);
        return;
    }
    balance = (struct call_balance){
        .n_calls = window.n_hits + window.n_misses + window.n_bypasses,
        .n_hits = window.n_hits,
        .hit_ps = window.costs.hit_ps,
        .miss_ps = window.costs.miss_ps,
        .real_ps = window.costs.real_ps,
    };
    switch (profit_judge(&window, measure->n_doubts, was_probe)) {
    case PROFIT_PAYS:
        measure->n_doubts = 0;
        measure->is_probe = false;
        set_share(plan, SHARE_SETTLED);
        if (was_probe) {
            call_note_pays(plan);
        }
        break;
    case PROFIT_DOUBTFUL:
        measure->n_doubts++;
        set_share(plan, SHARE_EARLY);
        break;
    case PROFIT_LOSES:
        measure->n_doubts = 0;
        set_share(plan, SHARE_EARLY); /* also when it cannot be let go of now */
        call_rest(plan, &balance);
        break;
    }
}

/*
 * False: some real calls are to be timed first. Where most calls are hits, the few misses were the
 * first calls of all, with cold caches, or are no likeness of what hits would spare: then none but
 * calls that would have been hits count.
 */
static bool knows_real(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    uint64_t real_ns, real_count = stats_real_count(plan->counters, &real_ns);
    uint64_t n_misses = stats_counted(plan->counters, STATS_misses) - measure->misses_before;
    bool is_begun = measure->counts_hits_only;

    if (!measure->is_guarded || (real_count > 0 && real_ns / real_count >= REAL_BEYOND_DOUBT_NS)) {
        return true;
    }
    if (!is_begun && n_misses < window_calls(plan) / FEW_MISSES) {
        measure->counts_hits_only = true;
        measure->real_count_before = real_count;
        measure->real_ns_before = real_ns;
    }
    if (real_count - measure->real_count_before >= REAL_NEEDED) {
        return true;
    }
    if (atomic_load_explicit(&measure->n_real_wanted, memory_order_relaxed) <= 0) {
        atomic_store_explicit(&measure->n_real_wanted, REAL_WANTED, memory_order_relaxed);
        set_share(plan, SHARE_EARLY);
    }
    return false;
}

/* Not inlined: its room, and that of letting go, is taken by one call in many. */
__attribute__((noinline)) static void judge(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    uint64_t n_needed;
    uint32_t shield;

    if (atomic_exchange_explicit(&measure->is_judging, true, memory_order_acquire)) {
        return; /* another thread is at it */
    }
    n_needed = measure->is_probe ? PROBE_WINDOW_CALLS : WINDOW_CALLS;
    if (window_calls(plan) >= n_needed && knows_real(plan)) {
        shield = float_shield_begin();
        judge_window(plan);
        float_shield_end(shield);
    }
    atomic_store_explicit(&measure->is_judging, false, memory_order_release);
}

/* One more call was timed. */
static void count_timed(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    uint32_t n = atomic_fetch_add_explicit(&measure->n_timed, 1, memory_order_relaxed) + 1;

    if (n >= (measure->is_probe ? PROBE_WINDOW_TIMED : WINDOW_TIMED)) {
        judge(plan);
    }
    call_try_what_rests();
}

void measure_hit(struct call_plan *plan, uint64_t began_ns)
{
    uint64_t now_ns = measure_now_ns(), took_ns = now_ns - began_ns;

    if (now_ns != 0) {
        keep(&plan->measure.hits, took_ns > clock_ns ? took_ns - clock_ns : 0);
        count_timed(plan);
    }
}

void measure_hits(struct call_plan *plan, uint64_t began_ns, uint32_t n_hits)
{
    uint64_t now_ns = measure_now_ns(), took_ns = now_ns - began_ns;

    if (now_ns != 0) {
        took_ns = took_ns > clock_ns ? took_ns - clock_ns : 0;
        keep(&plan->measure.hits, (took_ns + n_hits / 2) / n_hits);
        count_timed(plan);
    }
}

void measure_next(void)
{
    measure_pace.credit = PACE_ALL;
}

void measure_miss(struct call_plan *plan, uint64_t began_ns, uint64_t real_ns)
{
    /* Between the two readings of the whole there were the two of the real call. */
    uint64_t now_ns = measure_now_ns(), took_ns = now_ns - began_ns;
    uint64_t others_ns = real_ns + 3ull * clock_ns;

    if (now_ns != 0) {
        keep(&plan->measure.misses, took_ns > others_ns ? took_ns - others_ns : 0);
        count_timed(plan);
    }
}

void measure_other(struct call_plan *plan)
{
    count_timed(plan);
}

uint64_t call_rest_ns(uint32_t n_times)
{
    return profit_rest_ns(n_times);
}

void measure_try_again(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    struct profit_window unused_window;

    if (atomic_exchange_explicit(&measure->is_judging, true, memory_order_acquire)) {
        return;
    }
    take_stock(plan, &unused_window);
    measure->is_probe = true;
    set_share(plan, SHARE_EARLY);
    atomic_store_explicit(&measure->is_judging, false, memory_order_release);
}

void measure_after_fork(struct call_plan *plan)
{
    struct measure *measure = &plan->measure;
    struct profit_window unused_window;

    atomic_store_explicit(&measure->is_judging, false, memory_order_relaxed);
    take_stock(plan, &unused_window); /* its counters begin at zero */
}
