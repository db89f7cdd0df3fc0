// SPDX-License-Identifier: MIT
/* Rows where a call is worth it: under policies that rearrange, and in processes with threads. */
#include "cache/glance_words.h"

_Static_assert(CACHE_ROW_EXPIRES_AT == offsetof(struct slot_life, expires_ns), "of slots");
_Static_assert(CACHE_ROW_USED_AT == sizeof(struct slot_life) + offsetof(struct slot_use, used_ns),
               "of slots");
_Static_assert(CACHE_ROW_END_AT == sizeof(struct slot_life) + offsetof(struct slot_use, end_ns),
               "of slots");
_Static_assert(CACHE_ROW_WORDS * 8 == TABLE_INLINE_KEY_BYTES &&
                   CACHE_ROW_WORDS * 8 == TABLE_INLINE_VALUE_BYTES,
               "what lies in a slot has room");
_Static_assert(offsetof(struct shard, front) == 0, "a front is that of a shard");

bool cache_rows_init(struct cache_rows *ret_rows, struct cache *cache)
{
    const struct table_layout *layout = &cache->layout;
    struct cache_words words;

    cache_words_init(&words, cache); /* whatever it says of keys and values */
    *ret_rows = (struct cache_rows){
        .words = words,
        .cache = cache,
        .n_key_words = (layout->n_key_bytes + 7) / 8,
        .n_value_words = (layout->n_value_bytes + 7) / 8,
        .value_at = layout->value_at,
        .life_at = layout->life_at,
        .idle_ns = layout->idle_ns,
    };
    return layout->n_key_bytes != 0 && layout->n_value_bytes != 0 && !cache->options.may_refresh &&
           !cache->options.secret && (cache->n_shards & (cache->n_shards - 1)) == 0;
}

void cache_move_row(const struct cache_rows *rows, struct cache_front *front, char *slot)
{
    struct shard *shard = (struct shard *)front;
    struct order *order = &shard->table.order;

    shard_begin_change(shard);
    rows->cache->policy->on_hit(order,
                                (uint32_t)((size_t)(slot - order->slots) / order->slot_bytes));
    shard_end_change(shard);
}

static bool ask_with_lock(const struct cache_rows *rows, struct shard *shard, const uint64_t *key,
                          uint64_t hash, uint64_t now_ns, bool use, uint64_t *ret_value)
{
    bool is_hit;

    if (!lock_try_acquire(&shard->lock)) {
        return false;
    }
    is_hit = cache_find_row(rows, key, rows->n_key_words, hash, now_ns, use, ret_value);
    lock_release(&shard->lock);
    return is_hit;
}

bool cache_glance_row(const struct cache_rows *rows, const uint64_t *key, uint64_t hash,
                      uint64_t now_ns, bool use, uint64_t *ret_value)
{
    const struct cache_words *words = &rows->words;
    struct glance_words glance;

    if (words->use == CACHE_WORDS_STAMP || words->use == CACHE_WORDS_USES) {
        return ask_with_lock(rows, (struct shard *)cache_front(words, hash), key, hash, now_ns, use,
                             ret_value);
    }
    if (!glance_words_begin(&glance, words, hash)) {
        return false;
    }
    for (; glance.mask != 0; glance.mask &= glance.mask - 1) {
        char *slot = glance_words_slot(&glance, words);

        if (!shared_equals(slot + CACHE_WORDS_KEY_AT, key, rows->n_key_words * sizeof(*key))) {
            continue;
        }
        shared_read(ret_value, slot + rows->value_at, rows->n_value_words * sizeof(*ret_value));
        if (!cache_row_is_alive(rows, slot, now_ns) || !glance_words_is_undisturbed(&glance)) {
            return false;
        }
        if (use) {
            glance_words_count_use(words, slot);
            cache_row_note_use(rows, slot, now_ns);
        }
        return true;
    }
    return false;
}
