// SPDX-License-Identifier: MIT
/*
 * The path of a hit, short and without a call that is not inlined for small fixed sizes, and the
 * path of a miss: expiry, and waiting for another thread's computation.
 *
 * A hit takes the shard's lock only in a process that has threads. Without threads nobody can be
 * inside the shard, since signal handlers do not enter the shim.
 */
#include "cache/cache_private.h"

#include "base/clock.h"

#include <assert.h>
#include <limits.h>

_Static_assert(CACHE_ROOM_BYTES >= TABLE_INLINE_VALUE_BYTES, "inline values are always copied");

#define likely(condition) __builtin_expect(!!(condition), 1)

static inline bool is_alive(const struct cache *cache, const struct shard *shard, uint32_t slot,
                            uint64_t now_ns)
{
    return cache->layout.life_at == 0 ||
           now_ns < expiry_life(&shard->table.expiry, slot)->expires_ns;
}

/* Hands the entry out and notes its use. */
static inline void answer(struct cache *cache, struct shard *shard, uint32_t slot, void *room,
                          struct cache_view *ret_view)
{
    struct order *order = &shard->table.order;
    struct slot_head *head = order_slot(order, slot);
    const char *value = (const char *)head + cache->layout.value_at;
    uint32_t n_bytes = cache->layout.n_value_bytes;

    if (cache->policy->on_hit == NULL) {
        order_stamp(order, head);
    } else {
        cache->policy->on_hit(order, slot);
    }
    *ret_view = (struct cache_view){.data = room, .n_bytes = n_bytes};
    if (likely(n_bytes == 8)) {
        memcpy(room, value, 8);
    } else if (n_bytes != 0) {
        memcpy(room, value, n_bytes);
    } else {
        struct block *block = table_block(&shard->table, slot);

        ret_view->n_bytes = block->n_value_bytes;
        if (block->n_value_bytes <= CACHE_ROOM_BYTES) {
            memcpy(room, block_value(block), block->n_value_bytes);
        } else {
            block_hold(block);
            ret_view->data = block_value(block);
            ret_view->pin = block;
        }
    }
}

/* The live entry of the key answers; an expired one is removed. */
static bool answer_or_expire_locked(struct cache *cache, struct shard *shard,
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
    if (!is_alive(cache, shard, slot, options->now_ns)) {
        cache_expire_locked(cache, shard, slot);
        return false;
    }
    answer(cache, shard, slot, options->room, ret_view);
    return true;
}

static enum cache_outcome miss(struct cache *cache, struct shard *shard, uint64_t flight,
                               struct cache_ticket *ret_ticket)
{
    *ret_ticket = (struct cache_ticket){
        .generation = atomic_load_explicit(&cache->generation, memory_order_acquire),
        .flight = flight,
        .shard = (uint32_t)(shard - cache->shards),
    };
    return CACHE_MISS;
}

/* Gives the lock up while it sleeps, and takes it again. */
static enum cache_outcome wait_locked(struct cache *cache, struct shard *shard,
                                      struct flight *flight, const struct cache_key *key,
                                      const struct cache_lookup_options *options,
                                      struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    uint64_t deadline_ns;
    bool has_landed;

    lock_assert_held(&shard->lock);
    flights_join(flight);
    lock_release(&shard->lock);

    deadline_ns = expiry_time(clock_precise_ns(), options->wait_timeout_ns);
    flight_sleep(flight, deadline_ns);

    lock_acquire(&shard->lock);
    has_landed = flight_has_landed(flight);
    if (!has_landed) {
        flight->may_be_joined = false; /* the next miss does not wait for it again */
    }
    flights_leave(&shard->flights, flight);
    if (answer_or_expire_locked(cache, shard, key, options, ret_view)) {
        return CACHE_HIT_AFTER_WAIT;
    }
    return has_landed ? miss(cache, shard, 0, ret_ticket) : CACHE_BYPASS_TIMEOUT;
}

static enum cache_outcome join_or_begin_locked(struct cache *cache, struct shard *shard,
                                               const struct cache_key *key,
                                               const struct cache_lookup_options *options,
                                               struct cache_view *ret_view,
                                               struct cache_ticket *ret_ticket)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    uint64_t now_ns = clock_coarse_ns(); /* real time, whatever drives options->now_ns */
    struct flight *flight;

    lock_assert_held(&shard->lock);
    flight = flights_find(&shard->flights, key->bytes, key->hash, generation);
    if (flight != NULL && flight_is_older(flight, now_ns, options->wait_timeout_ns)) {
        flights_give_up(&shard->flights, flight); /* its owner may be gone */
        flight = NULL;
    }
    if (flight == NULL) {
        return miss(cache, shard,
                    flights_begin(&shard->flights, key->bytes, key->hash, generation,
                                  options->owner, now_ns, options->wait_timeout_ns),
                    ret_ticket);
    }
    if (flight->owner == options->owner) {
        return CACHE_BYPASS_RECURSION;
    }
    if (!options->may_wait) {
        return CACHE_BYPASS_NO_WAIT;
    }
    return wait_locked(cache, shard, flight, key, options, ret_view, ret_ticket);
}

/* Enters with the lock held, and looks again: without threads the first look had no lock. */
static __attribute__((noinline)) enum cache_outcome
lookup_slow_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                   const struct cache_lookup_options *options, struct cache_view *ret_view,
                   struct cache_ticket *ret_ticket)
{
    lock_assert_held(&shard->lock);
    if (answer_or_expire_locked(cache, shard, key, options, ret_view)) {
        return CACHE_HIT;
    }
    if (!cache->options.single_flight) {
        return miss(cache, shard, 0, ret_ticket);
    }
    return join_or_begin_locked(cache, shard, key, options, ret_view, ret_ticket);
}

enum cache_outcome cache_lookup(struct cache *cache, const struct cache_key *key,
                                const struct cache_lookup_options *options,
                                struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);
    bool has_threads = !__libc_single_threaded;
    enum cache_outcome outcome;
    uint32_t slot;

    assert(cache->options.key_bytes == 0 || key->bytes.n_bytes == cache->options.key_bytes);
    if (has_threads) {
        lock_acquire(&shard->lock);
    }
    slot = table_find(&shard->table, key->bytes, key->hash);
    if (likely(slot != TABLE_NO_SLOT && is_alive(cache, shard, slot, options->now_ns))) {
        answer(cache, shard, slot, options->room, ret_view);
        outcome = CACHE_HIT;
    } else {
        if (!has_threads) {
            lock_acquire(&shard->lock);
            has_threads = true;
        }
        outcome = lookup_slow_locked(cache, shard, key, options, ret_view, ret_ticket);
    }
    if (has_threads) {
        lock_release(&shard->lock);
    }
    return outcome;
}

void cache_view_release(struct cache *cache, const struct cache_view *view)
{
    if (view->pin != NULL) {
        block_release(&cache->pool, view->pin);
    }
}
