// SPDX-License-Identifier: MIT
/*
 * Hits of keys that differ in size, where a call is worth it: short ones in processes with threads,
 * long ones there and where they do not lie in their home. What is read beside others counts as
 * glance.c says.
 */
#include "cache/further.h"
#include "cache/glance_words.h"

_Static_assert(TABLE_LARGE_BLOCK == 1, "long_key_has");
_Static_assert(offsetof(struct slot_head, hash) == 0, "long_key_has");
_Static_assert(offsetof(struct block, n_key_bytes) == offsetof(struct block, n_value_bytes) + 4,
               "long_key_has");

#define VALUE_AT (CACHE_WORDS_KEY_AT + sizeof(struct short_key))

/* A key that is looked for: one of them. */
struct wanted {
    const struct short_key *shorter; /* or NULL */
    const struct long_key *longer;
    uint64_t hash;
};

char *cache_find_long_further(const struct cache_words *words, const struct cache_front *front,
                              const struct long_key *key, uint64_t hash)
{
    struct further further = further_begin(words, front, hash);
    char *slot = further_next(&further);

    while (slot != NULL && !long_key_has(slot, key, (uint32_t)(hash >> 32), words->use)) {
        slot = further_next(&further);
    }
    return slot;
}

char *cache_seek_long(const struct cache_words *words, const struct cache_front *front,
                      const struct long_key *key, uint64_t hash)
{
    struct cache_candidates found = cache_candidates(words, front, hash, words->use, false);

    for (; found.mask != 0; found.mask &= found.mask - 1) {
        char *slot = found.slots + (size_t)(uint32_t)__builtin_ctz(found.mask) * words->slot_bytes;

        if (long_key_has(slot, key, (uint32_t)(hash >> 32), words->use)) {
            return slot;
        }
    }
    return cache_find_long_further(words, front, key, hash);
}

/* ---- with threads ---------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) bool is_wanted(const struct cache_words *words,
                                                            const struct glance_words *glance,
                                                            const char *slot, const void *key)
{
    const struct wanted *wanted = key;
    const char *at = slot + CACHE_WORDS_KEY_AT;

    if (wanted->shorter != NULL) {
        return short_key_equals(at, wanted->shorter);
    }
    return glance_words_has_long(glance, at, wanted->longer);
}

static inline __attribute__((always_inline)) bool glance_at(const struct cache_words *words,
                                                            const struct wanted *wanted, bool use,
                                                            uint64_t *ret_value)
{
    return glance_words_find(words, is_wanted, wanted, wanted->hash, VALUE_AT, use, ret_value);
}

bool cache_glance_short(const struct cache_words *words, const struct short_key *key, uint64_t hash,
                        bool use, uint64_t *ret_value)
{
    const struct wanted wanted = {.shorter = key, .hash = hash};

    return glance_at(words, &wanted, use, ret_value);
}

bool cache_glance_long(const struct cache_words *words, const struct long_key *key, uint64_t hash,
                       bool use, uint64_t *ret_value)
{
    const struct wanted wanted = {.longer = key, .hash = hash};

    return glance_at(words, &wanted, use, ret_value);
}
