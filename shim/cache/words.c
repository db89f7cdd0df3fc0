// SPDX-License-Identifier: MIT
/* The shortest hit where others may be rearranging what it reads. See words.h and glance.c. */
#include "cache/further.h"
#include "cache/glance_words.h"

#include <assert.h>

_Static_assert(CACHE_WORDS_KEY_AT == TABLE_KEY_AT, "of slots");
_Static_assert(CACHE_WORDS_VALUE_AT == TABLE_WORD_VALUE_AT, "of slots");
_Static_assert(sizeof(struct shard) == CACHE_SHARD_BYTES, "the way from one to the next");
_Static_assert(CACHE_SHARD_BYTES == 1 << CACHE_SHARD_SHIFT, "the way is the hash's own bits");
_Static_assert(offsetof(struct cache, no_slot) ==
                   offsetof(struct cache, generation) + CACHE_NO_SLOT_AT,
               "the way from one to the other");
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
    const struct order *order = &cache->shards[0].table.order;
    uint32_t n_shards = cache->n_shards;

    *ret_words = (struct cache_words){
        .first = &cache->shards[0].front,
        .generation = &cache->generation,
        .front_mask = (n_shards - 1) << CACHE_SHARD_SHIFT,
        .slot_bytes = layout->slot_bytes,
        .group_bytes = layout->slot_bytes * GROUP_SLOTS,
        .max_count = cache->policy->max_count,
        .use = layout->is_direct ? CACHE_WORDS_PLACE : uses[cache->policy->hit],
        .has_long_keys = layout->n_key_bytes > 8,
        .has_short_keys = layout->has_short_keys &&
                          layout->slot_bytes == (layout->is_direct ? CACHE_SHORT_PLACE_BYTES
                                                                   : CACHE_SHORT_SLOT_BYTES),
        .n_shards = n_shards,
    };
    if (layout->is_direct) {
        assert(layout->n_key_bytes == 0 || layout->n_key_bytes > 8 || layout->n_value_bytes == 0 ||
               layout->n_value_bytes > 8 || layout->life_at != 0 ||
               layout->slot_bytes == CACHE_PLACE_BYTES);
        ret_words->places = order->slots;
        ret_words->place_mask = ((uint64_t)order->n_slots * n_shards - 1) << CACHE_PLACE_SHIFT;
        /* With as many places as there can be, one shard has them all: any shift will do. */
        ret_words->place_shard_shift =
            (32 + CACHE_PLACE_SHIFT + (uint32_t)__builtin_ctz(order->n_slots)) % 64;
    }
    return layout->n_key_bytes <= 16 && layout->n_value_bytes > 0 && layout->n_value_bytes <= 8 &&
           layout->life_at == 0 && ret_words->use != CACHE_WORDS_USES &&
           (n_shards & (n_shards - 1)) == 0;
}

char *cache_find_further_key(const struct cache_words *words, const struct cache_front *front,
                             const uint64_t *key, uint32_t n_words, uint64_t hash)
{
    struct further further = further_begin(words, front, hash);
    char *slot = further_next(&further);

    while (slot != NULL && !shared_equals(slot + CACHE_WORDS_KEY_AT, key, n_words * sizeof(*key))) {
        slot = further_next(&further);
    }
    return slot;
}

/* Of two words, of which a short key has not the second. */
static inline __attribute__((always_inline)) bool is_pair(const struct cache_words *words,
                                                          const struct glance_words *glance,
                                                          const char *slot, const void *key)
{
    const uint64_t *pair = key;

    return cache_words_are(words, slot, pair[0], pair[1], true);
}

bool cache_glance_words(const struct cache_words *words, uint64_t low, uint64_t high, uint64_t hash,
                        bool use, uint64_t *ret_value)
{
    const uint64_t pair[2] = {low, high};

    return glance_words_find(words, is_pair, pair, hash,
                             CACHE_WORDS_VALUE_AT + (words->has_long_keys ? 8 : 0), use, ret_value);
}
