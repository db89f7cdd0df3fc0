// SPDX-License-Identifier: MIT
/*
 * The end of a miss without an insert, and what every end of a miss has in common: its flight lands
 * and all who wait for it are woken. That is also where an early recomputation ends.
 */
#include "cache/cache_private.h"

#include "cache/refresh.h"

#include <limits.h>

bool cache_ticket_is_current_locked(const struct shard *shard, const struct cache_ticket *ticket)
{
    lock_assert_held(&shard->lock);
    if (ticket->generation !=
        atomic_load_explicit(&shard->front.generation, memory_order_relaxed)) {
        return false;
    }
    for (uint32_t i = 0; i < ticket->n_fences; i++) {
        const struct cache_fence *fence = &ticket->fences[i];

        if (atomic_load_explicit(fence->count, memory_order_acquire) != fence->seen) {
            return false;
        }
    }
    return true;
}

/* Of an entry that was to be refreshed and still stands: from now on it may be again. */
static void end_refresh_locked(struct shard *shard, const struct flight *flight)
{
    struct table *table = &shard->table;
    uint32_t slot = table_find(table, flight_key(flight), flight->hash);
    struct slot_life *life;

    lock_assert_held(&shard->lock);
    if (slot == TABLE_NO_SLOT) {
        return;
    }
    life = expiry_life(&table->expiry, slot);
    if (atomic_load_explicit(&life->early, memory_order_relaxed) == 0) {
        atomic_store_explicit(&life->early, flight->early, memory_order_relaxed);
    }
}

void cache_land(struct cache *cache, const struct cache_ticket *ticket, enum flight_state how)
{
    struct shard *shard = &cache->shards[ticket->shard];
    const struct flight *flight;
    _Atomic uint32_t *sleepers;

    if (ticket->flight == 0) {
        return;
    }
    if (!shard_acquire(cache, shard)) {
        return; /* the waiters' timeouts release them */
    }
    flight = flights_named(&shard->flights, ticket->flight);
    if (flight != NULL && flight->early != 0) {
        end_refresh_locked(shard, flight);
    }
    sleepers = flights_land(&shard->flights, ticket->flight, how);
    lock_release(&shard->lock);
    if (sleepers != NULL) {
        futex_wake(sleepers, INT_MAX);
    }
}

void cache_abandon(struct cache *cache, const struct cache_ticket *ticket)
{
    cache_land(cache, ticket, FLIGHT_LANDED);
}

bool cache_fall_back(struct cache *cache, const struct cache_key *key, uint64_t now_ns, void *room,
                     const struct cache_ticket *ticket, struct cache_view *ret_view)
{
    struct shard *shard = cache_shard(cache, key->hash);
    bool found;

    if (cache->options.stale_ns == 0 || !shard_acquire(cache, shard)) {
        return false;
    }
    found = cache_ticket_is_current_locked(shard, ticket) &&
            cache_answer_stale_locked(cache, shard, key, now_ns, room, ret_view);
    lock_release(&shard->lock);
    if (found) {
        cache_land(cache, ticket, FLIGHT_LANDED_STALE);
    }
    return found;
}
