// SPDX-License-Identifier: MIT
/*
 * A thread that took a shard's lock and never comes back, as one that a handler left by siglongjmp
 * or that was cancelled: nobody hangs, the other shards work on, and what should have been cleared
 * is not served even if the thread comes back after all.
 */
#include "unit.h"

#include "base/hash.h"
#include "cache/cache_private.h"

#include <errno.h>
#include <pthread.h>

#define N_KEYS 64

static struct cache *cache;

static struct cache_key key_of(const uint64_t *number)
{
    struct cache_key key = {.bytes = {number, 8}};

    key.hash = hash_bytes(key.bytes, 5);
    return key;
}

static struct shard *shard_of(uint64_t number)
{
    return cache_shard(cache, key_of(&number).hash);
}

static enum cache_outcome look_up(uint64_t number, struct cache_ticket *ticket)
{
    static _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = key_of(&number);
    struct cache_lookup_options options = {.now_ns = 1, .owner = room, .room = room};
    struct cache_view view;

    return cache_lookup(cache, &key, &options, &view, ticket);
}

static int put(uint64_t number)
{
    struct cache_key key = key_of(&number);
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};

    return cache_insert(cache, &key, (struct bytes){&number, 8}, 1,
                        &(struct cache_life){.expires_ns = 1001}, &ticket);
}

static void *take_and_vanish(void *shard)
{
    assert_true(lock_acquire(&((struct shard *)shard)->lock));
    return NULL;
}

/* Of a policy whose hits need the lock, or of one whose hits answer without it. */
static bool hits_lock;

static int set_up(enum cache_policy policy)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = N_KEYS,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 4,
                                    .key_bytes = 8,
                                    .value_bytes = 8,
                                    .has_lives = true,
                                    .single_flight = true};
    pthread_t thread;

    hits_lock = policy == CACHE_POLICY_mru;
    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < N_KEYS; i++) {
        assert_int_equal(put(i), 0);
    }
    assert_int_equal(pthread_create(&thread, NULL, take_and_vanish, shard_of(0)), 0);
    pthread_join(thread, NULL);
    return 0;
}

static int set_up_with_lock(void **state)
{
    return set_up(CACHE_POLICY_mru);
}

static int set_up_without(void **state)
{
    return set_up(CACHE_POLICY_lru);
}

static int teardown(void **state)
{
    cache_destroy(cache);
    return 0;
}

/* Has a second thread, so that the process is not taken for one without threads. */
static void *look_at_all(void *unused)
{
    struct cache_ticket ticket;

    for (uint64_t i = 0; i < N_KEYS; i++) {
        assert_int_equal(look_up(i, &ticket),
                         hits_lock && shard_of(i) == shard_of(0) ? CACHE_BYPASS_STUCK : CACHE_HIT);
    }
    for (uint64_t i = 0; i < 4 * N_KEYS; i++) {
        assert_int_equal(put(i), shard_of(i) == shard_of(0) ? -EBUSY : 0);
        assert_true(atomic_load(&cache->n_entries) <= N_KEYS);
    }
    assert_int_equal(cache_check(cache), -EBUSY);
    return NULL;
}

static void test_only_its_shard_is_passed_by(void **state)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, look_at_all, NULL), 0);
    pthread_join(thread, NULL);
}

static void *clear_and_come_back(void *unused)
{
    struct cache_ticket ticket;

    cache_clear(cache);
    for (uint64_t i = 0; i < N_KEYS; i++) {
        enum cache_outcome outcome = look_up(i, &ticket);

        if (shard_of(i) == shard_of(0)) {
            assert_int_equal(outcome, CACHE_BYPASS_STUCK);
        } else {
            assert_int_equal(outcome, CACHE_MISS);
            cache_abandon(cache, &ticket);
        }
    }
    /* What the lost thread would do if it came back: give the lock up. */
    atomic_store(&shard_of(0)->lock.state, LOCK_FREE);
    for (uint64_t i = 0; i < N_KEYS; i++) {
        assert_int_equal(look_up(i, &ticket), CACHE_MISS);
        cache_abandon(cache, &ticket);
    }
    assert_int_equal(cache_check(cache), 0);
    assert_int_equal(atomic_load(&cache->n_entries), 0);
    return NULL;
}

static void test_a_clear_is_made_up_for(void **state)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, clear_and_come_back, NULL), 0);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_its_shard_is_passed_by, set_up_with_lock,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_clear_is_made_up_for, set_up_with_lock, teardown),
        cmocka_unit_test_setup_teardown(test_only_its_shard_is_passed_by, set_up_without, teardown),
        cmocka_unit_test_setup_teardown(test_a_clear_is_made_up_for, set_up_without, teardown),
    };

    return cmocka_run_group_tests_name("cache_stuck", tests, NULL, NULL);
}
