// SPDX-License-Identifier: MIT
/*
 * Single flight and fencing. Nothing sleeps to let something happen: who must be waiting is counted
 * in the flight itself before the test goes on.
 */
#include "cache_call.h"
#include "standing_clock.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define IMPATIENCE (20ull * 1000000)

#define MANY 31

static void start_many(struct cache *cache, struct call *calls, pthread_t *threads,
                       uint32_t n_extra_key_bytes)
{
    for (int i = 0; i < MANY; i++) {
        calls[i] = (struct call){.cache = cache,
                                 .number = 1,
                                 .patience_ns = PATIENCE,
                                 .may_wait = true,
                                 .n_extra_key_bytes = n_extra_key_bytes};
        assert_int_equal(pthread_create(&threads[i], NULL, call_thread, &calls[i]), 0);
    }
    await_waiters(cache, MANY);
}

static void one_computes_all_are_answered(uint32_t n_extra_key_bytes)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call first = {.cache = cache,
                         .number = 1,
                         .patience_ns = PATIENCE,
                         .n_extra_key_bytes = n_extra_key_bytes};
    struct call calls[MANY];
    pthread_t threads[MANY];

    call_look_up(&first);
    assert_int_equal(first.outcome, CACHE_MISS);
    start_many(cache, calls, threads, n_extra_key_bytes);
    assert_int_equal(call_insert(&first, 42), 0);
    join_many(threads, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, CACHE_HIT_AFTER_WAIT);
        assert_int_equal(calls[i].value, 42);
    }
    assert_no_flight(cache);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_one_computes_all_are_answered(void **state)
{
    one_computes_all_are_answered(0);
    one_computes_all_are_answered(FLIGHT_INLINE_KEY_BYTES - 8);
    one_computes_all_are_answered(FLIGHT_INLINE_KEY_BYTES - 7);
    one_computes_all_are_answered(150);
}

static void test_abandon_releases_all(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call first = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call calls[MANY];
    pthread_t threads[MANY];

    call_look_up(&first);
    start_many(cache, calls, threads, 0);
    cache_abandon(cache, &first.ticket);
    join_many(threads, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, CACHE_MISS);
        assert_int_equal(calls[i].ticket.flight, 0);
        cache_abandon(cache, &calls[i].ticket);
    }
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* An insert that keeps nothing, because the value is too large, releases them as well. */
static void test_too_large_releases_all(void **state)
{
    struct cache_options options = {
        .max_entries = 10, .max_bytes = 400, .n_shards = 1, .single_flight = true};
    struct cache *cache;
    struct call first = {.number = 1, .patience_ns = PATIENCE};
    struct call calls[MANY];
    pthread_t threads[MANY];
    unsigned char buffer[200];
    struct cache_key key;

    assert_int_equal(cache_create(&options, &cache), 0);
    first.cache = cache;
    call_look_up(&first);
    start_many(cache, calls, threads, 0);
    key = call_key(&first, buffer);
    assert_int_equal(
        cache_insert(cache, &key, (struct bytes){(char[500]){0}, 500}, 0, NULL, &first.ticket),
        -E2BIG);
    join_many(threads, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, CACHE_MISS);
    }
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* A clear lets waiters go at once: what they waited for will never be served. */
static void test_clear_releases_all(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call first = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call calls[MANY];
    pthread_t threads[MANY];

    call_look_up(&first);
    start_many(cache, calls, threads, 0);
    cache_clear(cache);
    join_many(threads, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, CACHE_MISS);
    }
    assert_int_equal(call_insert(&first, 42), -ESTALE);
    assert_int_equal(call_insert(&calls[0], 43), 0);
    call_look_up(&first);
    assert_int_equal(first.outcome, CACHE_HIT);
    assert_int_equal(first.value, 43);
    assert_no_flight(cache);
    cache_destroy(cache);
}

static void run_in_thread(struct call *call)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, call_thread, call), 0);
    pthread_join(thread, NULL);
}

static void test_timeout_takes_the_flight_over(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call lost = {.cache = cache, .number = 1, .patience_ns = IMPATIENCE};
    struct call late = {.cache = cache, .number = 1, .patience_ns = IMPATIENCE, .may_wait = true};
    pthread_t thread;

    call_look_up(&lost); /* and never comes back */
    assert_int_equal(pthread_create(&thread, NULL, call_thread, &late), 0);
    await_waiters(cache, 1);
    let_time_pass(IMPATIENCE);
    pthread_join(thread, NULL);
    assert_int_equal(late.outcome, CACHE_MISS);
    assert_int_not_equal(late.ticket.flight, 0);

    /* The lost one returns after all: its result is welcome, the new flight is not disturbed. */
    assert_int_equal(call_insert(&lost, 5), 0);
    assert_int_equal(cache->shards[0].flights.n_used, 1);
    assert_int_equal(call_insert(&late, 6), 0);
    assert_no_flight(cache);
    call_look_up(&lost);
    assert_int_equal(lost.value, 6);
    cache_destroy(cache);
}

/*
 * A clock for waits that must run out: the age of a flight does not change however slow the machine
 * is, and each look of a waiter at its deadline is 5 ms later.
 */
static int patient_gettime(clockid_t clock, struct timespec *ret_time)
{
    static _Atomic long n_looks;
    long ms = clock == CLOCK_MONOTONIC ? 5 * atomic_fetch_add(&n_looks, 1) : 0;

    *ret_time = (struct timespec){.tv_sec = 1000 + ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

static int use_patient_clock(void **state)
{
    clock_use_vdso(patient_gettime);
    return 0;
}

/* Of two who wait for a computation that is lost, and then is lost again, none waits for a third.
 */
static void test_two_computations_are_lost(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call lost = {.cache = cache, .number = 1, .patience_ns = IMPATIENCE};
    struct call late[2];
    pthread_t threads[2];
    int n_missed = 0;

    call_look_up(&lost);
    for (int i = 0; i < 2; i++) {
        late[i] = (struct call){
            .cache = cache, .number = 1, .patience_ns = 10 * IMPATIENCE, .may_wait = true};
        pthread_create(&threads[i], NULL, call_thread, &late[i]);
    }
    join_many(threads, 2);
    for (int i = 0; i < 2; i++) {
        n_missed += late[i].outcome == CACHE_MISS;
        assert_true(late[i].outcome == CACHE_MISS || late[i].outcome == CACHE_BYPASS_TIMEOUT);
    }
    assert_in_range(n_missed, 1, 2); /* both, if the second came after the first had given up */
    cache_destroy(cache);
}

/* A second waiter outlives the patience of the first and is still answered by the flight. */
static void test_timeout_of_one_leaves_others(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call first = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call patient = {.cache = cache, .number = 1, .patience_ns = PATIENCE, .may_wait = true};
    struct call impatient = {
        .cache = cache, .number = 1, .patience_ns = IMPATIENCE, .may_wait = true};
    pthread_t thread, hurried;

    call_look_up(&first);
    pthread_create(&thread, NULL, call_thread, &patient);
    await_waiters(cache, 1);
    pthread_create(&hurried, NULL, call_thread, &impatient);
    await_waiters(cache, 2);
    let_time_pass(IMPATIENCE);
    pthread_join(hurried, NULL);
    assert_int_equal(impatient.outcome, CACHE_MISS);
    assert_int_equal(call_insert(&first, 9), 0);
    pthread_join(thread, NULL);
    assert_int_equal(patient.outcome, CACHE_HIT_AFTER_WAIT);
    assert_int_equal(patient.value, 9);
    cache_destroy(cache);
}

static void test_recursion_and_no_wait(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call outer = {.cache = cache, .number = 1, .patience_ns = PATIENCE, .may_wait = true};
    struct call inner = outer, other_key = outer, stranger = outer;

    call_look_up(&outer);
    inner.may_wait = false;
    call_look_up(&inner);
    assert_int_equal(inner.outcome, CACHE_BYPASS_RECURSION);
    other_key.number = 2;
    call_look_up(&other_key);
    assert_int_equal(other_key.outcome, CACHE_MISS);
    stranger.may_wait = false;
    run_in_thread(&stranger);
    assert_int_equal(stranger.outcome, CACHE_BYPASS_NO_WAIT);
    assert_int_equal(call_insert(&other_key, 2), 0);
    assert_int_equal(call_insert(&outer, 1), 0);
    call_look_up(&inner);
    assert_int_equal(inner.outcome, CACHE_HIT);
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* A thread whose computation was left by longjmp is not locked out of its own key for ever. */
static void test_lost_flight_of_the_same_thread(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call call = {.cache = cache, .number = 1, .patience_ns = IMPATIENCE};

    call_look_up(&call);
    call_look_up(&call);
    assert_int_equal(call.outcome, CACHE_BYPASS_RECURSION);
    let_time_pass(2 * IMPATIENCE);
    call_look_up(&call);
    assert_int_equal(call.outcome, CACHE_MISS);
    assert_int_equal(call_insert(&call, 1), 0);
    cache_destroy(cache);
}

/* Nor waits it for itself, once it computes nothing any more: what it had begun is lost. */
static void test_flight_left_by_the_same_thread(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call left = {.cache = cache, .number = 1, .patience_ns = PATIENCE, .may_wait = true};
    struct call again = left;

    call_look_up(&left);
    call_look_up(&again);
    assert_int_equal(again.outcome, CACHE_MISS);
    assert_int_not_equal(again.ticket.flight, 0);
    assert_int_equal(call_insert(&again, 1), 0);
    assert_no_flight(cache);
    cache_destroy(cache);
}

struct crossed {
    struct cache *cache;
    pthread_barrier_t *barrier;
    uint64_t own, other;
    enum cache_outcome inner_outcome;
};

/* Computes one key, and needs the other one for it. */
static void *crossed_thread(void *argument)
{
    struct crossed *crossed = argument;
    struct call outer = {
        .cache = crossed->cache, .number = crossed->own, .patience_ns = PATIENCE, .may_wait = true};
    struct call inner = outer;

    call_look_up(&outer);
    pthread_barrier_wait(crossed->barrier);
    inner.number = crossed->other;
    inner.may_wait = false; /* it is computing */
    call_look_up(&inner);
    crossed->inner_outcome = inner.outcome;
    pthread_barrier_wait(crossed->barrier);
    call_insert(&outer, crossed->own);
    return NULL;
}

static void test_two_need_each_others_key(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 2);
    pthread_barrier_t barrier;
    struct crossed sides[2] = {{cache, &barrier, 1, 2, 0}, {cache, &barrier, 2, 1, 0}};
    pthread_t threads[2];

    pthread_barrier_init(&barrier, NULL, 2);
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, crossed_thread, &sides[i]);
    }
    join_many(threads, 2);
    assert_int_equal(sides[0].inner_outcome, CACHE_BYPASS_NO_WAIT);
    assert_int_equal(sides[1].inner_outcome, CACHE_BYPASS_NO_WAIT);
    assert_no_flight(cache);
    pthread_barrier_destroy(&barrier);
    cache_destroy(cache);
}

/* Every point where a clear can fall between the steps of two calls of one key. */
static void test_fencing(void **state)
{
    for (int clear_at = 0; clear_at < 4; clear_at++) {
        struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
        struct call one = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
        struct call two = one;
        int result;

        if (clear_at == 0) {
            cache_clear(cache);
        }
        call_look_up(&one);
        assert_int_equal(one.outcome, CACHE_MISS);
        if (clear_at == 1) {
            cache_clear(cache);
        }
        /* Begun after the clear: not joined to the flight from before it. */
        run_in_thread(&two);
        assert_int_equal(two.outcome, clear_at == 1 ? CACHE_MISS : CACHE_BYPASS_NO_WAIT);
        if (clear_at == 2) {
            cache_clear(cache);
        }
        result = call_insert(&one, 1);
        assert_int_equal(result, clear_at == 1 || clear_at == 2 ? -ESTALE : 0);
        if (clear_at == 3) {
            cache_clear(cache);
        }
        if (clear_at == 1) {
            assert_int_equal(call_insert(&two, 2), 0);
        }
        call_look_up(&one);
        assert_int_equal(one.outcome, clear_at < 2 ? CACHE_HIT : CACHE_MISS);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* A clear that has begun, but has not yet come to this shard: its flights are of the past. */
static void test_flights_of_the_past_are_not_joined(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    struct call before = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call after = before;

    call_look_up(&before);
    atomic_fetch_add(&cache->generation, 1);
    run_in_thread(&after);
    assert_int_equal(after.outcome, CACHE_MISS);
    assert_int_equal(call_insert(&before, 1), -ESTALE);
    assert_int_equal(call_insert(&after, 2), 0);
    call_look_up(&before);
    assert_int_equal(before.value, 2);
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* Flights are told apart by their keys, not by their hashes. */
static void test_flights_of_one_hash(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {
        .owner = room, .wait_timeout_ns = PATIENCE, .room = room};
    unsigned char texts[4][100] = {"a", "b", {[99] = 'a'}, {[99] = 'b'}};
    struct cache_key keys[4] = {
        {{texts[0], 1}, 5}, {{texts[1], 1}, 5}, {{texts[2], 100}, 5}, {{texts[3], 100}, 5}};
    struct cache_view view;
    struct cache_ticket tickets[4], ticket;

    for (int i = 0; i < 4; i++) {
        assert_int_equal(cache_lookup(cache, &keys[i], &options, &view, &tickets[i]), CACHE_MISS);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(cache_lookup(cache, &keys[i], &options, &view, &ticket),
                         CACHE_BYPASS_RECURSION);
        cache_abandon(cache, &tickets[i]);
    }
    assert_no_flight(cache);
    cache_destroy(cache);
}

static void test_more_flights_than_places(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lru, 10000, 1);
    uint32_t n_places = cache->shards[0].flights.n_places;
    struct call *calls = calloc(n_places + 1, sizeof(*calls));

    for (uint32_t i = 0; i <= n_places; i++) {
        calls[i] = (struct call){.cache = cache, .number = i, .patience_ns = PATIENCE};
        call_look_up(&calls[i]);
        assert_int_equal(calls[i].outcome, CACHE_MISS);
        assert_true((calls[i].ticket.flight != 0) == (i < n_places));
    }
    for (uint32_t i = 0; i <= n_places; i++) {
        assert_int_equal(call_insert(&calls[i], i), 0);
    }
    assert_no_flight(cache);
    /* Lost flights make way once they are old. */
    for (uint32_t i = 0; i < n_places; i++) {
        calls[i].number = 20000 + i;
        call_look_up(&calls[i]);
    }
    calls[n_places].patience_ns = IMPATIENCE;
    call_look_up(&calls[n_places]);
    assert_int_equal(calls[n_places].ticket.flight, 0);
    let_time_pass(2 * IMPATIENCE);
    calls[n_places].number++;
    call_look_up(&calls[n_places]);
    assert_int_not_equal(calls[n_places].ticket.flight, 0);
    free(calls);
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recursion_and_no_wait),
        cmocka_unit_test(test_lost_flight_of_the_same_thread),
        cmocka_unit_test(test_flight_left_by_the_same_thread),
        cmocka_unit_test(test_more_flights_than_places),
        cmocka_unit_test(test_one_computes_all_are_answered),
        cmocka_unit_test(test_abandon_releases_all),
        cmocka_unit_test(test_too_large_releases_all),
        cmocka_unit_test(test_clear_releases_all),
        cmocka_unit_test(test_timeout_takes_the_flight_over),
        cmocka_unit_test_setup_teardown(test_two_computations_are_lost, use_patient_clock,
                                        let_time_stand),
        cmocka_unit_test(test_timeout_of_one_leaves_others),
        cmocka_unit_test(test_two_need_each_others_key),
        cmocka_unit_test(test_fencing),
        cmocka_unit_test(test_flights_of_the_past_are_not_joined),
        cmocka_unit_test(test_flights_of_one_hash),
    };

    return cmocka_run_group_tests_name("cache_flights", tests, let_time_stand, NULL);
}
