// SPDX-License-Identifier: MIT
/*
 * Dropping the entries that somebody else recognises by their keys. The caller's fence moved on
 * before the walk began, and fills look at it under the lock of their shard: what is stored behind
 * the walk is new, what was stored before it is found. So the lock may be given up now and then,
 * and only a table that was made anew meanwhile, in which entries changed places, is walked again.
 */
#include "cache/cache_private.h"

/* Slots that are visited before the lock is given up once: tens of microseconds. */
#define SLOTS_AT_A_TIME 1024

/* Where a walk of one shard stands. Growing changes n_groups, emptying the generation. */
struct walk {
    uint64_t generation;
    uint32_t n_groups;
    uint32_t next_slot;
};

static void drop_slot_locked(struct cache *cache, struct shard *shard, uint32_t slot)
{
    uint64_t n_bytes = cache_take_out_locked(cache, shard, slot, NULL);

    lock_assert_held(&shard->lock);
    alone_add(&cache->n_invalidations, 1);
    alone_subtract(&cache->n_bytes, n_bytes);
    alone_subtract(&cache->n_entries, 1);
}

/* False: there is more to visit. */
static bool walk_on_locked(struct cache *cache, struct shard *shard, struct walk *walk,
                           cache_match_fn matches, void *context)
{
    struct table *table = &shard->table;
    uint64_t generation = atomic_load_explicit(&shard->front.generation, memory_order_relaxed);
    uint32_t end;

    lock_assert_held(&shard->lock);
    if (walk->generation != generation || walk->n_groups != table->n_groups) {
        *walk = (struct walk){.generation = generation, .n_groups = table->n_groups};
    }
    end = table->order.n_slots - walk->next_slot > SLOTS_AT_A_TIME
              ? walk->next_slot + SLOTS_AT_A_TIME
              : table->order.n_slots;
    for (; walk->next_slot < end; walk->next_slot++) {
        if (order_mark(&table->order, walk->next_slot) != 0 &&
            matches(context, table_key(table, walk->next_slot))) {
            drop_slot_locked(cache, shard, walk->next_slot);
        }
    }
    return walk->next_slot == table->order.n_slots;
}

void cache_drop(struct cache *cache, cache_match_fn matches, void *context)
{
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        struct walk walk = {0};
        bool is_done = false;

        while (!is_done) {
            if (!shard_acquire(cache, shard)) {
                cache_fence(cache);
                return;
            }
            if (walk.next_slot == 0) {
                flights_give_up_matching(&shard->flights, matches, context);
            }
            is_done = walk_on_locked(cache, shard, &walk, matches, context);
            lock_release(&shard->lock);
        }
    }
}
