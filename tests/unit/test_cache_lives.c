// SPDX-License-Identifier: MIT
/*
 * What the life of an entry is made of, on a driven clock: its own end, the end that use puts off,
 * and what may be served after the end when the real call fails.
 */
#include "cache_lives.h"
#include "standing_clock.h"

#include <errno.h>

#define MANY 7

/* ---- lives ----------------------------------------------------------------------------------- */

static void test_what_needs_lives(void **state)
{
    const struct cache_options wrong[] = {{.idle_ns = 1}, {.stale_ns = 1}, {.may_refresh = true}};
    struct cache *cache;

    for (size_t i = 0; i < 3; i++) {
        struct cache_options options = wrong[i];

        options.max_entries = options.max_bytes = 1 << 20;
        assert_int_equal(cache_create(&options, &cache), -EINVAL);
    }
}

static void test_no_life_is_not_stored(void **state)
{
    struct cache *cache = create_with((struct cache_options){0});
    struct call call;

    put(cache, 1, 100, (struct cache_life){.expires_ns = 200});
    call = call_at(cache, 2, 100);
    call.life.expires_ns = 100;
    assert_int_equal(call_insert(&call, 0), -ETIME);
    assert_miss(cache, 2, 99);
    /* What is there is not replaced by what has no life, and nobody waits for it any more. */
    call = call_at(cache, 1, 300);
    assert_int_equal(call.outcome, CACHE_MISS);
    call.number = 1;
    call.life.expires_ns = 0;
    assert_int_equal(call_insert(&call, 0), -ETIME);
    assert_no_flight(cache);
    cache_destroy(cache);
}

static void test_use_renews_an_idle_life(void **state)
{
    struct cache *cache = create_with((struct cache_options){.idle_ns = 100});

    put(cache, 1, 0, (struct cache_life){.expires_ns = CACHE_NO_END});
    put(cache, 2, 0, (struct cache_life){.expires_ns = 250});
    for (uint64_t now = 99; now < 250; now += 50) {
        assert_hit(cache, 1, now);
        assert_hit(cache, 2, now);
    }
    assert_hit(cache, 2, 249);
    assert_miss(cache, 2, 250); /* the other end came first */
    assert_hit(cache, 1, 348);
    assert_miss(cache, 1, 448);
    /* A clock that is set back takes nothing off a life, nor does it add any. */
    put(cache, 3, 1000, (struct cache_life){.expires_ns = CACHE_NO_END});
    assert_hit(cache, 3, 500);
    assert_hit(cache, 3, 1099);
    assert_hit(cache, 3, 20);
    assert_miss(cache, 3, 1199);
    assert_int_equal(usage_of(cache).expirations, 3);
    cache_destroy(cache);
}

/* All that were used have places in front of the one that was not: an insert without room looks
 * past a bounded number of them. */
static void test_the_idle_go_first(void **state)
{
    struct cache *cache = create_with((struct cache_options){
        .policy = CACHE_POLICY_lru, .idle_ns = 1000, .max_entries = 200, .n_shards = 1});
    const struct cache_life endless = {.expires_ns = CACHE_NO_END};

    for (uint64_t i = 0; i < 200; i++) {
        put(cache, i, i, endless);
    }
    for (uint64_t i = 0; i < 199; i++) {
        assert_hit(cache, i, 900);
    }
    /* In the order of use 0 is the oldest; in that of expiry, 199. */
    put(cache, 500, 1199, endless);
    assert_int_equal(usage_of(cache).evictions, 0);
    assert_int_equal(usage_of(cache).expirations, 1);
    assert_hit(cache, 0, 1199);
    assert_miss(cache, 199, 1199);
    cache_destroy(cache);
}

/* However many were used: an insert is never refused, and what is alive goes by policy. */
static void many_outlived_places(uint32_t n_shards)
{
    struct cache *cache = create_with((struct cache_options){
        .policy = CACHE_POLICY_lru, .idle_ns = 100000, .max_entries = 9000, .n_shards = n_shards});
    const struct cache_life endless = {.expires_ns = CACHE_NO_END};

    for (uint64_t i = 0; i < 9000; i++) {
        put(cache, i, i, endless);
    }
    for (uint64_t i = 0; i < 9000; i++) {
        assert_hit(cache, i, 90000 + i);
    }
    for (uint64_t i = 9000; i < 9600; i++) {
        put(cache, i, 150000, endless);
    }
    assert_int_equal(usage_of(cache).entries, 9000);
    assert_int_equal(usage_of(cache).evictions, 600);
    cache_destroy(cache);
}

static void test_many_outlived_places(void **state)
{
    many_outlived_places(1);
    many_outlived_places(4);
}

/* ---- falling back ---------------------------------------------------------------------------- */

static void test_the_stale_bound(void **state)
{
    struct cache *cache = create_with((struct cache_options){.stale_ns = 50});
    struct call call;

    put(cache, 1, 0, (struct cache_life){.expires_ns = 100});
    for (uint64_t now = 100; now < 150; now += 7) {
        call = call_at(cache, 1, now);
        assert_int_equal(call.outcome, CACHE_MISS); /* it is never a hit */
        assert_true(call_fall_back(&call));
        assert_int_equal(call.value, 2);
        assert_no_flight(cache);
    }
    call = call_at(cache, 1, 149);
    call.now_ns = 150; /* the bound was passed while the real function ran */
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    assert_int_equal(usage_of(cache).entries, 1);
    assert_miss(cache, 1, 150);
    assert_int_equal(usage_of(cache).entries, 0);
    assert_int_equal(usage_of(cache).expirations, 1);

    call = call_at(cache, 9, 0); /* never known */
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    cache_destroy(cache);
}

static void test_the_stale_bound_of_idle_lives(void **state)
{
    struct cache *cache = create_with((struct cache_options){.stale_ns = 50, .idle_ns = 100});
    struct call call;

    put(cache, 1, 0, (struct cache_life){.expires_ns = CACHE_NO_END});
    assert_hit(cache, 1, 80);
    call = call_at(cache, 1, 229);
    assert_int_equal(call.outcome, CACHE_MISS);
    assert_true(call_fall_back(&call)); /* no use: the bound stays where it is */
    call = call_at(cache, 1, 230);
    assert_int_equal(call.outcome, CACHE_MISS);
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    cache_destroy(cache);
}

static void test_never_stale(void **state)
{
    static _Atomic uint32_t fence;
    struct cache *cache = create_with((struct cache_options){.stale_ns = 50});
    struct call call;

    /* What was a failure itself. */
    put(cache, 1, 0, (struct cache_life){.expires_ns = 100, .is_failure = true});
    call = call_at(cache, 1, 110);
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    /* What was invalidated, before the miss or while it computes. */
    put(cache, 2, 0, (struct cache_life){.expires_ns = 100});
    put(cache, 3, 0, (struct cache_life){.expires_ns = 100});
    call = call_at(cache, 2, 110);
    cache_clear(cache);
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    call = call_at(cache, 3, 110);
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    put(cache, 4, 0, (struct cache_life){.expires_ns = 100});
    call = call_at(cache, 4, 110);
    cache_fence(cache);
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    /* What may have been: its fence moves before its entry is found and dropped. */
    put(cache, 5, 0, (struct cache_life){.expires_ns = 100});
    call = call_at(cache, 5, 110);
    call.ticket.n_fences = 1;
    call.ticket.fences[0] = (struct cache_fence){.count = &fence, .seen = 0};
    fence++;
    assert_false(call_fall_back(&call));
    cache_abandon(cache, &call.ticket);
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* Kept for that, but only while nobody needs the room. */
static void test_the_stale_make_room_first(void **state)
{
    struct cache *cache = create_with(
        (struct cache_options){.policy = CACHE_POLICY_lru, .stale_ns = 5000, .max_entries = 3});

    put(cache, 1, 0, (struct cache_life){.expires_ns = CACHE_NO_END});
    put(cache, 2, 0, (struct cache_life){.expires_ns = 100});
    put(cache, 3, 0, (struct cache_life){.expires_ns = CACHE_NO_END});
    put(cache, 4, 200, (struct cache_life){.expires_ns = CACHE_NO_END});
    assert_int_equal(usage_of(cache).evictions, 0);
    assert_int_equal(usage_of(cache).expirations, 1);
    assert_hit(cache, 1, 200);
    cache_destroy(cache);
}

static void test_those_who_wait_fall_back_too(void **state)
{
    struct cache *cache = create_with((struct cache_options){.stale_ns = 60ull * 1000000000});
    struct call first, calls[MANY];
    pthread_t threads[MANY];

    put(cache, 1, 0, (struct cache_life){.expires_ns = 100});
    first = call_at(cache, 1, 200);
    assert_int_equal(first.outcome, CACHE_MISS);
    for (int i = 0; i < MANY; i++) {
        calls[i] = (struct call){
            .cache = cache, .number = 1, .now_ns = 200, .patience_ns = PATIENCE, .may_wait = true};
        assert_int_equal(pthread_create(&threads[i], NULL, call_thread, &calls[i]), 0);
    }
    await_waiters(cache, MANY);
    assert_true(call_fall_back(&first));
    join_many(threads, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].outcome, CACHE_STALE_AFTER_WAIT);
        assert_int_equal(calls[i].value, 2);
    }
    assert_no_flight(cache);
    cache_destroy(cache);
}

/* The bound passes while they wait: each of them computes. */
static void test_those_who_wait_too_long_do_not(void **state)
{
    struct cache *cache = create_with((struct cache_options){.stale_ns = 1});
    struct call first,
        second = {
            .cache = cache, .number = 1, .now_ns = 100, .patience_ns = PATIENCE, .may_wait = true};
    pthread_t thread;

    put(cache, 1, 0, (struct cache_life){.expires_ns = 100});
    first = call_at(cache, 1, 100);
    assert_int_equal(pthread_create(&thread, NULL, call_thread, &second), 0);
    await_waiters(cache, 1);
    let_time_pass(2);
    assert_true(call_fall_back(&first));
    pthread_join(thread, NULL);
    assert_int_equal(second.outcome, CACHE_MISS); /* it has waited for more than a nanosecond */
    cache_abandon(cache, &second.ticket);
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_needs_lives),
        cmocka_unit_test(test_no_life_is_not_stored),
        cmocka_unit_test(test_use_renews_an_idle_life),
        cmocka_unit_test(test_the_idle_go_first),
        cmocka_unit_test(test_many_outlived_places),
        cmocka_unit_test(test_the_stale_bound),
        cmocka_unit_test(test_the_stale_bound_of_idle_lives),
        cmocka_unit_test(test_never_stale),
        cmocka_unit_test(test_the_stale_make_room_first),
        cmocka_unit_test(test_those_who_wait_fall_back_too),
        cmocka_unit_test(test_those_who_wait_too_long_do_not),
    };

    return cmocka_run_group_tests_name("cache_lives", tests, let_time_stand, NULL);
}
