// SPDX-License-Identifier: MIT
/*
 * Hits of keys that differ in size, by their parts: every way to look for one finds the same, and
 * nothing but that key, where all have one hash.
 */
#include "cache_words.h"

#include <stdio.h>

/*
 * The slot of a key, or NULL. Every look agrees: of one that lies in its home or not, with threads
 * or without.
 */
static const char *find_text(const struct cache_words *words, const void *bytes, uint32_t n_bytes)
{
    struct cache_front *front = cache_front(words, TEXT_HASH);
    struct short_key short_key;
    struct long_key long_key;
    uint64_t value = 0;
    const char *seen;
    char *slot = NULL;

    if (n_bytes <= SHORT_KEY_BYTES) {
        short_key = short_key_of((struct bytes){bytes, n_bytes});
        if (!cache_find_short(words, front, &short_key, TEXT_HASH, words->use, &slot)) {
            slot =
                cache_find_further_key(words, front, short_key.words, SHORT_KEY_WORDS, TEXT_HASH);
        }
    } else {
        long_key = long_key_of(bytes, n_bytes);
        slot = cache_find_long(words, front, &long_key, TEXT_HASH, words->use);
        seen = cache_find_long_further(words, front, &long_key, TEXT_HASH);
        assert_true(slot == NULL || seen == NULL);
        slot = slot != NULL ? slot : (char *)(uintptr_t)seen;
        assert_ptr_equal(cache_seek_long(words, front, &long_key, TEXT_HASH), slot);
    }
    assert_true(glance_text(words, bytes, n_bytes, &value) == (slot != NULL));
    assert_true(slot == NULL ||
                value == shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key)));
    return slot;
}

static void expect_texts(enum cache_policy policy)
{
    static const struct {
        unsigned char bytes[40];
        uint32_t n_bytes;
    } texts[] = {
        {"abcdefghijklmnopqrs", 20}, {"Abcdefghijklmnopqrs", 20}, {"abcdefghiJklmnopqrs", 20},
        {"abcdefghijklmnopqrS", 20}, {"abcdefghijklmnop", 16},    {"abcdefghijklmnop", 17},
        {"abcdefghijklmnop", 18},    {"abcdefghijklmnop", 20},    {"a", 1},
        {"abcdefghijklmnop", 23},    {"abcdefghijklmnop", 24},    {"abcdefghijklmnop", 40},
        {"abcdefghijklmnoP", 40},    {"Abcdefghijklmnop", 40},
    };
    const uint32_t n = sizeof(texts) / sizeof(texts[0]);
    struct cache_options options = {
        .policy = policy, .max_entries = n, .max_bytes = 1 << 20, .n_shards = 1, .value_bytes = 8};
    struct cache_words words;
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    words = words_of(cache);
    for (uint32_t i = 0; i < n; i++) {
        assert_null(find_text(&words, texts[i].bytes, texts[i].n_bytes));
        insert_text(cache, texts[i].bytes, texts[i].n_bytes, i);
        for (uint32_t j = 0; j <= i; j++) {
            const char *slot = find_text(&words, texts[j].bytes, texts[j].n_bytes);

            assert_non_null(slot);
            assert_int_equal(shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key)), j);
        }
    }
    cache_fence(cache);
    assert_null(find_text(&words, texts[0].bytes, texts[0].n_bytes));
    cache_destroy(cache);
}

static void test_every_byte_of_a_text_counts(void **state)
{
    expect_texts(LEAVES);
    expect_texts(CACHE_POLICY_sieve);
    expect_texts(CACHE_POLICY_lru);
}

/* Every bit of a long key, of each length and wherever it begins. All have one hash. */
static void expect_every_bit_counts(enum cache_policy policy)
{
    struct cache_options options = {
        .policy = policy, .max_entries = 64, .max_bytes = 1 << 20, .n_shards = 1, .value_bytes = 8};
    unsigned char room[280], *bytes;

    for (uint32_t n_bytes = SHORT_KEY_BYTES + 1; n_bytes <= 256; n_bytes += 1 + n_bytes / 16) {
        struct cache_words words;
        struct cache *cache;

        bytes = room + n_bytes % 17;
        for (uint32_t i = 0; i < sizeof(room); i++) {
            room[i] = (unsigned char)(i * 41);
        }
        assert_int_equal(cache_create(&options, &cache), 0);
        words = words_of(cache);
        insert_text(cache, bytes, n_bytes, 5);
        for (uint32_t bit = 0; bit < 8 * n_bytes; bit += 3) {
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_null(find_text(&words, bytes, n_bytes));
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_null(find_text(&words, bytes, n_bytes + 1));
        assert_null(find_text(&words, bytes, n_bytes - 1));
        assert_non_null(find_text(&words, bytes, n_bytes));
        cache_destroy(cache);
    }
}

static void test_every_bit_of_a_long_text_counts(void **state)
{
    expect_every_bit_counts(LEAVES);
    expect_every_bit_counts(CACHE_POLICY_lru);
    expect_every_bit_counts(CACHE_POLICY_direct);
}

/* Of more keys than have room in their home all are found, short and long. */
static void test_texts_are_at_home_or_further(void **state)
{
    enum {
        N = 40
    };
    struct cache_options options = {
        .policy = LEAVES, .max_entries = 64, .max_bytes = 1 << 20, .n_shards = 1, .value_bytes = 8};
    struct cache_words words;
    struct cache *cache;
    char text[N][60] = {{0}};

    assert_int_equal(cache_create(&options, &cache), 0);
    words = words_of(cache);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(text[i], sizeof(text[i]), "%u-%s", i,
                 i % 2 == 0 ? "short" : "a key that is long enough");
        insert_text(cache, text[i], i % 2 == 0 ? 12 : 40, i);
    }
    for (uint32_t i = 0; i < N; i++) {
        const char *slot = find_text(&words, text[i], i % 2 == 0 ? 12 : 40);

        assert_non_null(slot);
        assert_int_equal(shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key)), i);
    }
    cache_destroy(cache);
}

/* A key that lies in its slot, and one in a block. */
static void test_no_text_answers_during_a_change(void **state)
{
    static const enum cache_policy policies[] = {LEAVES, COUNTS, CACHE_POLICY_direct};
    static const char text[40] = "a text";

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        for (uint32_t n_bytes = 20; n_bytes <= 40; n_bytes += 20) {
            struct cache *cache = create_for(policies[i], 0);
            struct cache_words words = words_of(cache);
            uint64_t seen = 0;

            insert_text(cache, text, n_bytes, 5);
            shard_begin_change(&cache->shards[0]);
            assert_false(glance_text(&words, text, n_bytes, &seen));
            shard_end_change(&cache->shards[0]);
            assert_true(glance_text(&words, text, n_bytes, &seen));
            assert_int_equal(seen, 5);
            cache_destroy(cache);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_a_text_counts),
        cmocka_unit_test(test_every_bit_of_a_long_text_counts),
        cmocka_unit_test(test_texts_are_at_home_or_further),
        cmocka_unit_test(test_no_text_answers_during_a_change),
    };

    return cmocka_run_group_tests_name("cache_texts", tests, NULL, NULL);
}
