// SPDX-License-Identifier: MIT
/*
 * cache: the short way of a miss by its two ends: where it has the same outcome as the long one,
 * and where it leaves everything as it is.
 */
#include "unit.h"

#include "cache/cache_private.h"
#include "cache_words.h"

#include <stdio.h>

static const enum cache_policy policies[] = {LEAVES, COUNTS, STAMPS, CACHE_POLICY_sieve,
                                             CACHE_POLICY_direct};

#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

static struct cache *create_filled(enum cache_policy policy, bool single_flight)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = 8,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8,
                                    .single_flight = single_flight};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    assert_non_null(cache_fill_code(cache));
    return cache;
}

static struct cache *create_flying(enum cache_policy policy)
{
    return create_filled(policy, true);
}

/* beside_others: as in a process with threads; is_computing: this thread, something already. */
static bool begin(struct cache *cache, bool beside_others, const uint64_t *low, bool is_computing,
                  struct cache_ticket *ret_ticket)
{
    const struct cache_key key = {.bytes = {low, 8}, .hash = hash_of(cache, *low, 0)};

    return beside_others
               ? cache_begin_beside_others(cache, &key, 0, thread_self(), ret_ticket)
               : cache_begin_words(cache, &key, 0, thread_self(), is_computing, ret_ticket);
}

static bool fill(struct cache *cache, uint64_t low, const struct cache_ticket *ticket)
{
    const uint64_t row[] = {low, ~low};

    return cache_fill_code(cache)(cache, row, ticket);
}

static void hold(struct cache *cache)
{
    assert_true(lock_acquire(&cache->shards[0].lock));
}

static void release(struct cache *cache)
{
    lock_release(&cache->shards[0].lock);
}

static void fill_one(enum cache_policy policy, bool beside_others)
{
    struct cache *cache = create_flying(policy);
    struct cache_words words = words_of(cache);
    struct cache_ticket ticket;

    for (uint64_t low = 0; low < 8; low++) { /* a table that has to grow is for the long way */
        insert(cache, low, 0, low);
    }
    for (uint64_t low = 40; low < 60; low++) {
        assert_true(begin(cache, beside_others, &low, false, &ticket));
        assert_true(fill(cache, low, &ticket));
        assert_no_flight(cache);
        expect(cache, &words, low, 0, ~low);
        assert_false(begin(cache, beside_others, &low, false, &ticket));
    }
    assert_in_range(cache->shards[0].table.n_live, 1, 8);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_what_has_no_entry_gets_one(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        fill_one(policies[i / 2], i % 2);
    }
}

/* By somebody else, or for good by one who has left by siglongjmp. */
static void leave_alone(enum cache_policy policy, bool beside_others)
{
    struct cache *cache = create_flying(policy);
    struct cache_words words = words_of(cache);
    struct cache_ticket ticket;
    uint64_t low = 40;

    insert(cache, 39, 0, 1);
    hold(cache);
    assert_false(begin(cache, beside_others, &low, false, &ticket));
    release(cache);
    assert_no_flight(cache);
    assert_true(begin(cache, beside_others, &low, false, &ticket));
    hold(cache);
    assert_false(fill(cache, low, &ticket));
    release(cache);
    expect_none(cache, &words, low, 0);
    assert_true(fill(cache, low, &ticket));
    expect(cache, &words, low, 0, ~low);
    assert_no_flight(cache);
    cache_destroy(cache);
}

static void test_a_shard_that_is_held_is_left_alone(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        leave_alone(policies[i / 2], i % 2);
    }
}

static void test_who_computes_is_not_alone(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        struct cache *cache = create_flying(policies[i / 2]);
        struct cache_ticket ticket, second;
        uint64_t low = 40;

        insert(cache, 39, 0, 1);
        assert_true(begin(cache, i % 2, &low, false, &ticket));
        assert_false(begin(cache, i % 2, &low, true, &second));
        assert_true(fill(cache, low, &ticket));
        assert_no_flight(cache);
        cache_destroy(cache);
    }
}

/* Without single flight they are, each for himself; and whoever comes second has come too late. */
static void test_each_computes_for_himself(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        struct cache *cache = create_filled(policies[i / 2], false);
        struct cache_words words = words_of(cache);
        struct cache_ticket ticket, second;
        uint64_t low = 40;

        insert(cache, 39, 0, 1);
        memset(&ticket, 0xa5, sizeof(ticket));
        memset(&second, 0xa5, sizeof(second));
        assert_true(begin(cache, i % 2, &low, false, &ticket));
        assert_true(begin(cache, i % 2, &low, true, &second));
        assert_int_equal(ticket.flight, 0);
        assert_int_equal(second.flight, 0);
        assert_no_flight(cache);
        assert_true(fill(cache, low, &ticket));
        assert_false(fill(cache, low, &second));
        expect(cache, &words, low, 0, ~low);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* What was computed before it is old. */
static void test_an_invalidation_meanwhile(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        struct cache *cache = create_flying(policies[i / 2]);
        struct cache_words words = words_of(cache);
        struct cache_ticket ticket, second;
        uint64_t low = 40, other = 41;

        insert(cache, 39, 0, 1);
        assert_true(begin(cache, i % 2, &low, false, &ticket));
        cache_fence(cache);
        /* To empty the shard is for the long way. */
        assert_false(begin(cache, i % 2, &other, false, &second));
        assert_false(fill(cache, low, &ticket));
        expect_none(cache, &words, low, 0);
        cache_abandon(cache, &ticket);
        assert_no_flight(cache);
        cache_destroy(cache);
    }
}

/* ---- keys that do not fit into a flight ------------------------------------------------------ */

static bool begin_text(struct cache *cache, bool beside_others, const char *text, bool is_computing,
                       struct cache_ticket *ret_ticket)
{
    struct cache_key key = {.bytes = {text, strlen(text)}};

    key.hash = hash_bytes(key.bytes, cache->options.seed);
    return beside_others
               ? cache_begin_beside_others(cache, &key, 0, thread_self(), ret_ticket)
               : cache_begin_words(cache, &key, 0, thread_self(), is_computing, ret_ticket);
}

/* Their blocks are gone with them, whatever has become of the call. */
static void test_long_keys(void **state)
{
    struct cache_options options = {.policy = STAMPS,
                                    .max_entries = 8,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 1,
                                    .value_bytes = 8,
                                    .single_flight = true};
    const uint64_t value = 7;
    char text[FLIGHT_INLINE_KEY_BYTES + 9];

    for (int beside_others = 0; beside_others < 2; beside_others++) {
        struct cache_ticket ticket, second;
        struct cache *cache;

        assert_int_equal(cache_create(&options, &cache), 0);
        for (int i = 0; i < 5000; i++) {
            struct cache_key key;

            snprintf(text, sizeof(text), "%0*d", (int)sizeof(text) - 1, i);
            key.bytes = (struct bytes){text, strlen(text)};
            key.hash = hash_bytes(key.bytes, options.seed);
            assert_true(begin_text(cache, beside_others, text, false, &ticket));
            assert_false(begin_text(cache, beside_others, text, true, &second));
            text[0] = 'a'; /* all of a key counts */
            assert_true(begin_text(cache, beside_others, text, true, &second));
            cache_abandon(cache, &second);
            text[0] = '0';
            if (i % 2 == 0) {
                cache_abandon(cache, &ticket);
            } else {
                assert_int_equal(
                    cache_insert(cache, &key, (struct bytes){&value, 8}, 0, NULL, &ticket), 0);
                assert_false(begin_text(cache, beside_others, text, false, &second));
            }
            assert_no_flight(cache);
        }
        cache_clear(cache);
        assert_true(cache->pool.n_slabs <= 1);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* Of numbers, which all the same lie in slots. */
static void test_long_rows(void **state)
{
    for (size_t i = 0; i < 2 * N_POLICIES; i++) {
        struct cache_options options = {.policy = policies[i / 2],
                                        .max_entries = 8,
                                        .max_bytes = 1 << 20,
                                        .n_shards = 1,
                                        .key_bytes = FLIGHT_INLINE_KEY_BYTES + 8,
                                        .value_bytes = 8,
                                        .single_flight = true};
        uint64_t row[FLIGHT_INLINE_KEY_BYTES / 8 + 2] = {0};
        struct cache_ticket ticket;
        struct cache *cache;
        cache_fill_fn fill_code;

        assert_int_equal(cache_create(&options, &cache), 0);
        fill_code = cache_fill_code(cache);
        assert_non_null(fill_code);
        for (row[0] = 0; row[0] < 5000; row[0]++) {
            struct cache_key key = {.bytes = {row, options.key_bytes}};

            key.hash = hash_bytes(key.bytes, options.seed);
            assert_true(i % 2 ? cache_begin_beside_others(cache, &key, 0, thread_self(), &ticket)
                              : cache_begin_words(cache, &key, 0, thread_self(), false, &ticket));
            if (!fill_code(cache, row, &ticket)) { /* the table has to grow */
                cache_abandon(cache, &ticket);
            }
            assert_no_flight(cache);
        }
        assert_true(cache->pool.n_slabs <= 1);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_has_no_entry_gets_one),
        cmocka_unit_test(test_a_shard_that_is_held_is_left_alone),
        cmocka_unit_test(test_who_computes_is_not_alone),
        cmocka_unit_test(test_each_computes_for_himself),
        cmocka_unit_test(test_an_invalidation_meanwhile),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_long_rows),
    };

    return cmocka_run_group_tests_name("cache_fill", tests, NULL, NULL);
}
