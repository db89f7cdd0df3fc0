// SPDX-License-Identifier: MIT
/*
 * The shortest hit: keys of one or two words, values of one, which lie in the slots, in a cache
 * whose entries live until they go. Part of cache.h, so that the look-up becomes part of its
 * caller; what it has to know of shards stands here, too. It answers what cache_lookup would, or
 * not at all: an entry that does not lie in its home group (4 % of those in a full table), and all
 * that needs a lock, is cache_lookup's.
 */
#ifndef CACHE_WORDS_H
#define CACHE_WORDS_H

#include "cache/tags.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a shard, what hits without its lock have to know. Written under the lock. */
struct cache_front {
    _Atomic uint32_t sequence; /* odd while table, n_bytes or order are being rearranged */
    _Atomic uint32_t n_groups; /* of the table, as the next two; 0: nothing is mapped yet */
    _Atomic(struct group *) groups;
    _Atomic(char *) slots;
    _Atomic uint64_t generation; /* of its entries: they answer while it is the cache's */
    uint32_t *clock;             /* the order's; constant */
};

/* A cache that can be asked so. Filled in by cache_words_init, constant from then on. */
struct cache_words {
    struct cache_front *first;          /* of the first shard */
    const _Atomic uint64_t *generation; /* the cache's */
    uint32_t n_shards, shard_bytes;     /* the fronts are so far apart */
    uint32_t slot_bytes, group_bytes;   /* of a slot, of a group's slots */
    uint32_t value_at;
    uint32_t count_at, max_count; /* of the use count in a slot; max_count 0: none is kept */
    bool has_long_keys;           /* of two words */
    bool has_stamps;              /* a use is stamped; with threads that needs the lock */
};

#define CACHE_WORDS_KEY_AT   8
#define CACHE_WORDS_STAMP_AT 4

/* The number of a key's shard: bits that choose neither tag nor group. */
static inline uint32_t cache_shard_number(uint64_t hash, uint32_t n_shards)
{
    return (uint32_t)(((hash >> 8 & 0xffff) * n_shards) >> 16);
}

static inline struct cache_front *cache_front(const struct cache_words *words, uint64_t hash)
{
    if (words->n_shards == 1) {
        return words->first;
    }
    return (struct cache_front *)(void *)((char *)words->first +
                                          (size_t)cache_shard_number(hash, words->n_shards) *
                                              words->shard_bytes);
}

/*
 * The value of the key, filled up with zeroes; the entry counts as used. hash: of the key's bytes,
 * which low and high are, filled up in the same way. may_be_long: false if the caller knows that
 * the cache has no long keys. False: ask cache_lookup. Only in a process without threads, where
 * nobody else can be inside the shard.
 */
static inline __attribute__((always_inline)) bool cache_find_words(const struct cache_words *words,
                                                                   uint64_t low, uint64_t high,
                                                                   uint64_t hash, bool may_be_long,
                                                                   uint64_t *ret_value)
{
    struct cache_front *front = cache_front(words, hash);
    uint32_t n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
    const struct group *groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    char *slots = atomic_load_explicit(&front->slots, memory_order_relaxed);
    uint32_t home = group_home((uint32_t)(hash >> 32), n_groups), mask;

    if (__builtin_expect(n_groups == 0 ||
                             atomic_load_explicit(&front->generation, memory_order_relaxed) !=
                                 atomic_load_explicit(words->generation, memory_order_relaxed),
                         0)) {
        return false;
    }
    slots += (size_t)home * words->group_bytes;
    for (mask = group_match(&groups[home], tag_of_hash(hash)); mask != 0; mask &= mask - 1) {
        char *slot = slots + (size_t)(uint32_t)__builtin_ctz(mask) * words->slot_bytes;
        uint32_t *stamp = (uint32_t *)(void *)(slot + CACHE_WORDS_STAMP_AT);
        uint32_t *count = (uint32_t *)(void *)(slot + words->count_at);

        if (__builtin_expect(shared_load(slot + CACHE_WORDS_KEY_AT) != low, 0) ||
            (may_be_long && words->has_long_keys &&
             shared_load(slot + CACHE_WORDS_KEY_AT + 8) != high)) {
            continue;
        }
        *ret_value = shared_load(slot + words->value_at);
        if (words->has_stamps) {
            if (__builtin_expect(*front->clock == UINT32_MAX, 0)) {
                return false;
            }
            *stamp = ++*front->clock;
        } else if (words->max_count != 0 && *count < words->max_count) {
            ++*count;
        }
        return true;
    }
    return false;
}

/*
 * The same in a process with threads, in a cache without stamps (has_stamps): what was read counts
 * only if the shard's sequence says that nothing changed meanwhile, as in glance.c.
 */
bool cache_glance_words(const struct cache_words *words, uint64_t low, uint64_t high, uint64_t hash,
                        uint64_t *ret_value);

#endif
