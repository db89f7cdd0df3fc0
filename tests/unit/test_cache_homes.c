// SPDX-License-Identifier: MIT
/*
 * cache: where a key's home is, in tables of any number of groups, and how many of them small
 * tables have.
 */
#include "unit.h"

#include "cache/cache_private.h"
#include "cache_words.h"
#include "draws.h"

/* The highest bits say the same as the multiplication, whatever stands in the lower half. */
static void test_homes_of_powers(void **state)
{
    uint64_t random = 88172645463325252u;

    for (uint32_t power = 0; power <= 25; power++) {
        const uint32_t n_groups = 1u << power, shift = group_home_shift(n_groups);

        assert_int_not_equal(shift, 0);
        for (int i = 0; i < 200; i++) {
            uint64_t hash = draw_bits(&random), offset;

            hash = i == 0 ? 0 : i == 1 ? UINT64_MAX : i == 2 ? UINT32_MAX : hash;
            offset = (uint64_t)group_home((uint32_t)(hash >> 32), n_groups) * sizeof(struct group);
            assert_true(group_home_by_shift(hash, shift) == offset);
            assert_true(group_home_at(hash, n_groups) == offset);
        }
    }
    assert_int_equal(group_home_shift(0), 0);
    for (uint32_t n_groups = 3; n_groups < 1000; n_groups += 2) {
        assert_int_equal(group_home_shift(n_groups), 0);
        assert_int_equal(group_home_shift(n_groups * 4), 0);
    }
}

/* Fills a cache of one shard and finds all of it, the looks being as many as the entries. Returns
 * the groups of the table in the end. */
static uint32_t fill(enum cache_policy policy, uint64_t n, uint64_t max_bytes)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = n,
                                    .max_bytes = max_bytes,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache_words words;
    struct cache *cache;
    uint32_t n_groups;

    assert_int_equal(cache_create(&options, &cache), 0);
    assert_true(cache_words_init(&words, cache) == (policy != CACHE_POLICY_w_tinylfu));
    for (uint64_t i = 0; i < n; i++) {
        insert(cache, i, 0, ~i);
    }
    n_groups = cache->shards[0].table.n_groups;
    assert_int_equal(cache->shards[0].front.home_shift, group_home_shift(n_groups));
    for (uint64_t i = 0; i < n && policy != CACHE_POLICY_w_tinylfu; i++) {
        const struct cache_front *front = cache_front(&words, hash_of(cache, i, 0));
        const char *slot = find_home(&words, i, 0, hash_of(cache, i, 0), 1);

        if (slot == NULL) {
            slot = cache_find_further(&words, front, i, 0, hash_of(cache, i, 0));
        }
        assert_non_null(slot);
        assert_true(cache_words_value(&words, slot, false) == ~i);
    }
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
    return n_groups;
}

static uint32_t least_groups(uint64_t n)
{
    return (uint32_t)((n + GROUP_LOAD - 1) / GROUP_LOAD);
}

/* The next power of two, as long as that is small, allowed, and of use. */
static void test_small_tables_have_room(void **state)
{
    static const enum cache_policy policies[] = {LEAVES, COUNTS, STAMPS, CACHE_POLICY_sieve};

    for (int i = 0; i < 4; i++) {
        assert_int_equal(fill(policies[i], 9, 1 << 20), 1);
        assert_int_equal(fill(policies[i], 1000, 1 << 20), 128);
        assert_int_equal(fill(policies[i], 700, 1 << 20), 64);
        assert_int_equal(fill(policies[i], 4000, 1 << 20), least_groups(4000));
        assert_int_equal(fill(policies[i], 1000, 50000), least_groups(1000));
        assert_int_equal(fill(policies[i], 1000, 90000), 128);
    }
    assert_int_equal(fill(CACHE_POLICY_w_tinylfu, 1000, 1 << 20), least_groups(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_homes_of_powers),
        cmocka_unit_test(test_small_tables_have_room),
    };

    return cmocka_run_group_tests_name("cache_homes", tests, NULL, NULL);
}
