// SPDX-License-Identifier: MIT
/*
 * Recomputation before the end. The distribution of its times is compared with the published
 * formula, evaluated by libm; who recomputes, and what becomes of the others, on a driven clock.
 */
#include "cache_lives.h"
#include "draws.h"
#include "standing_clock.h"

#include "base/draw.h"
#include "cache/refresh.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define N_DRAWS 100000

/* The largest distance between the share of draws below x and 1 - e^-x (Kolmogorov, Smirnov). */
static double distance_from_exponential(double *draws, size_t n)
{
    double largest = 0;

    qsort(draws, n, sizeof(draws[0]), compare_doubles);
    for (size_t i = 0; i < n; i++) {
        double expected = -expm1(-draws[i]);

        largest = fmax(largest, fmax(expected - (double)i / (double)n,
                                     (double)(i + 1) / (double)n - expected));
    }
    return largest;
}

/*
 * The time before its expiry at which a hit would recompute, found by asking the rule itself for
 * each draw: 60 halvings of a time of which the answer is known at both ends.
 */
static void test_times_of_recomputation(void **state)
{
    static const uint64_t means_ns[] = {40, 1000, 3000000, 90000000000};
    static double draws[N_DRAWS];
    uint64_t random = 0;

    for (size_t i = 0; i < sizeof(means_ns) / sizeof(means_ns[0]); i++) {
        for (size_t j = 0; j < N_DRAWS; j++) {
            uint32_t drawn = draw_next(&random, 4711 + i);
            uint64_t due = 0, not_due = means_ns[i] * REFRESH_MAX_MEANS;

            assert_true(refresh_is_due(0, means_ns[i], drawn));
            assert_false(refresh_is_due(not_due, means_ns[i], drawn));
            while (not_due - due > 1) {
                uint64_t middle = due + (not_due - due) / 2;

                *(refresh_is_due(middle, means_ns[i], drawn) ? &due : &not_due) = middle;
            }
            /* The rule's own u, by libm: right to a nanosecond. */
            assert_true(fabs(-log(((double)drawn + 1) / 0x1p32) * (double)means_ns[i] -
                             (double)due) < 2 + (double)means_ns[i] * 3e-9);
            draws[j] = ((double)due + 0.5) / (double)means_ns[i];
        }
        /* 1.63 / sqrt(n) is passed once in a hundred; 40 ns are coarse steps of 1/40. */
        assert_true(distance_from_exponential(draws, N_DRAWS) <
                    1.63 / sqrt(N_DRAWS) + 0.5 / (double)means_ns[i]);
    }
}

/* exp(-left / (delta beta)), by how often hits of an entry are told to recompute it. */
static void test_share_of_recomputation(void **state)
{
    const uint64_t mean_ns = 1000000, end_ns = 100 * mean_ns;
    struct cache_options options = {.max_entries = 10,
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .may_refresh = true,
                                    .seed = 2015};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0); /* without single flight: each by itself */
    put(cache, 1, 0, (struct cache_life){.expires_ns = end_ns, .early_ns = mean_ns});
    for (double left = 0.03; left < 8; left *= 1.4) {
        uint64_t now_ns = end_ns - (uint64_t)(left * (double)mean_ns);
        double expected = exp(-left), n_early = 0;

        for (int i = 0; i < N_DRAWS; i++) {
            struct call call = call_at(cache, 1, now_ns);

            assert_true(call.outcome == CACHE_HIT || call.outcome == CACHE_REFRESH);
            n_early += call.outcome == CACHE_REFRESH;
        }
        /* Four standard deviations of a binomial distribution. */
        assert_true(fabs(n_early - expected * N_DRAWS) <
                    4 * sqrt(N_DRAWS * expected * (1 - expected)));
    }
    /* Far from its end it never is, and after it, it is an ordinary miss. */
    for (int i = 0; i < N_DRAWS; i++) {
        assert_hit(cache, 1, end_ns - REFRESH_MAX_MEANS * mean_ns - 1);
    }
    assert_miss(cache, 1, end_ns);
    cache_destroy(cache);
}

static void test_packed_times(void **state)
{
    assert_int_equal(refresh_unpack(refresh_pack(0)), 0);
    for (uint64_t ns = 1; ns < UINT64_C(1) << 58; ns = ns * 3 / 2 + 1) {
        uint64_t packed = refresh_unpack(refresh_pack(ns));

        assert_true(packed <= ns && (double)packed > (double)ns * (1 - 0x1p-26));
    }
    assert_true(refresh_unpack(refresh_pack(UINT64_MAX)) > UINT64_C(1) << 57);
}

/* A hit that recomputes for certain: the mean is far beyond what is left. */
static struct cache *create_due(void)
{
    struct cache *cache =
        create_with((struct cache_options){.may_refresh = true, .stale_ns = 1000});

    put(cache, 1, 0, (struct cache_life){.expires_ns = 1000, .early_ns = UINT64_C(1) << 50});
    return cache;
}

static void test_one_refreshes_all_others_are_served(void **state)
{
    struct cache *cache = create_due();
    struct call first = call_at(cache, 1, 500);
    uint64_t draws = cache->draws;

    assert_int_equal(first.outcome, CACHE_REFRESH);
    for (uint64_t now = 500; now < 1000; now++) {
        assert_hit(cache, 1, now);
    }
    assert_int_equal(cache->draws, draws); /* nor does any of them ask whether it should */
    first.life.expires_ns = 5000;
    assert_int_equal(call_insert(&first, 2), 0);
    assert_hit(cache, 1, 4999);
    assert_no_flight(cache);
    assert_int_equal(usage_of(cache).entries, 1);
    cache_destroy(cache);
}

static void test_a_refresh_that_stores_nothing(void **state)
{
    struct cache *cache = create_due();
    struct call call = call_at(cache, 1, 500);

    assert_int_equal(call.outcome, CACHE_REFRESH);
    assert_hit(cache, 1, 500);
    cache_abandon(cache, &call.ticket);
    call = call_at(cache, 1, 500); /* it may be tried again */
    assert_int_equal(call.outcome, CACHE_REFRESH);
    assert_true(call_fall_back(&call)); /* it failed: what is there is as good as ever */
    assert_int_equal(call.value, 2);
    call = call_at(cache, 1, 500);
    assert_int_equal(call.outcome, CACHE_REFRESH);
    cache_clear(cache);
    call.life.expires_ns = 5000;
    assert_int_equal(call_insert(&call, 0), -ESTALE);
    assert_int_equal(usage_of(cache).entries, 0);
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* Whoever comes after the end, while it is recomputed, waits for it as for any other miss. */
static void test_a_refresh_is_waited_for_after_the_end(void **state)
{
    struct cache *cache = create_due();
    struct call first = call_at(cache, 1, 999);
    struct call second = {
        .cache = cache, .number = 1, .now_ns = 1000, .patience_ns = PATIENCE, .may_wait = true};
    pthread_t thread;

    assert_int_equal(first.outcome, CACHE_REFRESH);
    assert_int_equal(pthread_create(&thread, NULL, call_thread, &second), 0);
    await_waiters(cache, 1);
    first.life.expires_ns = CACHE_NO_END;
    assert_int_equal(call_insert(&first, 77), 0);
    pthread_join(thread, NULL);
    assert_int_equal(second.outcome, CACHE_HIT_AFTER_WAIT);
    assert_int_equal(second.value, 77);
    cache_destroy(cache);
}

/* ---- many at once ---- */

#define N_THREADS 4

struct crowd {
    struct cache *cache;
    _Atomic int n_refreshing, n_refreshes, n_wrong;
};

static void *crowd_thread(void *argument)
{
    struct crowd *crowd = argument;

    for (int n = 0; n < 100000 && crowd->n_refreshes < 50; n++) {
        struct call call = call_at(crowd->cache, 1, 500);

        if (call.outcome == CACHE_REFRESH) {
            crowd->n_wrong += crowd->n_refreshing++ != 0;
            for (int i = 0; i < 3; i++) {
                sched_yield();
                crowd->n_wrong += call_at(crowd->cache, 1, 999).outcome != CACHE_HIT;
            }
            crowd->n_refreshing--;
            call.life = (struct cache_life){.expires_ns = 1000, .early_ns = UINT64_C(1) << 50};
            if (crowd->n_refreshes % 2 == 0) {
                crowd->n_wrong += call_insert(&call, 2) != 0;
            } else {
                cache_abandon(crowd->cache, &call.ticket);
            }
            crowd->n_refreshes++;
        } else {
            crowd->n_wrong += call.outcome != CACHE_HIT || call.value != 2;
        }
    }
    return NULL;
}

static void test_one_at_a_time(void **state)
{
    struct crowd crowd = {.cache = create_due()};
    pthread_t threads[N_THREADS];

    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &crowd), 0);
    }
    join_many(threads, N_THREADS);
    assert_int_equal(crowd.n_wrong, 0);
    assert_true(crowd.n_refreshes >= 50);
    assert_no_flight(crowd.cache);
    assert_int_equal(cache_check(crowd.cache), 0);
    cache_destroy(crowd.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_of_recomputation),
        cmocka_unit_test(test_share_of_recomputation),
        cmocka_unit_test(test_packed_times),
        cmocka_unit_test(test_one_refreshes_all_others_are_served),
        cmocka_unit_test(test_a_refresh_that_stores_nothing),
        cmocka_unit_test(test_a_refresh_is_waited_for_after_the_end),
        cmocka_unit_test(test_one_at_a_time),
    };

    return cmocka_run_group_tests_name("cache_refresh", tests, let_time_stand, NULL);
}
