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
    const struct group *groups; /* all of them, as the next; none where there are places */
    uint32_t n_groups, at, n_probed;
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
    ret_glance->groups = &cache_no_group;
    ret_glance->n_groups = ret_glance->at = ret_glance->n_probed = 0;
    ret_glance->mask = shared_load(ret_glance->slots) ==
                       atomic_load_explicit(words->generation, memory_order_acquire);
    return ret_glance->sequence % 2 == 0;
}

/* False: what was invalidated, or is being changed, has no answer. */
static inline bool glance_words_begin(struct glance_words *ret_glance,
                                      const struct cache_words *words, uint64_t hash)
{
    const struct cache_front *front = cache_front(words, hash);

    if (words->use == CACHE_WORDS_PLACE) {
        return glance_words_begin_place(ret_glance, words, hash);
    }
    ret_glance->front = front;
    ret_glance->sequence = atomic_load_explicit(&front->sequence, memory_order_acquire);
    ret_glance->n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
    ret_glance->groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    ret_glance->at = group_home((uint32_t)(hash >> 32), ret_glance->n_groups);
    ret_glance->n_probed = 1;
    ret_glance->slots = atomic_load_explicit(&front->slots, memory_order_relaxed) +
                        (size_t)ret_glance->at * words->group_bytes;
    if (atomic_load_explicit(&front->generation, memory_order_relaxed) !=
            atomic_load_explicit(words->generation, memory_order_acquire) ||
        ret_glance->sequence % 2 != 0 || !glance_words_is_undisturbed(ret_glance)) {
        return false; /* before any address is followed that belongs to none, or another, of them */
    }
    ret_glance->mask = group_match_shared(&ret_glance->groups[ret_glance->at], tag_of_hash(hash));
    return true;
}

/* On to the next group, if an entry of this one may be there. */
static inline bool glance_words_next(struct glance_words *glance, const struct cache_words *words,
                                     uint64_t hash)
{
    if (glance->n_probed >= glance->n_groups || !group_was_passed(&glance->groups[glance->at])) {
        return false;
    }
    glance->n_probed++;
    glance->at++;
    glance->slots += words->group_bytes;
    if (glance->at == glance->n_groups) {
        glance->at = 0;
        glance->slots -= (size_t)glance->n_groups * words->group_bytes;
    }
    glance->mask = group_match_shared(&glance->groups[glance->at], tag_of_hash(hash));
    return true;
}

/* The first of the slots that mask names. */
static inline char *glance_words_slot(const struct glance_words *glance,
                                      const struct cache_words *words)
{
    return glance->slots + (size_t)(uint32_t)__builtin_ctz(glance->mask) * words->slot_bytes;
}

/*
 * What lies at this place of a slot is the long key, if nothing was rearranged until this was read.
 * Its block is followed only when the slot is known to have led there.
 */
static inline bool glance_words_has_long(const struct glance_words *glance, const char *at,
                                         const struct long_key *key)
{
    struct block *block = table_shared_block(at);
    uint32_t sizes[2];

    if (short_key_size(at) != SHORT_KEY_IS_LONG || !glance_words_is_undisturbed(glance) ||
        table_untagged(block) != block) {
        return false;
    }
    block_read_sizes(block, sizes);
    return glance_words_is_undisturbed(glance) && sizes[1] == key->n_bytes &&
           long_key_equals(block_key_behind(block, sizes[0]), key);
}

/* The entry of this slot counts as used, as cache_use_beside says. */
static inline bool glance_words_use(const struct glance_words *glance,
                                    const struct cache_words *words, char *slot)
{
    return cache_use_beside(words, glance->front, glance->sequence, slot);
}

/* The key of this slot's entry is the one, if nothing was rearranged until this was read. */
typedef bool (*glance_words_is_fn)(const struct cache_words *words,
                                   const struct glance_words *glance, const char *slot,
                                   const void *key);

/*
 * What cache_glance_words does for a key of any kind, of which is knows, and which is known when
 * this is compiled. value_at: where the word is in a slot.
 */
static inline __attribute__((always_inline)) bool
glance_words_find(const struct cache_words *words, glance_words_is_fn is, const void *key,
                  uint64_t hash, uint32_t value_at, bool use, uint64_t *ret_value)
{
    struct glance_words glance;

    if (!glance_words_begin(&glance, words, hash)) {
        return false;
    }
    do {
        for (; glance.mask != 0; glance.mask &= glance.mask - 1) {
            char *slot = glance_words_slot(&glance, words);
            uint64_t value = shared_load(slot + value_at);

            if (!is(words, &glance, slot, key)) {
                continue;
            }
            if (!glance_words_is_undisturbed(&glance) ||
                (use && !glance_words_use(&glance, words, slot))) {
                return false;
            }
            *ret_value = value;
            return true;
        }
    } while (glance_words_next(&glance, words, hash));
    return false;
}

#endif
