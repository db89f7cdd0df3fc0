// SPDX-License-Identifier: MIT
/* Counting from many threads, and the histogram against a sorted array. */
#include "unit.h"

#include "stats/histogram.h"
#include "stats_subject.h"
#include <pthread.h>
#include <stdio.h>

/* The number behind "key": in the JSON output, the only way to read counters from outside. */
static unsigned long long json_number(struct stats_counters *counters, const char *key)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    const struct stats_snapshot snapshot = snapshot_of(counters);
    char pattern[64];
    const char *found;

    text.n_bytes = 0;
    assert_int_equal(stats_emit(&snapshot, STATS_JSON, &sink), 0);
    snprintf(pattern, sizeof(pattern), "\"%s\": ", key);
    found = strstr(text.bytes, pattern);
    assert_non_null(found);
    return strtoull(found + strlen(pattern), NULL, 10);
}

/* ---- counting -------------------------------------------------------------------------------- */

#define THREADS    8 /* so many have a stripe of their own */
#define ITERATIONS 1000000
#define STRIPES    7 /* of these each further thread gets the next one at its first count */

/* Returns where the thread may count hits alone. */
static void *count(void *counters)
{
    for (unsigned i = 0; i < ITERATIONS; i++) {
        stats_add(counters, STATS_hits, 1);
        stats_add(counters, STATS_stores, 3);
        if (i % 10 == 0) {
            stats_add_bypass(counters, STATS_BYPASS_timeout);
        }
        stats_add_real_ns(counters, 1000 + i % 2);
    }
    return (void *)stats_hits_own(counters);
}

static void test_threads_lose_nothing(void **state)
{
    struct stats_counters *counters = new_counters();
    pthread_t threads[THREADS];
    void *own[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, counters), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &own[i]);
        assert_non_null(own[i]);
        for (unsigned k = 0; k < i; k++) {
            assert_ptr_not_equal(own[i], own[k]);
        }
    }
    assert_int_equal(json_number(counters, "hits"), THREADS * ITERATIONS);
    assert_int_equal(json_number(counters, "stores"), THREADS * ITERATIONS * 3);
    assert_int_equal(json_number(counters, "bypasses"), THREADS * ITERATIONS / 10);
    assert_int_equal(json_number(counters, "timeout"), THREADS * ITERATIONS / 10);
    assert_int_equal(json_number(counters, "calls"), THREADS * ITERATIONS / 10 * 11);
    assert_int_equal(json_number(counters, "count"), THREADS * ITERATIONS);
    assert_int_equal(json_number(counters, "mean"), 1000); /* 1000.5 */
    free(counters);
}

static void *count_once(void *counters)
{
    stats_add(counters, STATS_waits, 1);
    return NULL;
}

struct sharer {
    struct stats_counters *counters;
    pthread_barrier_t has_stripe, may_count;
};

static void *count_when_told(void *context)
{
    struct sharer *sharer = context;

    count_once(sharer->counters);
    pthread_barrier_wait(&sharer->has_stripe);
    pthread_barrier_wait(&sharer->may_count);
    return count(sharer->counters);
}

/* Two threads get the same stripe, because as many others as there are stripes begin in between. */
static void test_threads_that_share_lose_nothing(void **state)
{
    struct sharer sharer = {.counters = new_counters()};
    pthread_t threads[2], other;
    void *own;

    pthread_barrier_init(&sharer.has_stripe, NULL, 2);
    pthread_barrier_init(&sharer.may_count, NULL, 3);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_when_told, &sharer), 0);
        pthread_barrier_wait(&sharer.has_stripe);
        for (unsigned k = 0; i == 0 && k < STRIPES - 1; k++) {
            assert_int_equal(pthread_create(&other, NULL, count_once, sharer.counters), 0);
            pthread_join(other, NULL);
        }
    }
    pthread_barrier_wait(&sharer.may_count);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], &own);
        assert_null(own);
    }
    assert_int_equal(json_number(sharer.counters, "hits"), 2 * ITERATIONS);
    assert_int_equal(json_number(sharer.counters, "stores"), 2 * ITERATIONS * 3);
    assert_int_equal(json_number(sharer.counters, "waits"), STRIPES + 1);
    assert_int_equal(json_number(sharer.counters, "count"), 2 * ITERATIONS);
    pthread_barrier_destroy(&sharer.has_stripe);
    pthread_barrier_destroy(&sharer.may_count);
    free(sharer.counters);
}

static void test_one_thread_and_reset(void **state)
{
    struct stats_counters *counters = new_counters();

    assert_int_equal(json_number(counters, "calls"), 0);
    assert_int_equal(stats_real_quantile_ns(counters, 0.5), 0);
    count(counters);
    assert_int_equal(json_number(counters, "hits"), ITERATIONS);
    assert_int_equal(json_number(counters, "count"), ITERATIONS);
    stats_counters_reset(counters);
    assert_int_equal(json_number(counters, "calls"), 0);
    assert_int_equal(json_number(counters, "stores"), 0);
    assert_int_equal(json_number(counters, "count"), 0);
    assert_int_equal(stats_real_quantile_ns(counters, 1), 0);
    free(counters);
}

/* ---- the histogram --------------------------------------------------------------------------- */

static void test_steps_cover_everything(void **state)
{
    uint32_t last = 0;

    for (uint64_t ns = 0; ns < 100000; ns++) {
        uint32_t step = histogram_step_of(ns);
        uint64_t middle = histogram_step_middle(step);
        uint64_t distance = middle > ns ? middle - ns : ns - middle;

        assert_true(step == last || step == last + 1);
        assert_true(distance * 16 <= ns); /* half a step, an eighth of a power of two */
        last = step;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(histogram_step_of((uint64_t)1 << bit) < HISTOGRAM_STEP_COUNT);
        assert_int_equal(histogram_step_of(histogram_step_middle(histogram_step_of(1ull << bit))),
                         histogram_step_of(1ull << bit));
    }
    assert_int_equal(histogram_step_of(UINT64_MAX), HISTOGRAM_STEP_COUNT - 1);
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t l = *(const uint64_t *)left, r = *(const uint64_t *)right;

    return (l > r) - (l < r);
}

static void test_quantiles_match_a_sorted_array(void **state)
{
    static const double quantiles[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    static uint64_t times[5000];
    unsigned short seed[3] = {1, 2, 3};

    for (size_t n = 1; n <= 5000; n = n * 3 + 1) {
        struct stats_counters *counters = new_counters();

        for (size_t i = 0; i < n; i++) {
            times[i] = (uint64_t)nrand48(seed) >> (nrand48(seed) % 31);
            stats_add_real_ns(counters, times[i]);
        }
        qsort(times, n, sizeof(times[0]), compare_u64);
        for (size_t q = 0; q < sizeof(quantiles) / sizeof(quantiles[0]); q++) {
            size_t rank = (size_t)(quantiles[q] * (double)n);
            uint64_t exact;

            rank += (double)rank < quantiles[q] * (double)n;
            exact = times[rank - 1];
            assert_int_equal(stats_real_quantile_ns(counters, quantiles[q]),
                             histogram_step_middle(histogram_step_of(exact)));
        }
        free(counters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread_and_reset),
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_threads_that_share_lose_nothing),
        cmocka_unit_test(test_steps_cover_everything),
        cmocka_unit_test(test_quantiles_match_a_sorted_array),
    };

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
