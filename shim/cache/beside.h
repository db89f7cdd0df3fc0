// SPDX-License-Identifier: MIT
/*
 * The first look of words.h in a process with threads, where others may be rearranging what it
 * reads; of cache.h, as words.h is. It looks where most entries are and nowhere else, and takes no
 * lock. What it reads counts only if the shard's sequence says that nothing was rearranged
 * meanwhile (glance.c says why that is enough); what it cannot tell is for cache_glance_words.
 */
#ifndef CACHE_BESIDE_H
#define CACHE_BESIDE_H

#include "cache/words.h"

/* What it has seen. */
enum cache_seen {
    CACHE_SEEN_ENTRY,
    CACHE_SEEN_NONE,    /* there is no entry of this key */
    CACHE_SEEN_UNCLEAR, /* it may be elsewhere, or is being changed */
};

struct cache_sighting {
    const struct cache_front *front;
    uint32_t sequence; /* when it began */
    char *slot;        /* of the entry, as the next */
    uint64_t value;    /* filled up with zeroes */
};

/* Nothing was rearranged since it began. */
static inline bool cache_sighting_holds(const struct cache_sighting *sighting)
{
    atomic_thread_fence(memory_order_acquire);
    return __builtin_expect(atomic_load_explicit(&sighting->front->sequence,
                                                 memory_order_relaxed) == sighting->sequence,
                            1);
}

static inline void cache_sighting_begin(struct cache_sighting *ret_sighting,
                                        const struct cache_front *front)
{
    ret_sighting->front = front;
    ret_sighting->sequence = atomic_load_explicit(&front->sequence, memory_order_acquire);
}

/* This slot has the key, of n_words, and this value. */
static inline __attribute__((always_inline)) bool cache_sighting_is(struct cache_sighting *sighting,
                                                                    char *slot, uint64_t low,
                                                                    uint64_t high, uint32_t n_words)
{
    const char *key = slot + CACHE_WORDS_KEY_AT;

    sighting->slot = slot;
    sighting->value = shared_load(key + (size_t)n_words * 8);
    return __builtin_expect(shared_load(key) == low, 1) &&
           (n_words == 1 || shared_load(key + 8) == high);
}

/* In a cache of places. hash: only the upper half counts. n_words: of all keys. */
static inline __attribute__((always_inline)) enum cache_seen
cache_see_place(const struct cache_words *words, uint64_t low, uint64_t high, uint64_t hash,
                uint32_t n_words, struct cache_sighting *ret_sighting)
{
    size_t shard = hash >> words->place_shard_shift & (words->n_shards - 1);
    const char *front = (const char *)words->first + shard * CACHE_SHARD_BYTES;
    char *place = cache_place(words, hash, n_words == 1);
    bool is_there;

    cache_sighting_begin(ret_sighting, (const struct cache_front *)(const void *)front);
    is_there = __builtin_expect(shared_load(place) ==
                                    atomic_load_explicit(words->generation, memory_order_acquire),
                                1) &&
               cache_sighting_is(ret_sighting, place, low, high, n_words);
    if (__builtin_expect(ret_sighting->sequence % 2 != 0, 0) ||
        !cache_sighting_holds(ret_sighting)) {
        return CACHE_SEEN_UNCLEAR;
    }
    return is_there ? CACHE_SEEN_ENTRY : CACHE_SEEN_NONE;
}

/*
 * In a cache of groups, whose slots hold nothing but a key of n_words and a value of one. front:
 * the key's; hash: only the upper half counts.
 */
static inline __attribute__((always_inline)) enum cache_seen
cache_see_home(const struct cache_words *words, const struct cache_front *front, uint64_t low,
               uint64_t high, uint64_t hash, uint32_t n_words, struct cache_sighting *ret_sighting)
{
    const uint32_t slot_bytes = CACHE_WORDS_SLOT_BYTES(n_words);
    struct cache_candidates found;
    const struct group *home;
    const char *groups;
    uint64_t offset;
    uint32_t shift;

    cache_sighting_begin(ret_sighting, front);
    shift = atomic_load_explicit(&front->home_shift, memory_order_relaxed);
    offset =
        __builtin_expect(shift != 0, 1)
            ? group_home_by_shift(hash, shift)
            : group_home_at(hash, atomic_load_explicit(&front->n_groups, memory_order_relaxed));
    groups = (const char *)atomic_load_explicit(&front->groups, memory_order_relaxed);
    home = (const struct group *)(const void *)(groups + offset);
    found.slots = atomic_load_explicit(&front->slots, memory_order_relaxed) +
                  bits_times(offset, GROUP_SLOTS * slot_bytes / sizeof(*home));
    if (__builtin_expect(atomic_load_explicit(&front->generation, memory_order_relaxed) !=
                                 atomic_load_explicit(words->generation, memory_order_acquire) ||
                             ret_sighting->sequence % 2 != 0,
                         0) ||
        !cache_sighting_holds(ret_sighting)) {
        return CACHE_SEEN_UNCLEAR; /* before any address is followed that may be of two tables */
    }
    found.mask = group_match_shared(home, tag_of_hash(hash));
    for (; found.mask != 0; found.mask &= found.mask - 1) {
        if (cache_sighting_is(ret_sighting, cache_candidate(&found, slot_bytes), low, high,
                              n_words)) {
            return cache_sighting_holds(ret_sighting) ? CACHE_SEEN_ENTRY : CACHE_SEEN_UNCLEAR;
        }
    }
    return !group_may_be_passed_by(home, (uint32_t)(hash >> 32)) &&
                   cache_sighting_holds(ret_sighting)
               ? CACHE_SEEN_NONE
               : CACHE_SEEN_UNCLEAR;
}

/*
 * The entry of this slot, which was seen while the shard's sequence was this, has the newest stamp;
 * or a newer one, of another hit. False: the shard has changed since, or is changing, so that it
 * may not have it, or the era is over: the answer is not to be given so.
 *
 * What is written is written only over the hash and the stamp that were there while nothing had
 * changed: no other entry has both (stamps.h). Whoever collects the oldest entries begins a change,
 * and then looks at stamps (order.h): either the last look here sees that, or the stamp is seen
 * there. So an entry whose hit is over has its stamp for all that comes after.
 */
static inline bool cache_stamp_beside(const struct cache_front *front, uint32_t sequence,
                                      char *slot)
{
    shared_word *shared = (shared_word *)(void *)slot;
    uint64_t head = shared_load(slot);
    uint32_t stamp, mark;
    bool has_stamp = stamp_take_beside(front->clock, &stamp);

    do {
        atomic_thread_fence(memory_order_acquire);
        mark = (uint32_t)(head >> 32);
        if (!has_stamp || stamp_era(mark ^ stamp) != 0 ||
            atomic_load_explicit(&front->sequence, memory_order_relaxed) != sequence) {
            return false;
        }
    } while (mark < stamp &&
             !__atomic_compare_exchange_n(shared, &head, (uint32_t)head | (uint64_t)stamp << 32,
                                          false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return atomic_load_explicit(&front->sequence, memory_order_seq_cst) == sequence;
}

/* The entry counts as used. False: that could not be noted, and the answer is not to be given so.
 */
static inline bool cache_use_beside(const struct cache_words *words,
                                    const struct cache_front *front, uint32_t sequence, char *slot)
{
    if (words->use == CACHE_WORDS_STAMP) {
        return __builtin_expect(cache_stamp_beside(front, sequence, slot), 1);
    }
    if (words->use == CACHE_WORDS_COUNT) {
        shared_count((uint32_t *)(void *)(slot + CACHE_WORDS_MARK_AT), words->max_count);
    }
    return true;
}

#endif
