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
_Static_assert(CACHE_PLACE_LINKS_BYTES == PLACE_LINKS_BYTES, "of places");
_Static_assert(offsetof(struct shard, front) == 0, "a front is that of a shard");

bool cache_rows_init(struct cache_rows *ret_rows, struct cache *cache)
{
    const struct table_layout *layout = &cache->layout;
    struct cache_words words;

    cache_words_init(&words, cache); /* whatever it says of keys and values */
    *ret_rows = (struct cache_rows){
        .words = words,
        .cache = cache,
        .n_key_words = layout->has_short_keys ? SHORT_KEY_WORDS : (layout->n_key_bytes + 7) / 8,
        .n_value_words = (layout->n_value_bytes + 7) / 8,
        .value_at = layout->value_at,
        .life_at = layout->life_at,
        .idle_ns = layout->idle_ns,
    };
    return ret_rows->n_key_words != 0 && layout->n_value_bytes != 0 &&
           !cache->options.may_refresh && !cache->options.secret &&
           (cache->n_shards & (cache->n_shards - 1)) == 0;
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

/* A key that is looked for. */
struct wanted {
    const uint64_t *key; /* as it lies in a slot */
    uint32_t n_words;
    const struct long_key *longer; /* or NULL */
    uint64_t hash;
};

/* cache_find_row of such a key. */
static inline bool find(const struct cache_rows *rows, const struct wanted *wanted, uint64_t now_ns,
                        bool use, uint64_t *ret_value)
{
    const struct cache_words *words = &rows->words;
    struct cache_front *front = cache_front(words, wanted->hash);
    char *slot = wanted->longer != NULL
                     ? cache_seek_long(words, front, wanted->longer, wanted->hash)
                     : cache_seek_row(rows, front, wanted->key, wanted->n_words, wanted->hash);

    if (slot == NULL && wanted->longer == NULL) {
        slot = cache_find_further_key(words, front, wanted->key, wanted->n_words, wanted->hash);
    }
    return cache_row_answers(rows, front, slot, now_ns, use, ret_value);
}

static bool ask_with_lock(const struct cache_rows *rows, const struct wanted *wanted,
                          uint64_t now_ns, bool use, uint64_t *ret_value)
{
    struct shard *shard = (struct shard *)cache_front(&rows->words, wanted->hash);
    bool is_hit;

    if (!lock_try_acquire(&shard->lock)) {
        return false;
    }
    is_hit = find(rows, wanted, now_ns, use, ret_value);
    lock_release(&shard->lock);
    return is_hit;
}

/* The key of this slot's entry is the one, if nothing was rearranged until this was read. */
static bool is_wanted(const struct wanted *wanted, const struct glance_words *glance,
                      const char *slot)
{
    const char *at = slot + CACHE_WORDS_KEY_AT;

    if (wanted->longer == NULL) {
        return shared_equals(at, wanted->key, wanted->n_words * sizeof(*wanted->key));
    }
    return glance_words_has_long(glance, at, wanted->longer);
}

static bool glance_at(const struct cache_rows *rows, const struct wanted *wanted, uint64_t now_ns,
                      bool use, uint64_t *ret_value)
{
    const struct cache_words *words = &rows->words;
    struct glance_words glance;

    if (words->use == CACHE_WORDS_USES) {
        return ask_with_lock(rows, wanted, now_ns, use, ret_value);
    }
    if (!glance_words_begin(&glance, words, wanted->hash)) {
        return false;
    }
    do {
        for (; glance.mask != 0; glance.mask &= glance.mask - 1) {
            char *slot = glance_words_slot(&glance, words);

            if (!is_wanted(wanted, &glance, slot)) {
                continue;
            }
            shared_read(ret_value, slot + rows->value_at, rows->n_value_words * sizeof(*ret_value));
            if (!cache_row_is_alive(rows, slot, now_ns) || !glance_words_is_undisturbed(&glance) ||
                (use && !glance_words_use(&glance, words, slot))) {
                return false;
            }
            if (use) {
                cache_row_note_use(rows, slot, now_ns);
            }
            return true;
        }
    } while (glance_words_next(&glance, words, wanted->hash));
    return false;
}

bool cache_glance_row(const struct cache_rows *rows, const uint64_t *key, uint64_t hash,
                      uint64_t now_ns, bool use, uint64_t *ret_value)
{
    const struct wanted wanted = {.key = key, .n_words = rows->n_key_words, .hash = hash};

    return glance_at(rows, &wanted, now_ns, use, ret_value);
}

bool cache_find_long_row(const struct cache_rows *rows, const struct long_key *key, uint64_t hash,
                         uint64_t now_ns, bool use, uint64_t *ret_value)
{
    const struct wanted wanted = {.longer = key, .hash = hash};

    return __libc_single_threaded ? find(rows, &wanted, now_ns, use, ret_value)
                                  : glance_at(rows, &wanted, now_ns, use, ret_value);
}
