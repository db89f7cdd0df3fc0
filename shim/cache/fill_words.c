// SPDX-License-Identifier: MIT
/*
 * The short way of a miss: what cache_lookup and cache_insert do for a key that has no entry, of
 * fixed sizes or a text, in a process without threads, in a cache whose entries live until they go.
 * Room is there, or comes from one entry of the same shard. Whatever is otherwise is left to those
 * two, before anything has changed.
 */
#include "cache/cache_private.h"

#include <assert.h>

/* Nobody else can be inside; but a handler may have left while the shard was being changed. */
static bool acquire_alone(struct cache *cache, struct shard *shard)
{
    if (!__libc_single_threaded || !lock_try_acquire(&shard->lock)) {
        return false;
    }
    if (!shard_is_current(cache, shard)) {
        lock_release(&shard->lock);
        return false;
    }
    return true;
}

bool cache_begin_words(struct cache *cache, const struct cache_key *key, const void *owner,
                       struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);
    uint64_t generation = atomic_load_explicit(&shard->front.generation, memory_order_relaxed);
    bool is_absent;

    if (!acquire_alone(cache, shard)) {
        return false;
    }
    is_absent = flights_are_none(&shard->flights, key->bytes) &&
                table_find(&shard->table, key->bytes, key->hash) == TABLE_NO_SLOT;
    if (is_absent) {
        ret_ticket->generation = generation;
        ret_ticket->flight =
            !cache->options.single_flight
                ? 0
                : flights_begin_alone(&shard->flights, key->bytes, key->hash, generation, owner);
        ret_ticket->shard = (uint32_t)(shard - cache->shards);
        ret_ticket->absent_at =
            atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1;
        ret_ticket->hash = key->hash;
        ret_ticket->cache = cache;
        ret_ticket->n_fences = 0;
    }
    lock_release(&shard->lock);
    return is_absent;
}

/* Who makes way for an entry. */
struct leaver {
    uint32_t slot; /* TABLE_NO_SLOT: nobody, there is room */
    uint64_t n_bytes;
    struct block *block;
};

/* False: there is nobody in this shard, or its table has to grow. Whoever it is has to leave. */
static bool choose_locked(struct cache *cache, struct shard *shard, uint64_t hash, uint64_t n_bytes,
                          struct leaver *ret_leaver)
{
    const struct policy *policy = cache->policy;
    struct table *table = &shard->table;
    uint32_t slot = TABLE_NO_SLOT;
    bool has_victim;

    lock_assert_held(&shard->lock);
    *ret_leaver = (struct leaver){.slot = TABLE_NO_SLOT};
    if (policy->one_per_place) {
        slot = table_find_rival(table, hash);
    }
    if (slot == TABLE_NO_SLOT) {
        if (atomic_load_explicit(&cache->n_entries, memory_order_relaxed) <
                cache->options.max_entries &&
            atomic_load_explicit(&cache->n_bytes, memory_order_relaxed) + n_bytes <=
                cache->options.max_bytes) {
            return policy->one_per_place || table->n_live < table->n_groups * GROUP_LOAD;
        }
        shard_begin_change_locked(shard);
        has_victim = policy->victim(&table->order, &slot);
        shard_end_change_locked(shard);
        if (!has_victim) {
            return false;
        }
    }
    ret_leaver->slot = slot;
    ret_leaver->n_bytes = cache_slot_bytes(cache, shard, slot);
    ret_leaver->block = table_block(table, slot);
    return true;
}

/* Leaves its room to whoever comes next. */
static void evict_locked(struct cache *cache, struct shard *shard, uint32_t slot)
{
    uint64_t n_bytes = cache_take_out_locked(cache, shard, slot, NULL);

    lock_assert_held(&shard->lock);
    alone_add(&cache->n_evictions, 1);
    alone_subtract(&cache->n_bytes, n_bytes);
    alone_subtract(&cache->n_entries, 1);
}

/* The new entry, with this block, in the place of the leaver, whose own is not released. */
static void replace_locked(struct cache *cache, struct shard *shard, const struct leaver *leaver,
                           const struct cache_key *key, struct bytes value, struct block *block,
                           uint64_t n_bytes)
{
    static const struct policy_past nothing;
    const struct policy *policy = cache->policy;
    struct table *table = &shard->table;
    uint32_t slot;

    if (n_bytes != leaver->n_bytes) {
        alone_add(&cache->n_bytes, n_bytes - leaver->n_bytes);
    }
    alone_add(leaver->slot != TABLE_NO_SLOT ? &cache->n_evictions : &cache->n_entries, 1);
    shard_begin_change_locked(shard);
    if (leaver->slot != TABLE_NO_SLOT) {
        if (policy->on_remove != NULL) {
            policy->on_remove(&table->order, leaver->slot, NULL);
        }
        table_remove(table, leaver->slot);
    }
    slot = table_add(table, key->bytes, key->hash, value, block, 0, NULL);
    policy->on_insert(&table->order, slot, &nothing);
    shard->n_bytes += n_bytes - leaver->n_bytes;
    shard_end_change_locked(shard);
}

/* False: not placed; somebody may have left for it. */
static bool fill_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                        struct bytes value)
{
    uint64_t n_bytes = cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, 0);
    struct block *block = NULL;
    struct leaver leaver;

    lock_assert_held(&shard->lock);
    if (n_bytes > cache->options.max_bytes ||
        !choose_locked(cache, shard, key->hash, n_bytes, &leaver)) {
        return false;
    }
    if (n_bytes > leaver.n_bytes &&
        atomic_load_explicit(&cache->n_bytes, memory_order_relaxed) - leaver.n_bytes + n_bytes >
            cache->options.max_bytes) {
        evict_locked(cache, shard, leaver.slot); /* not the last one that has to */
        return false;
    }
    if (table_needs_block(&cache->layout, key->bytes.n_bytes)) {
        block = block_create(&cache->pool, key->bytes, (struct bytes){NULL, 0});
        if (block == NULL) {
            if (leaver.slot != TABLE_NO_SLOT) {
                evict_locked(cache, shard, leaver.slot);
            }
            return false;
        }
    }
    replace_locked(cache, shard, &leaver, key, value, block, n_bytes);
    if (leaver.block != NULL) {
        block_release(&cache->pool, leaver.block);
    }
    return true;
}

bool cache_fill_words(struct cache *cache, const struct cache_key *key, struct bytes value,
                      const struct cache_ticket *ticket)
{
    struct shard *shard = &cache->shards[ticket->shard];
    bool is_filled, has_landed;

    assert(cache->layout.n_value_bytes == value.n_bytes && cache->layout.life_at == 0);
    if (!acquire_alone(cache, shard)) {
        return false;
    }
    is_filled = cache_ticket_is_current_locked(shard, ticket) &&
                ticket->absent_at ==
                    atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1 &&
                fill_locked(cache, shard, key, value);
    has_landed = is_filled && flights_land_alone(&shard->flights, ticket->flight);
    if (is_filled) {
        cache_prove_locked(cache, shard);
    }
    lock_release(&shard->lock);
    if (is_filled && !has_landed) {
        cache_land(cache, ticket, FLIGHT_LANDED);
    }
    return is_filled;
}
