// SPDX-License-Identifier: MIT
/*
 * What the shortest hits have in common in a process with threads, where others may be rearranging
 * what they read: as glance.c, of which see the beginning, but without what has to be asked of a
 * cache.
 */
#ifndef CACHE_GLANCE_WORDS_H
#define CACHE_GLANCE_WORDS_H

#include "cache/cache_private.h"

struct glance_words {
    const struct cache_front *front;
    uint32_t sequence; /* when it began */
    uint32_t mask;     /* bit i: slot i may be what is looked for */
    char *slots;
};

/* Nothing was rearranged since it began. */
static inline bool glance_words_is_undisturbed(const struct glance_words *glance)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&glance->front->sequence, memory_order_relaxed) == glance->sequence;
}

/* At the place of the hash: the shard is asked for nothing but its sequence. */
static inline bool glance_words_begin_place(struct glance_words *ret_glance,
                                            const struct cache_words *words, uint64_t hash)
{
    size_t shard = hash >> words->place_shard_shift & (words->n_shards - 1);
    char *front = (char *)words->first + shard * CACHE_SHARD_BYTES;

    ret_glance->front = (const struct cache_front *)(const void *)front;
    ret_glance->sequence = atomic_load_explicit(&ret_glance->front->sequence, memory_order_acquire);
    ret_glance->slots = cache_place(words, hash, false);
    ret_glance->mask = shared_load(ret_glance->slots) ==
                       atomic_load_explicit(words->generation, memory_order_acquire);
    return ret_glance->sequence % 2 == 0;
}

/* False: what was invalidated, or is being changed, has no answer. */
static inline bool glance_words_begin(struct glance_words *ret_glance,
                                      const struct cache_words *words, uint64_t hash)
{
    const struct cache_front *front = cache_front(words, hash);
    const struct group *groups;
    uint32_t home;
    struct group group;

    if (words->use == CACHE_WORDS_PLACE) {
        return glance_words_begin_place(ret_glance, words, hash);
    }
    ret_glance->front = front;
    ret_glance->sequence = atomic_load_explicit(&front->sequence, memory_order_acquire);
    home = group_home((uint32_t)(hash >> 32),
                      atomic_load_explicit(&front->n_groups, memory_order_relaxed));
    groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    ret_glance->slots = atomic_load_explicit(&front->slots, memory_order_relaxed) +
                        (size_t)home * words->group_bytes;
    if (atomic_load_explicit(&front->generation, memory_order_relaxed) !=
            atomic_load_explicit(words->generation, memory_order_acquire) ||
        ret_glance->sequence % 2 != 0 || !glance_words_is_undisturbed(ret_glance)) {
        return false; /* before any address is followed that belongs to none, or another, of them */
    }
    group = group_look(&groups[home]);
    ret_glance->mask = group_match(&group, tag_of_hash(hash));
    return true;
}

/* The first of the slots that mask names. */
static inline char *glance_words_slot(const struct glance_words *glance,
                                      const struct cache_words *words)
{
    return glance->slots + (size_t)(uint32_t)__builtin_ctz(glance->mask) * words->slot_bytes;
}

static inline void glance_words_count_use(const struct cache_words *words, char *slot)
{
    if (words->use == CACHE_WORDS_COUNT) {
        policy_count_shared((struct slot_head *)(void *)slot, words->max_count);
    }
}

#endif
