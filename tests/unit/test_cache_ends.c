// SPDX-License-Identifier: MIT
/*
 * When entries end, to the nanosecond, with clocks that jump; and that what has ended is the first
 * to go, under every policy.
 */
#include "cache_keys.h"
#include "each_policy.h"

static enum cache_outcome outcome_at(struct cache *cache, uint64_t i, uint64_t now)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    enum cache_outcome outcome = look_up(cache, make_key(&made, i, 8), now, room, &view, &ticket);

    if (outcome == CACHE_MISS) {
        cache_abandon(cache, &ticket);
    }
    return outcome;
}

static void insert_at(struct cache *cache, uint64_t i, uint64_t now)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;

    assert_int_equal(look_up(cache, make_key(&made, i, 8), now, room, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &made.key, (struct bytes){&i, 8}, now,
                                  &(struct cache_life){.expires_ns = cache_end_ns(now, 100)},
                                  &ticket),
                     0);
}

static void test_edges_of_time(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 1000, /* places enough for these few */
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache_usage usage;
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    insert_at(cache, 1, 0);
    assert_int_equal(outcome_at(cache, 1, 0), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 1, 99), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 1, 100), CACHE_MISS);
    assert_int_equal(outcome_at(cache, 1, 99), CACHE_MISS); /* it was removed */

    /* Set back: an entry lives on as long as its time says. */
    insert_at(cache, 2, 5000);
    assert_int_equal(outcome_at(cache, 2, 0), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 2, 5099), CACHE_HIT);
    /* An entry that was added after the clock was set back expires before those from earlier. */
    insert_at(cache, 3, 1000);
    assert_int_equal(outcome_at(cache, 3, 1100), CACHE_MISS);
    assert_int_equal(outcome_at(cache, 2, 1100), CACHE_HIT);

    /* The end of time does not wrap around to its beginning. */
    insert_at(cache, 4, UINT64_MAX - 50);
    assert_int_equal(outcome_at(cache, 4, UINT64_MAX - 1), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 4, UINT64_MAX), CACHE_MISS);
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.expirations, 4); /* the insert before removed 2 */
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* What has expired goes first, although it lies in another shard than the live and the new. */
static void test_expired_first_across_shards(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 64,
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .n_shards = 8,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_usage usage;
    struct cache_view view;
    struct cache_ticket ticket;
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < 96; i++) {
        uint64_t now = i < 32 ? 0 : i < 64 ? 500 : 1200;
        struct made_key made;
        struct cache_key *key = make_key(&made, i, 8);

        /* The first 32 in the last shard, all others in the first one. */
        key->hash = (key->hash & ~(uint64_t)0xffff00) | (i < 32 ? 0xffff00 : 0);
        assert_int_equal(look_up(cache, key, now, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, now,
                                      &(struct cache_life){.expires_ns = now + 1000}, &ticket),
                         0);
    }
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, 64);
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(usage.expirations, 32);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

int main(void)
{
    static struct policy_tests tests;

    add_for_each_policy(&tests, "edges_of_time", test_edges_of_time);
    add_for_policies_with_room(&tests, "expired_first_across_shards",
                               test_expired_first_across_shards);
    return _cmocka_run_group_tests("cache_ends", tests.tests, tests.n, NULL, NULL);
}
