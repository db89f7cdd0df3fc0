// SPDX-License-Identifier: MIT
/*
 * What is dropped at once: all entries of a shard that are of an older generation, all of a cache,
 * and what a fork has torn.
 */
#include "cache/cache_private.h"

void cache_release_blocks(struct cache *cache, struct table *table)
{
    if (table->layout->block_at != 0 && table->n_live > 0) {
        for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
            struct block *block =
                order_mark(&table->order, slot) != 0 ? table_block(table, slot) : NULL;

            if (block != NULL) {
                block_release(&cache->pool, block);
            }
        }
    }
}

/*
 * Gives the shard an empty table of the newest generation; the old one is the caller's, and what it
 * counted is given back. A generation that begins meanwhile finds the shard of an older one again.
 */
static struct table empty_locked(struct cache *cache, struct shard *shard, _Atomic uint64_t *count)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    struct table old = shard->table;
    uint64_t n_bytes = shard->n_bytes;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    table_init(&shard->table, &cache->layout, shard->spares, &shard->clock);
    shard_note_table(shard);
    shard->n_bytes = 0;
    atomic_store_explicit(&shard->next_expiry_ns, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&shard->front.generation, generation, memory_order_relaxed);
    shard_end_change_locked(shard);
    flights_land_all(&shard->flights);

    alone_add(count, old.n_live);
    alone_subtract(&cache->n_bytes, n_bytes);
    alone_subtract(&cache->n_entries, old.n_live);
    return old;
}

/* The same for places, which stay where they are. */
static void empty_places_locked(struct cache *cache, struct shard *shard, _Atomic uint64_t *count)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    uint32_t n_live = shard->table.n_live, slot;
    uint64_t n_bytes = 0;

    lock_assert_held(&shard->lock);
    while (cache->policy->victim(&shard->table.order, &slot)) {
        n_bytes += cache_take_out_locked(cache, shard, slot, NULL);
    }
    if (n_live > 0) {
        table_return_places(&shard->table);
    }
    shard_begin_change_locked(shard);
    shard->table.generation = generation;
    atomic_store_explicit(&shard->front.generation, generation, memory_order_relaxed);
    shard_end_change_locked(shard);
    flights_land_all(&shard->flights);

    alone_add(count, n_live);
    alone_subtract(&cache->n_bytes, n_bytes);
    alone_subtract(&cache->n_entries, n_live);
}

void cache_renew_locked(struct cache *cache, struct shard *shard)
{
    struct table old;

    lock_assert_held(&shard->lock);
    if (cache->layout.is_direct) {
        empty_places_locked(cache, shard, &cache->n_invalidations);
        return;
    }
    old = empty_locked(cache, shard, &cache->n_invalidations);
    cache_release_blocks(cache, &old);
    table_fini(&old);
}

void cache_fence(struct cache *cache)
{
    atomic_fetch_add_explicit(&cache->generation, 1, memory_order_seq_cst);
}

/*
 * The new generation is visible before the first entry goes, so that no fill of the old one can
 * slip into a shard that was emptied already. Each shard gets an empty table under its lock; the
 * entries are released outside. A shard whose lock is held for good answers nobody; whoever can
 * lock it again renews it first.
 */
static void clear(struct cache *cache, _Atomic uint64_t *count)
{
    cache_fence(cache);
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        struct table old;

        if (!lock_acquire(&shard->lock)) {
            continue;
        }
        if (cache->layout.is_direct) {
            empty_places_locked(cache, shard, count);
            lock_release(&shard->lock);
            continue;
        }
        old = empty_locked(cache, shard, count);
        lock_release(&shard->lock);
        cache_release_blocks(cache, &old);
        if (lock_acquire(&shard->lock)) {
            table_fini(&old);
            lock_release(&shard->lock);
        }
    }
}

void cache_clear(struct cache *cache)
{
    clear(cache, &cache->n_invalidations);
}

void cache_evict_all(struct cache *cache)
{
    clear(cache, &cache->n_evictions);
}

/*
 * A lock that is held while the sequence is even was held by a reader, or before the first change:
 * the shard is whole. What a torn shard or a torn pool had is not touched again; it leaks.
 */
void cache_after_fork(struct cache *cache)
{
    bool pool_is_whole = block_pool_after_fork(&cache->pool);
    uint64_t n_entries = 0, n_bytes = 0;

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        bool is_whole = atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) % 2 == 0;

        lock_init(&shard->lock, LOCK_RANK_SHARD);
        if (!is_whole || (!pool_is_whole && cache->layout.block_at != 0)) {
            if (cache->layout.is_direct) {
                table_reset_places(&shard->table);
            } else {
                shard->spares->n = 0;
                table_init(&shard->table, &cache->layout, shard->spares, &shard->clock);
                shard_note_table(shard);
            }
            shard->n_bytes = 0;
            atomic_store_explicit(&shard->next_expiry_ns, UINT64_MAX, memory_order_relaxed);
            /* Never what it was: misses that began before the fork know it by that, insert.c. */
            atomic_fetch_add_explicit(&shard->front.sequence, is_whole ? 2 : 1,
                                      memory_order_relaxed);
            shard->table.generation =
                atomic_load_explicit(&cache->generation, memory_order_relaxed);
            atomic_store_explicit(&shard->front.generation, shard->table.generation,
                                  memory_order_relaxed);
        }
        flights_after_fork(&shard->flights, pool_is_whole);
        n_entries += shard->table.n_live;
        n_bytes += shard->n_bytes;
    }
    atomic_store_explicit(&cache->n_entries, n_entries, memory_order_relaxed);
    atomic_store_explicit(&cache->n_bytes, n_bytes, memory_order_relaxed);
}
