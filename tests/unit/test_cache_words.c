// SPDX-License-Identifier: MIT
/*
 * The shortest hit by its parts: for each thing that it looks at, a cache in which nothing but that
 * says that there is no answer. What others do while it reads is in test_cache_words_change.c.
 */
#include "cache_words.h"

/* Where entries are mapped to slots in one way, and in the other. */
static const enum cache_policy mappings[] = {LEAVES, CACHE_POLICY_direct};

#define N_MAPPINGS (sizeof(mappings) / sizeof(mappings[0]))

static void test_empty(void **state)
{
    for (size_t i = 0; i < N_MAPPINGS; i++) {
        struct cache *cache = create_for(mappings[i], 8);
        struct cache_words words = words_of(cache);
        uint64_t seen;

        expect_none(cache, &words, 0, 0);
        assert_int_equal(see(cache, &words, 0, 0, &seen), CACHE_SEEN_NONE);
        insert(cache, 0, 0, 5);
        expect(cache, &words, 0, 0, 5);
        cache_clear(cache);
        expect_none(cache, &words, 0, 0);
        insert(cache, 0, 0, 6);
        expect(cache, &words, 0, 0, 6);
        cache_destroy(cache);
    }
}

/* All entries lie in the one group that there is; these two are told apart by the key alone. */
static uint64_t twin_of(struct cache *cache, uint64_t low, uint64_t high, bool of_high)
{
    unsigned char tag = tag_of_hash(hash_of(cache, low, high));

    for (uint64_t i = 1; i < 100000; i++) {
        if (tag_of_hash(of_high ? hash_of(cache, low, high + i) : hash_of(cache, low + i, high)) ==
            tag) {
            return i;
        }
    }
    fail_msg("no other key with this tag");
    return 0;
}

static void test_every_word_of_a_key_counts(void **state)
{
    for (uint32_t key_bytes = 8; key_bytes <= 16; key_bytes += 8) {
        for (uint32_t of_high = 0; of_high < key_bytes / 8; of_high++) {
            struct cache *cache = create_for(COUNTS, key_bytes);
            struct cache_words words = words_of(cache);
            uint64_t step = twin_of(cache, 40, 0, of_high == 1);
            uint64_t low = 40 + (of_high == 1 ? 0 : step), high = of_high == 1 ? step : 0;

            insert(cache, 40, 0, 1);
            assert_int_equal(cache->shards[0].table.n_groups, 1);
            expect(cache, &words, 40, 0, 1);
            expect_none(cache, &words, low, high);
            insert(cache, low, high, 2);
            expect(cache, &words, 40, 0, 1);
            expect(cache, &words, low, high, 2);
            cache_destroy(cache);
        }
    }
}

/* Two keys of one place differ in one word only: the second drives the first out. */
static void test_every_word_of_a_key_counts_in_places(void **state)
{
    for (uint32_t key_bytes = 8; key_bytes <= 16; key_bytes += 8) {
        for (uint32_t of_high = 0; of_high < key_bytes / 8; of_high++) {
            struct cache *cache = create_for(CACHE_POLICY_direct, key_bytes);
            struct cache_words words = words_of(cache);
            uint64_t low = 40, high = 0,
                     place = table_place(&cache->shards[0].table, hash_of(cache, low, high));

            do {
                *(of_high == 1 ? &high : &low) += 1;
            } while (table_place(&cache->shards[0].table, hash_of(cache, low, high)) != place);
            insert(cache, 40, 0, 1);
            expect(cache, &words, 40, 0, 1);
            expect_none(cache, &words, low, high);
            insert(cache, low, high, 2);
            expect_none(cache, &words, 40, 0);
            expect(cache, &words, low, high, 2);
            cache_destroy(cache);
        }
    }
}

/* What stands beyond a short key is no part of it. */
static void test_a_short_key_is_one_word(void **state)
{
    struct cache *cache = create_for(LEAVES, 8);
    struct cache_words words = words_of(cache);

    for (uint64_t value = 0; value < 3; value++) {
        insert(cache, 40 + value, 0, value);
    }
    for (uint64_t value = 0; value < 3; value++) {
        expect(cache, &words, 40 + value, value + 1, value);
    }
    cache_destroy(cache);
}

/* Of a full cache some entries are not where they should be, and all are found by one look or the
 * other, but never by both. */
static void test_all_are_at_home_or_further(void **state)
{
    struct cache_options options = {.policy = LEAVES,
                                    .max_entries = 5000,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 4,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache *cache;
    struct cache_words words;
    uint32_t n_at_home = 0, n_unclear = 0;
    uint64_t seen;

    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < options.max_entries; i++) {
        insert(cache, i, 0, ~i);
    }
    words = words_of(cache);
    for (uint64_t i = 0; i < options.max_entries; i++) {
        uint64_t hash = hash_of(cache, i, 0);
        const struct cache_front *front = cache_front(&words, hash);
        const char *home = find_home(&words, i, 0, hash, 1);
        const char *further = cache_find_further(&words, front, i, 0, hash);

        assert_true((home == NULL) != (further == NULL));
        assert_true(cache_words_value(&words, home != NULL ? home : further, true) == ~i);
        assert_true(glance(cache, &words, i, 0, true, &seen) && seen == ~i);
        assert_int_equal(see(cache, &words, i, 0, &seen),
                         home != NULL ? CACHE_SEEN_ENTRY : CACHE_SEEN_UNCLEAR);
        assert_true(home == NULL || seen == ~i);
        n_at_home += home != NULL;
        n_unclear += see(cache, &words, ~i, 0, &seen) == CACHE_SEEN_UNCLEAR;
        assert_int_not_equal(see(cache, &words, ~i, 0, &seen), CACHE_SEEN_ENTRY);
    }
    assert_in_range(n_unclear, 1, options.max_entries / 2); /* where an entry went by */
    assert_in_range(n_at_home, options.max_entries / 10 * 9, options.max_entries - 1);
    cache_fence(cache);
    for (uint64_t i = 0; i < options.max_entries; i++) {
        uint64_t hash = hash_of(cache, i, 0);

        assert_null(cache_find_further(&words, cache_front(&words, hash), i, 0, hash));
    }
    cache_destroy(cache);
}

/* Only the generation says so: the entry is where it was. */
static void test_what_was_invalidated_does_not_answer(void **state)
{
    for (size_t i = 0; i < N_MAPPINGS; i++) {
        struct cache *cache = create_for(mappings[i], 8);
        struct cache_words words = words_of(cache);

        insert(cache, 40, 0, 1);
        expect(cache, &words, 40, 0, 1);
        cache_fence(cache);
        assert_int_equal(cache->shards[0].table.n_live, 1);
        expect_none(cache, &words, 40, 0);
        cache_destroy(cache);
    }
}

static void test_nothing_answers_during_a_change(void **state)
{
    for (size_t i = 0; i < N_MAPPINGS; i++) {
        struct cache *cache = create_for(mappings[i], 8);
        struct cache_words words = words_of(cache);
        uint64_t seen;

        insert(cache, 40, 0, 1);
        shard_begin_change(&cache->shards[0]);
        assert_false(glance(cache, &words, 40, 0, true, &seen));
        assert_int_equal(see(cache, &words, 40, 0, &seen), CACHE_SEEN_UNCLEAR);
        assert_int_equal(see(cache, &words, 41, 0, &seen), CACHE_SEEN_UNCLEAR);
        shard_end_change(&cache->shards[0]);
        expect(cache, &words, 40, 0, 1);
        cache_destroy(cache);
    }
}

static uint32_t mark_of(struct cache *cache, const struct cache_words *words, uint64_t low)
{
    uint64_t hash = hash_of(cache, low, 0);
    char *slot = cache_find_words(words, cache_front(words, hash), low, 0, hash, false, words->use);

    assert_non_null(slot);
    return slot_mark((const struct slot_head *)(const void *)slot);
}

/* The lowest bits of the mark are the count; what else is in it stays. */
static void test_a_use_is_counted_once_and_up_to_the_most(void **state)
{
    struct cache *cache = create_for(CACHE_POLICY_s3_fifo, 8);
    struct cache_words words = words_of(cache);
    uint32_t before;
    uint64_t seen;

    insert(cache, 40, 0, 1);
    before = mark_of(cache, &words, 40);
    assert_int_equal(before & words.max_count, 0);
    assert_true(glance(cache, &words, 40, 0, false, &seen));
    assert_int_equal(mark_of(cache, &words, 40), before);
    for (uint32_t n = 1; n <= words.max_count; n++) {
        assert_true(glance(cache, &words, 40, 0, true, &seen));
        assert_int_equal(mark_of(cache, &words, 40), before + n);
    }
    assert_true(glance(cache, &words, 40, 0, true, &seen));
    assert_int_equal(mark_of(cache, &words, 40), before + words.max_count);
    cache_destroy(cache);
}

/* An entry that was seen may have gone by now. */
static void test_no_use_is_counted_for_a_free_slot(void **state)
{
    struct slot_head head = {.mark = 0};

    policy_count_shared(&head, 3);
    assert_int_equal(head.mark, 0);
    head.mark = 8;
    policy_count_shared(&head, 3);
    assert_int_equal(head.mark, 9);
}

/* Policies that count nothing may keep other things in the marks. */
static void test_a_use_leaves_nothing_where_nothing_is_counted(void **state)
{
    static const enum cache_policy policies[] = {LEAVES, CACHE_POLICY_rr, CACHE_POLICY_direct};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct cache *cache = create_for(policies[i], 8);
        struct cache_words words = words_of(cache);
        uint64_t hash = hash_of(cache, 40, 0), seen;
        unsigned char before[256];
        const char *slot;

        insert(cache, 40, 0, 1);
        slot = cache_find_words(&words, cache_front(&words, hash), 40, 0, hash, false, words.use);
        assert_non_null(slot);
        assert_in_range(words.slot_bytes, 24, sizeof(before));
        memcpy(before, slot, words.slot_bytes);
        assert_true(glance(cache, &words, 40, 0, true, &seen));
        assert_memory_equal(slot, before, words.slot_bytes);
        cache_destroy(cache);
    }
}

static void test_the_last_stamp_is_left_to_others(void **state)
{
    struct cache *cache = create_for(STAMPS, 8);
    struct cache_words words = words_of(cache);
    uint64_t hash = hash_of(cache, 40, 0);
    struct cache_front *front = cache_front(&words, hash);
    uint32_t stamp;
    char *slot;

    insert(cache, 40, 0, 1);
    slot = cache_find_words(&words, front, 40, 0, hash, false, words.use);
    assert_non_null(slot);
    *front->clock = STAMP_END - 2;
    assert_true(cache_use_words(&words, front, slot, CACHE_WORDS_STAMP));
    memcpy(&stamp, slot + CACHE_WORDS_MARK_AT, sizeof(stamp));
    assert_int_equal(stamp, STAMP_END - 1);
    assert_false(cache_use_words(&words, front, slot, CACHE_WORDS_STAMP));
    assert_int_equal(*front->clock, STAMP_END - 1);
    cache_destroy(cache);
}

/* Whose entries the shortest hit could not answer from. */
static void test_others_are_not_asked(void **state)
{
    static const struct cache_options others[] = {
        {.policy = CACHE_POLICY_mru, .key_bytes = 8, .value_bytes = 8, .n_shards = 1},
        {.policy = LEAVES, .key_bytes = 17, .value_bytes = 8, .n_shards = 1},
        {.policy = LEAVES, .key_bytes = 8, .value_bytes = 9, .n_shards = 1},
        {.policy = LEAVES, .key_bytes = 8, .value_bytes = 0, .n_shards = 1},
        {.policy = LEAVES, .key_bytes = 8, .value_bytes = 8, .n_shards = 3},
        {.policy = LEAVES, .key_bytes = 8, .value_bytes = 8, .n_shards = 1, .has_lives = true},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct cache_options options = others[i];
        struct cache_words words;
        struct cache *cache;

        options.max_entries = 8;
        options.max_bytes = 1 << 20;
        assert_int_equal(cache_create(&options, &cache), 0);
        if (cache_words_init(&words, cache)) {
            fail_msg("cache %zu", i);
        }
        cache_destroy(cache);
    }
}

/* A hint leads where it was made for, if that is not too far; 0 to where nobody is. */
static void test_hints(void **state)
{
    struct {
        _Alignas(64) _Atomic uint64_t generation;
        uint64_t no_slot[CACHE_SHORT_PLACE_BYTES / 8];
        uint64_t slots[16];
        stamp_clock clock;
    } memory = {.generation = UINT64_C(5) << 32};
    const struct cache_words words = {.generation = &memory.generation};
    const struct cache_front front = {.clock = &memory.clock};
    intptr_t no_slot = (intptr_t)memory.no_slot;
    const uint64_t nothing = 0;
    char *slot;
    stamp_clock *clock;

    for (uint32_t i = 0; i < 16; i++) {
        uint64_t hint = cache_make_hint(&words, &front, (char *)&memory.slots[i]);

        assert_int_not_equal(hint, 0);
        for (enum cache_words_use use = 0; use < CACHE_WORDS_USES; use++) {
            memory.slots[i] = 0;
            assert_false(cache_follow_hint(&words, (const char *)&hint, memory.generation, use,
                                           &clock, &slot));
            assert_ptr_equal(slot, &memory.slots[i]);
            assert_ptr_equal(clock, &memory.clock);
            memory.slots[i] = memory.generation;
            assert_true(cache_follow_hint(&words, (const char *)&hint, memory.generation, use,
                                          &clock, &slot));
            assert_true(cache_follow_hint(&words, (const char *)&hint, memory.generation + 1, use,
                                          &clock, &slot) == (use != CACHE_WORDS_PLACE));
        }
    }
    for (enum cache_words_use use = 0; use < CACHE_WORDS_USES; use++) {
        assert_false(cache_follow_hint(&words, (const char *)&nothing, memory.generation, use,
                                       &clock, &slot));
    }
    assert_int_equal(
        (uint32_t)cache_make_hint(&words, &front, (char *)(no_slot + INT64_C(8) * INT32_MAX)),
        INT32_MAX);
    assert_int_equal(
        cache_make_hint(&words, &front, (char *)(no_slot + INT64_C(8) * INT32_MAX + 8)), 0);
    assert_int_equal(
        (int32_t)cache_make_hint(&words, &front, (char *)(no_slot + INT64_C(8) * INT32_MIN)),
        INT32_MIN);
    assert_int_equal(
        cache_make_hint(&words, &front, (char *)(no_slot + INT64_C(8) * INT32_MIN - 8)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_every_word_of_a_key_counts),
        cmocka_unit_test(test_every_word_of_a_key_counts_in_places),
        cmocka_unit_test(test_a_short_key_is_one_word),
        cmocka_unit_test(test_all_are_at_home_or_further),
        cmocka_unit_test(test_what_was_invalidated_does_not_answer),
        cmocka_unit_test(test_nothing_answers_during_a_change),
        cmocka_unit_test(test_a_use_is_counted_once_and_up_to_the_most),
        cmocka_unit_test(test_no_use_is_counted_for_a_free_slot),
        cmocka_unit_test(test_a_use_leaves_nothing_where_nothing_is_counted),
        cmocka_unit_test(test_the_last_stamp_is_left_to_others),
        cmocka_unit_test(test_others_are_not_asked),
        cmocka_unit_test(test_hints),
    };

    return cmocka_run_group_tests_name("cache_words", tests, NULL, NULL);
}
