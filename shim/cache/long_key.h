// SPDX-License-Identifier: MIT
/*
 * A key of more than SHORT_KEY_BYTES bytes as its caller has it, who need not have made one: the
 * first eight bytes, and where the others lie. Part of cache.h, so that a look-up of it becomes
 * part of its caller.
 */
#ifndef CACHE_LONG_KEY_H
#define CACHE_LONG_KEY_H

#include "base/alone.h"
#include "base/hash.h"
#include "cache/block.h"
#include "cache/words.h"

struct long_key {
    uint64_t first;
    const char *rest;
    uint32_t n_bytes; /* in all */
};

/* Of a key that lies in one piece. */
static inline struct long_key long_key_of(const void *data, uint32_t n_bytes)
{
    return (struct long_key){hash_load(data), (const char *)data + 8, n_bytes};
}

typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) long_key_pair;

static inline long_key_pair long_key_load(const char *at)
{
    return *(const long_key_pair *)(const void *)at;
}

/* It is what lies there, and nobody else is writing. */
static inline __attribute__((always_inline)) bool long_key_is_at(const char *at,
                                                                 const struct long_key *key)
{
    const char *rest = key->rest, *last = rest + key->n_bytes - 8 - 16;
    const char *last_there = at + key->n_bytes - 16;
    long_key_pair differ = long_key_load(last_there) ^ long_key_load(last);

    if (alone_load(at) != key->first) {
        return false;
    }
    /* The last 16 bytes begin anywhere. */
    for (at += 8; rest < last; at += 16, rest += 16) {
        differ |= long_key_load(at) ^ long_key_load(rest);
    }
    return (differ[0] | differ[1]) == 0;
}

/*
 * The same where somebody may be writing: whole words, of which the last is filled up with zeroes,
 * as shared_write leaves them.
 */
static inline bool long_key_equals(const char *shared, const struct long_key *key)
{
    const char *end = key->rest + key->n_bytes - 8;
    uint64_t differ = shared_load(shared) ^ key->first;

    shared += 8;
    for (const char *at = key->rest; end - at > 8; at += 8, shared += 8) {
        differ |= shared_load(shared) ^ hash_load(at);
    }
    return (differ | (shared_load(shared) ^ hash_last_word(end, key->n_bytes))) == 0;
}

/*
 * The entry of this slot is the key's; the value is in the slot, so that there is nothing but the
 * key in its block. Only where nobody else can be inside the shard.
 */
static inline __attribute__((always_inline)) bool long_key_has(const char *slot,
                                                               const struct long_key *key,
                                                               uint32_t hash_upper,
                                                               enum cache_words_use use)
{
    const char *at = slot + CACHE_WORDS_KEY_AT;
    const struct block *block;

    if ((use != CACHE_WORDS_PLACE && alone_load_half(slot) != hash_upper) ||
        alone_load(at + 16) != short_key_last(0, SHORT_KEY_IS_LONG)) {
        return false;
    }
    block = (const struct block *)(uintptr_t)(alone_load(at) & ~(uint64_t)1);
    return alone_load(&block->n_value_bytes) == (uint64_t)key->n_bytes << 32 &&
           long_key_is_at((const char *)(block + 1), key);
}

/*
 * The slot of the key's entry, or NULL, in a cache as for cache_find_short. hash: hash_bytes of it;
 * what is known of use when this is compiled saves much. Looks in the key's home only; what it does
 * not find, cache_find_long_further may. Only in a process without threads.
 */
static inline __attribute__((always_inline)) char *
cache_find_long(const struct cache_words *words, const struct cache_front *front,
                const struct long_key *key, uint64_t hash, enum cache_words_use use)
{
    const uint32_t slot_bytes = CACHE_WORDS_SLOT_BYTES(SHORT_KEY_WORDS);
    uint32_t hash_upper = (uint32_t)(hash >> 32);
    struct cache_candidates found;

    if (use == CACHE_WORDS_PLACE) {
        found.slots = cache_place(words, hash, false);
        found.mask = alone_load(found.slots) == alone_load(words->generation);
    } else if (!cache_home(words, front, hash, slot_bytes * GROUP_SLOTS, &found)) {
        return NULL;
    }
    for (; (found.mask & GROUP_SLOTS_MASK) != 0; found.mask &= found.mask - 1) {
        char *slot = cache_candidate(&found, slot_bytes);

        if (__builtin_expect(long_key_has(slot, key, hash_upper, use), 1)) {
            return slot;
        }
    }
    return NULL;
}

/* The same of an entry that does not lie in its home group. */
char *cache_find_long_further(const struct cache_words *words, const struct cache_front *front,
                              const struct long_key *key, uint64_t hash);

/*
 * The same wherever it lies, in any table whose short keys lie in slots, and values, too. With
 * threads under the lock.
 */
char *cache_seek_long(const struct cache_words *words, const struct cache_front *front,
                      const struct long_key *key, uint64_t hash);

/*
 * A hit of either kind of key in a process with threads, in a cache as for cache_find_short; use
 * false: the entry does not count as used. Takes the shard's lock only to stamp, and only if it is
 * free.
 */
bool cache_glance_short(const struct cache_words *words, const struct short_key *key, uint64_t hash,
                        bool use, uint64_t *ret_value);
bool cache_glance_long(const struct cache_words *words, const struct long_key *key, uint64_t hash,
                       bool use, uint64_t *ret_value);

#endif
