// SPDX-License-Identifier: MIT
/*
 * 64 threads want one cold key, for every policy: one computes and 63 wait, whether it comes back
 * or not; and two that press on a cache while a third watches its bounds.
 */
#include "cache_call.h"
#include "each_policy.h"
#include "standing_clock.h"

#include <errno.h>

#define N_OTHERS    63
#define SOME_200_MS (200ull * 1000000)

/* A caller that computes what it has to, at once. */
static void *compute_thread(void *argument)
{
    struct call *call = argument;

    call_look_up(call);
    if (call->outcome == CACHE_MISS) {
        call_insert(call, 42);
    }
    return NULL;
}

static void start_others(struct cache *cache, struct call *calls, pthread_t *threads,
                         uint64_t patience_ns)
{
    for (int i = 0; i < N_OTHERS; i++) {
        calls[i] = (struct call){
            .cache = cache, .number = 1, .patience_ns = patience_ns, .may_wait = true};
        assert_int_equal(pthread_create(&threads[i], NULL, compute_thread, &calls[i]), 0);
    }
}

static void test_one_computes(void **state)
{
    struct cache *cache = create(policy_of_state(state), 100, 0);
    struct call first = {.cache = cache, .number = 1, .patience_ns = PATIENCE}, again = first;
    struct call calls[N_OTHERS];
    pthread_t threads[N_OTHERS];

    call_look_up(&first);
    assert_int_equal(first.outcome, CACHE_MISS);
    call_look_up(&again); /* the computation itself asks for the key */
    assert_int_equal(again.outcome, CACHE_BYPASS_RECURSION);
    start_others(cache, calls, threads, PATIENCE);
    await_waiters(cache, N_OTHERS);
    assert_int_equal(call_insert(&first, 42), 0);
    join_many(threads, N_OTHERS);
    for (int i = 0; i < N_OTHERS; i++) {
        assert_int_equal(calls[i].outcome, CACHE_HIT_AFTER_WAIT);
        assert_int_equal(calls[i].value, 42);
    }
    assert_no_flight(cache);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* Cancelled, thrown or jumped out of: to the cache a computation that never comes back. */
static void test_one_takes_over(void **state)
{
    struct cache *cache = create(policy_of_state(state), 100, 0);
    struct call lost = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call calls[N_OTHERS];
    pthread_t threads[N_OTHERS];
    int n_computed = 0;

    call_look_up(&lost);
    assert_int_equal(lost.outcome, CACHE_MISS);
    start_others(cache, calls, threads, SOME_200_MS);
    await_waiters(cache, N_OTHERS);
    let_time_pass(SOME_200_MS);
    join_many(threads, N_OTHERS);
    for (int i = 0; i < N_OTHERS; i++) {
        n_computed += calls[i].outcome == CACHE_MISS;
        if (calls[i].outcome != CACHE_MISS) {
            assert_int_equal(calls[i].outcome, CACHE_HIT_AFTER_WAIT);
            assert_int_equal(calls[i].value, 42);
        }
    }
    assert_int_equal(n_computed, 1);
    assert_no_flight(cache);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* ---- bounds, watched ---- */

#define MAX_ENTRIES  200
#define MAX_BYTES    60000
#define N_OPERATIONS 3000

struct watched {
    struct cache *cache;
    _Atomic bool is_over;
    uint64_t n_looks, n_exceeded;
};

static void *watching_thread(void *argument)
{
    struct watched *watched = argument;

    do {
        struct cache_usage usage;

        cache_read_usage(watched->cache, &usage);
        watched->n_looks++;
        watched->n_exceeded += usage.entries > MAX_ENTRIES || usage.bytes > MAX_BYTES;
    } while (!atomic_load(&watched->is_over));
    return NULL;
}

/* Keys that come and go, with values of mixed sizes, some larger than the cache. */
static void *filling_thread(void *argument)
{
    static const uint32_t sizes[] = {8, 60, 300, 5000, MAX_BYTES};
    static unsigned char value[MAX_BYTES];
    struct watched *watched = argument;

    for (uint64_t i = 0; i < N_OPERATIONS; i++) {
        uint64_t number = i * 0x9e3779b97f4a7c15u >> 54;
        struct cache_key key = {.bytes = {&number, sizeof(number)}};
        struct cache_ticket ticket = {.generation = atomic_load(&watched->cache->generation)};
        uint32_t n_bytes = sizes[i % 50 == 0 ? 4 : number % 4];
        int result;

        key.hash = hash_bytes(key.bytes, SEED);
        result =
            cache_insert(watched->cache, &key, (struct bytes){value, n_bytes}, 0, NULL, &ticket);
        assert_true(n_bytes == MAX_BYTES ? result != 0 : result == 0 || result == -ENOMEM);
    }
    return NULL;
}

static void test_bounds_are_watched(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = MAX_ENTRIES,
                                    .max_bytes = MAX_BYTES,
                                    .n_shards = 8};
    struct watched watched = {0};
    pthread_t watching, filling[2];
    struct cache_usage usage;

    assert_int_equal(cache_create(&options, &watched.cache), 0);
    pthread_create(&watching, NULL, watching_thread, &watched);
    for (int i = 0; i < 2; i++) {
        pthread_create(&filling[i], NULL, filling_thread, &watched);
    }
    join_many(filling, 2);
    atomic_store(&watched.is_over, true);
    pthread_join(watching, NULL);
    assert_true(watched.n_looks > 0);
    assert_int_equal(watched.n_exceeded, 0);
    assert_int_equal(cache_check(watched.cache), 0);

    /* Nothing of it stays, but for the one slab that is kept. */
    cache_clear(watched.cache);
    cache_read_usage(watched.cache, &usage);
    assert_int_equal(usage.entries, 0);
    assert_int_equal(usage.bytes, 0);
    assert_in_range(watched.cache->pool.n_slabs, 0, 1);
    assert_int_equal(cache_check(watched.cache), 0);
    cache_destroy(watched.cache);
}

int main(void)
{
    static struct policy_tests tests;

    add_for_each_policy(&tests, "one_computes", test_one_computes);
    add_for_each_policy(&tests, "one_takes_over", test_one_takes_over);
    add_for_each_policy(&tests, "bounds_are_watched", test_bounds_are_watched);
    return _cmocka_run_group_tests("cache_stampede", tests.tests, tests.n, let_time_stand, NULL);
}
