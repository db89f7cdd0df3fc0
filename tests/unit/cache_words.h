// SPDX-License-Identifier: MIT
/* The shortest hit by its parts, as tests of it ask: caches, what is put into them, and looks. */
#ifndef TESTS_UNIT_CACHE_WORDS_H
#define TESTS_UNIT_CACHE_WORDS_H

#include "cache_call.h"

/* The policies with each kind of use. */
#define LEAVES CACHE_POLICY_fifo
#define COUNTS CACHE_POLICY_lfu
#define STAMPS CACHE_POLICY_lru

static inline struct cache *create_for(enum cache_policy policy, uint32_t key_bytes)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = 8,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 1,
                                    .key_bytes = key_bytes,
                                    .value_bytes = 8};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

static inline struct cache_words words_of(struct cache *cache)
{
    struct cache_words words;

    assert_true(cache_words_init(&words, cache));
    return words;
}

static inline uint64_t hash_of(struct cache *cache, uint64_t low, uint64_t high)
{
    uint64_t words[2] = {low, high};

    return hash_bytes((struct bytes){words, cache->options.key_bytes}, SEED);
}

static inline void insert(struct cache *cache, uint64_t low, uint64_t high, uint64_t value)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    uint64_t words[2] = {low, high};
    struct cache_key key = {.bytes = {words, cache->options.key_bytes},
                            .hash = hash_of(cache, low, high)};
    struct cache_lookup_options options = {.owner = thread_self(), .room = room};
    struct cache_view view;
    struct cache_ticket ticket;

    assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &key, (struct bytes){&value, 8}, 0, NULL, &ticket), 0);
}

static inline bool glance(struct cache *cache, const struct cache_words *words, uint64_t low,
                          uint64_t high, bool use, uint64_t *ret_value)
{
    return cache_glance_words(words, low, high, hash_of(cache, low, high), use, ret_value);
}

/* The first look of whoever has threads beside him. */
static inline enum cache_seen see(struct cache *cache, const struct cache_words *words,
                                  uint64_t low, uint64_t high, uint64_t *ret_value)
{
    uint64_t hash = hash_of(cache, low, high);
    uint32_t n_words = words->has_long_keys ? 2 : 1;
    struct cache_sighting sighting;
    enum cache_seen seen;

    /* Only the upper half of the hash counts. */
    seen = words->use == CACHE_WORDS_PLACE
               ? cache_see_place(words, low, high, hash ^ UINT32_MAX, n_words, &sighting)
               : cache_see_home(words, cache_front(words, hash), low, high, hash ^ UINT32_MAX,
                                n_words, &sighting);
    if (seen == CACHE_SEEN_ENTRY) {
        *ret_value = sighting.value;
        assert_int_equal(cache_words_value(words, sighting.slot, true), sighting.value);
    }
    return seen;
}

/* n_words: what the caller knows of keys. */
static inline const char *find_home(const struct cache_words *words, uint64_t low, uint64_t high,
                                    uint64_t hash, uint32_t n_words)
{
    char *slot;

    /* Only the upper half of the hash counts. */
    return cache_find_home(words, cache_front(words, hash), low, high, hash ^ UINT32_MAX, n_words,
                           words->use, &slot)
               ? slot
               : NULL;
}

static inline bool find(struct cache *cache, const struct cache_words *words, uint64_t low,
                        uint64_t high, uint64_t *ret_value)
{
    uint64_t hash = hash_of(cache, low, high);
    const struct cache_front *front = cache_front(words, hash);
    const char *slot = cache_find_words(words, front, low, high, hash, true, words->use), *other;

    if (!words->has_long_keys) {
        /* Whoever knows that gets the same. */
        other = cache_find_words(words, front, low, high, hash, false, words->use);
        assert_ptr_equal(other, slot);
        if (slot != NULL) {
            assert_int_equal(cache_words_value(words, slot, false),
                             cache_words_value(words, slot, true));
        }
    }
    assert_ptr_equal(find_home(words, low, high, hash, 0), slot);
    assert_ptr_equal(find_home(words, low, high, hash, words->has_long_keys ? 2 : 1), slot);
    if (slot == NULL) {
        return false;
    }
    *ret_value = cache_words_value(words, slot, true);
    return true;
}

static inline void expect(struct cache *cache, const struct cache_words *words, uint64_t low,
                          uint64_t high, uint64_t value)
{
    uint64_t seen = 0;

    assert_true(glance(cache, words, low, high, false, &seen));
    assert_int_equal(seen, value);
    seen = 0;
    assert_true(find(cache, words, low, high, &seen));
    assert_int_equal(seen, value);
    seen = 0;
    assert_int_equal(see(cache, words, low, high, &seen), CACHE_SEEN_ENTRY);
    assert_int_equal(seen, value);
}

static inline void expect_none(struct cache *cache, const struct cache_words *words, uint64_t low,
                               uint64_t high)
{
    uint64_t seen = 0;

    assert_false(glance(cache, words, low, high, true, &seen));
    assert_false(find(cache, words, low, high, &seen));
    assert_int_not_equal(see(cache, words, low, high, &seen), CACHE_SEEN_ENTRY);
    assert_int_equal(seen, 0);
}

/* ---- keys that differ in size ---- */

/* As any key of this hash that happens to have the others' hash, too. */
#define TEXT_HASH 0x1234567800000055u

static inline void insert_text(struct cache *cache, const void *bytes, uint32_t n_bytes,
                               uint64_t value)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = {.bytes = {bytes, n_bytes}, .hash = TEXT_HASH};
    struct cache_lookup_options options = {.owner = thread_self(), .room = room};
    struct cache_view view;
    struct cache_ticket ticket;

    assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &key, (struct bytes){&value, 8}, 0, NULL, &ticket), 0);
}

static inline bool glance_text(const struct cache_words *words, const void *bytes, uint32_t n_bytes,
                               uint64_t *ret_value)
{
    struct short_key short_key;
    struct long_key long_key;

    if (n_bytes <= SHORT_KEY_BYTES) {
        short_key = short_key_of((struct bytes){bytes, n_bytes});
        return cache_glance_short(words, &short_key, TEXT_HASH, true, ret_value);
    }
    long_key = long_key_of(bytes, n_bytes);
    return cache_glance_long(words, &long_key, TEXT_HASH, true, ret_value);
}

#endif
