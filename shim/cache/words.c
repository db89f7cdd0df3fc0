// SPDX-License-Identifier: MIT
/* The shortest hit where others may be rearranging what it reads. See words.h and glance.c. */
#include "cache/cache_private.h"

_Static_assert(TABLE_LARGE_BLOCK == 1, "cache_find_long");
_Static_assert(CACHE_WORDS_KEY_AT == TABLE_KEY_AT, "of slots");
_Static_assert(CACHE_WORDS_VALUE_AT == TABLE_WORD_VALUE_AT, "of slots");
_Static_assert(CACHE_WORDS_MARK_AT == offsetof(struct slot_head, mark), "of slots");

const struct group cache_no_group;

bool cache_words_init(struct cache_words *ret_words, struct cache *cache)
{
    static const enum cache_words_use uses[] = {
        [POLICY_HIT_STAMPS] = CACHE_WORDS_STAMP,
        [POLICY_HIT_NOTHING] = CACHE_WORDS_LEAVE,
        [POLICY_HIT_COUNTS] = CACHE_WORDS_COUNT,
        [POLICY_HIT_MOVES] = CACHE_WORDS_USES,
    };
    const struct table_layout *layout = &cache->layout;
    uint32_t n_shards = cache->n_shards;

    *ret_words = (struct cache_words){
        .first = &cache->shards[0].front,
        .generation = &cache->generation,
        .front_shift = 24 - (uint32_t)__builtin_ctz(n_shards),
        .shard_bytes = sizeof(struct shard),
        .slot_bytes = layout->slot_bytes,
        .group_bytes = layout->slot_bytes * GROUP_SLOTS,
        .max_count = cache->policy->max_count,
        .use = uses[cache->policy->hit],
        .has_long_keys = layout->n_key_bytes > 8,
        .key_value_at = layout->value_at,
    };
    return layout->n_key_bytes <= 16 && layout->n_value_bytes > 0 && layout->n_value_bytes <= 8 &&
           layout->life_at == 0 && ret_words->use != CACHE_WORDS_USES &&
           (n_shards & (n_shards - 1)) == 0;
}

static bool is_undisturbed(const struct cache_front *front, uint32_t began)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&front->sequence, memory_order_relaxed) == began;
}

bool cache_glance_words(const struct cache_words *words, uint64_t low, uint64_t high, uint64_t hash,
                        bool use, uint64_t *ret_value)
{
    const struct cache_front *front = cache_front(words, hash);
    uint32_t sequence = atomic_load_explicit(&front->sequence, memory_order_acquire);
    uint32_t n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
    const struct group *groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    char *slots = atomic_load_explicit(&front->slots, memory_order_relaxed);
    uint32_t home = group_home((uint32_t)(hash >> 32), n_groups);
    struct group group;

    if (atomic_load_explicit(&front->generation, memory_order_relaxed) !=
            atomic_load_explicit(words->generation, memory_order_acquire) ||
        sequence % 2 != 0 || !is_undisturbed(front, sequence)) {
        return false; /* before any address is followed that belongs to none, or another, of them */
    }
    group = group_look(&groups[home]);
    for (uint32_t mask = group_match(&group, tag_of_hash(hash)); mask != 0; mask &= mask - 1) {
        char *slot = slots + (size_t)home * words->group_bytes +
                     (size_t)(uint32_t)__builtin_ctz(mask) * words->slot_bytes;
        uint64_t value = cache_words_value(words, slot, true);

        if (shared_load(slot + CACHE_WORDS_KEY_AT) != low ||
            (words->has_long_keys && shared_load(slot + CACHE_WORDS_KEY_AT + 8) != high)) {
            continue;
        }
        if (!is_undisturbed(front, sequence)) {
            return false;
        }
        if (use && words->use == CACHE_WORDS_COUNT) {
            policy_count_shared((struct slot_head *)(void *)slot, words->max_count);
        }
        *ret_value = value;
        return true;
    }
    return false;
}
