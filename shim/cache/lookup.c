// SPDX-License-Identifier: MIT
/*
 * The path of a hit. What is not found here at once is looked for again in miss.c.
 *
 * A hit takes the shard's lock only in a process that has threads, and only for a policy that
 * rearranges more at a hit than a stamp; the others have glance.c. Without threads nobody can be
 * inside the shard, since signal handlers do not enter the shim.
 */
#include "cache/cache_private.h"

#include <assert.h>

_Static_assert(CACHE_ROOM_BYTES >= TABLE_INLINE_VALUE_BYTES, "inline values are always copied");

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

static inline void note_use(struct cache *cache, struct shard *shard, uint32_t slot,
                            struct slot_head *head)
{
    const struct policy *policy = cache->policy;
    struct order *order = &shard->table.order;

    if (likely(policy->hit == POLICY_HIT_STAMPS)) {
        while (unlikely(!order_stamp_hit(order, head))) {
            shard_begin_change(shard);
            order_renumber(order);
            shard_end_change(shard);
        }
    } else if (policy->hit == POLICY_HIT_COUNTS) {
        policy_count_alone(head, policy->max_count);
    } else if (policy->hit == POLICY_HIT_MOVES) {
        shard_begin_change(shard);
        policy->on_hit(order, slot);
        shard_end_change(shard);
    }
}

static inline void hand_out(struct cache *cache, struct shard *shard, uint32_t slot, void *room,
                            bool in_place, struct cache_view *ret_view)
{
    const struct table_layout *layout = &cache->layout;
    struct slot_head *head = order_slot(&shard->table.order, slot);
    struct block *block;

    ret_view->data = room;
    ret_view->pin = NULL;
    if (layout->n_value_bytes != 0) {
        ret_view->n_bytes = layout->n_value_bytes;
        memcpy(room, (const char *)head + layout->value_at, layout->n_value_bytes);
        return;
    }
    block = table_block(&shard->table, slot);
    ret_view->n_bytes = block->n_value_bytes;
    if (in_place && __libc_single_threaded) {
        ret_view->data = block_value(block);
    } else if (block->n_value_bytes <= CACHE_ROOM_BYTES) {
        memcpy(room, block_value(block), block->n_value_bytes);
    } else {
        block_hold(block);
        ret_view->data = block_value(block);
        ret_view->pin = block;
    }
}

/* Hands the entry out and notes its use. */
static inline void answer(struct cache *cache, struct shard *shard, uint32_t slot,
                          const struct cache_lookup_options *options, struct cache_view *ret_view)
{
    note_use(cache, shard, slot, order_slot(&shard->table.order, slot));
    expiry_note_use(&shard->table.expiry, slot, options->now_ns);
    hand_out(cache, shard, slot, options->room, options->in_place, ret_view);
}

bool cache_answer_stale_locked(struct cache *cache, struct shard *shard,
                               const struct cache_key *key, uint64_t now_ns, void *room,
                               struct cache_view *ret_view)
{
    uint32_t slot = table_find(&shard->table, key->bytes, key->hash);

    lock_assert_held(&shard->lock);
    if (slot == TABLE_NO_SLOT || expiry_is_spent(&shard->table.expiry, slot, now_ns)) {
        return false;
    }
    hand_out(cache, shard, slot, room, false, ret_view);
    return true;
}

bool cache_answer_or_expire_locked(struct cache *cache, struct shard *shard,
                                   const struct cache_key *key,
                                   const struct cache_lookup_options *options,
                                   struct cache_view *ret_view)
{
    uint32_t slot;

    lock_assert_held(&shard->lock);
    slot = table_find(&shard->table, key->bytes, key->hash);
    if (slot == TABLE_NO_SLOT) {
        return false;
    }
    if (!shard_is_alive(shard, slot, options->now_ns)) {
        if (expiry_is_spent(&shard->table.expiry, slot, options->now_ns)) {
            cache_expire_locked(cache, shard, slot);
        }
        return false;
    }
    answer(cache, shard, slot, options, ret_view);
    return true;
}

/* True: the entry is there and alive, and has answered. The lock is held, or there are no threads.
 */
static inline bool try_answer(struct cache *cache, struct shard *shard, const struct cache_key *key,
                              const struct cache_lookup_options *options,
                              struct cache_view *ret_view, enum cache_sight *ret_sight)
{
    uint32_t slot;

    *ret_sight = CACHE_SIGHT_UNCLEAR;
    if (unlikely(!shard_is_current(cache, shard))) {
        return false;
    }
    slot = table_find(&shard->table, key->bytes, key->hash);
    if (slot == TABLE_NO_SLOT) {
        *ret_sight = CACHE_SIGHT_NOTHING;
    } else if (likely(shard_is_alive(shard, slot, options->now_ns))) {
        if (likely(!cache_is_refresh_due(cache, &shard->table.expiry, slot, options->now_ns))) {
            answer(cache, shard, slot, options, ret_view);
            return true;
        }
        *ret_sight = CACHE_SIGHT_DUE;
    }
    return false;
}

/* The first look needs no lock: true if it has answered. */
static inline bool look_without_lock(struct cache *cache, struct shard *shard,
                                     const struct cache_key *key,
                                     const struct cache_lookup_options *options,
                                     struct cache_view *ret_view, enum cache_sight *ret_sight)
{
    bool is_hit, is_due;

    if (__libc_single_threaded) {
        return try_answer(cache, shard, key, options, ret_view, ret_sight);
    }
    is_hit = cache_glance(cache, shard, key, options, ret_view, &is_due);
    *ret_sight = is_due ? CACHE_SIGHT_DUE : CACHE_SIGHT_UNCLEAR;
    return is_hit;
}

static __attribute__((noinline)) enum cache_outcome
lookup(struct cache *cache, const struct cache_key *key, const struct cache_lookup_options *options,
       struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);
    bool needs_lock = !__libc_single_threaded && !cache->has_free_hits;
    enum cache_outcome outcome;
    enum cache_sight sight;

    if (!needs_lock && likely(look_without_lock(cache, shard, key, options, ret_view, &sight))) {
        return CACHE_HIT;
    }
    if (!shard_acquire(cache, shard)) {
        return CACHE_BYPASS_STUCK;
    }
    if (needs_lock && likely(try_answer(cache, shard, key, options, ret_view, &sight))) {
        lock_release(&shard->lock);
        return CACHE_HIT;
    }
    outcome = cache_look_again_locked(cache, shard, key, options, sight, ret_view, ret_ticket);
    if (outcome != CACHE_BYPASS_STUCK) {
        lock_release(&shard->lock);
    }
    return outcome;
}

/*
 * The commonest hit, one word for one word in a process without threads, is answered here, without
 * a call or a stack frame, if it lies in its home group, as 96 % or more do. Everything else goes
 * the long way round; both give the same answer.
 */
enum cache_outcome cache_lookup(struct cache *cache, const struct cache_key *key,
                                const struct cache_lookup_options *options,
                                struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);
    struct table *table = &shard->table;
    uint32_t mask, at, stamp;
    uint64_t wanted;

    assert(cache->options.key_bytes == 0 || key->bytes.n_bytes == cache->options.key_bytes);
    if (!cache->has_word_hits || !__libc_single_threaded || table->n_groups == 0) {
        return lookup(cache, key, options, ret_view, ret_ticket);
    }
    at = table_home(table, (uint32_t)(key->hash >> 32));
    memcpy(&wanted, key->bytes.data, 8);
    for (mask = group_match(&table->groups[at], tag_of_hash(key->hash)); mask != 0;
         mask &= mask - 1) {
        char *slot = table_slot(table, at * GROUP_SLOTS + (uint32_t)__builtin_ctz(mask));
        uint64_t found;

        memcpy(&found, slot + TABLE_KEY_AT, 8);
        if (likely(found == wanted)) {
            struct slot_head *head = (struct slot_head *)(void *)slot;
            const struct slot_life *life = (void *)(slot + TABLE_WORD_LIFE_AT);

            if ((table->expiry.life_at != 0 &&
                 options->now_ns >=
                     atomic_load_explicit(&life->expires_ns, memory_order_relaxed)) ||
                !shard_is_current(cache, shard) || !stamp_take_alone(table->order.clock, &stamp)) {
                break;
            }
            head->mark = stamp;
            memcpy(options->room, slot + TABLE_WORD_VALUE_AT, 8);
            ret_view->data = options->room;
            ret_view->n_bytes = 8;
            ret_view->pin = NULL;
            return CACHE_HIT;
        }
    }
    return lookup(cache, key, options, ret_view, ret_ticket);
}

void cache_view_release(struct cache *cache, const struct cache_view *view)
{
    if (view->pin != NULL) {
        block_release(&cache->pool, view->pin);
    }
}
