// SPDX-License-Identifier: MIT
/*
 * The short way of a miss: what cache_lookup and cache_insert do for a key that has no entry, in a
 * process without threads, in a cache whose entries live until they go. Such an entry lies whole in
 * its slot, and so all take the same; room is there, or that of one entry of the same shard is
 * enough. Whatever is otherwise is left to those two.
 */
#include "cache/cache_private.h"

#include <assert.h>

/*
 * Nobody else can be inside, unless a handler has left while the shard was being changed: then its
 * lock is held for good.
 */
static inline bool is_alone(const struct cache *cache, const struct shard *shard)
{
    return __libc_single_threaded && !lock_is_held(&shard->lock) && shard_is_current(cache, shard);
}

/* In most groups no entry has the tag, and none has passed. */
static inline bool is_absent(const struct table *table, const struct cache_key *key)
{
    const struct group *home;

    if (!table->layout->is_direct && table->n_groups > 0) {
        home = &table->groups[table_home(table, (uint32_t)(key->hash >> 32))];
        if (group_match(home, tag_of_hash(key->hash)) == 0 && home->n_passed == 0) {
            return true;
        }
    }
    return table_find(table, key->bytes, key->hash) == TABLE_NO_SLOT;
}

/* Takes no lock: nothing is seen of a flight until it is whole (flight.h). */
bool cache_begin_words(struct cache *cache, const struct cache_key *key, const void *owner,
                       struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);

    if (!is_alone(cache, shard) || !flights_are_none(&shard->flights, key->bytes) ||
        !is_absent(&shard->table, key)) {
        return false;
    }
    ret_ticket->generation = atomic_load_explicit(&shard->front.generation, memory_order_relaxed);
    ret_ticket->shard = (uint32_t)(shard - cache->shards);
    ret_ticket->absent_at = atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1;
    ret_ticket->hash = key->hash;
    ret_ticket->cache = cache;
    ret_ticket->n_fences = 0;
    ret_ticket->flight = 0;
    if (cache->options.single_flight) {
        ret_ticket->flight = flights_begin_alone(&shard->flights, key->bytes, key->hash,
                                                 ret_ticket->generation, owner);
    }
    return true;
}

_Static_assert(CACHE_BEGIN_KEY_BYTES == FLIGHT_INLINE_KEY_BYTES, "flights_begin_alone");

/*
 * Who makes way for so many bytes, in a shard that is being changed; TABLE_NO_SLOT: there is room.
 * False: there is nobody in this shard, or its table has to grow. Who was chosen has to leave.
 */
static inline bool choose_locked(struct cache *cache, struct shard *shard, uint64_t hash,
                                 uint64_t n_bytes, uint32_t *ret_slot)
{
    const struct policy *policy = cache->policy;
    struct table *table = &shard->table;

    lock_assert_held(&shard->lock);
    *ret_slot = policy->one_per_place ? table_find_rival(table, hash) : TABLE_NO_SLOT;
    if (*ret_slot != TABLE_NO_SLOT) {
        return true;
    }
    if (atomic_load_explicit(&cache->n_entries, memory_order_relaxed) >=
            cache->options.max_entries ||
        atomic_load_explicit(&cache->n_bytes, memory_order_relaxed) + n_bytes >
            cache->options.max_bytes) {
        return policy->victim(&table->order, ret_slot);
    }
    return policy->one_per_place || table->n_live < table->n_groups * GROUP_LOAD;
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

/* One that lies whole in its slot leaves room for another such entry: the sums stay as they are. */
static inline void replace_locked(struct cache *cache, struct shard *shard, uint32_t slot)
{
    lock_assert_held(&shard->lock);
    alone_add(&cache->n_evictions, 1);
    if (cache->policy->on_remove != NULL) {
        cache->policy->on_remove(&shard->table.order, slot, NULL);
    }
    table_remove(&shard->table, slot);
}

/* An entry that lies whole in its slot. */
static inline bool fill_locked(struct cache *cache, struct shard *shard,
                               const struct cache_key *key, struct bytes value)
{
    static const struct policy_past nothing;
    const uint64_t n_bytes = cache->layout.share_bytes;
    struct table *table = &shard->table;
    uint32_t slot;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    if (!choose_locked(cache, shard, key->hash, n_bytes, &slot)) {
        shard_end_change_locked(shard);
        return false;
    }
    if (slot != TABLE_NO_SLOT && cache->layout.block_at != 0 && table_block(table, slot) != NULL) {
        shard_end_change_locked(shard);
        evict_locked(cache, shard, slot);
        slot = TABLE_NO_SLOT;
        shard_begin_change_locked(shard);
    }
    if (slot != TABLE_NO_SLOT) {
        replace_locked(cache, shard, slot);
    } else {
        alone_add(&cache->n_entries, 1);
        alone_add(&cache->n_bytes, n_bytes);
        shard->n_bytes += n_bytes;
    }
    slot = table_add_whole(table, key->bytes, key->hash, value);
    cache->policy->on_insert(&table->order, slot, &nothing);
    shard_end_change_locked(shard);
    return true;
}

bool cache_fill_words(struct cache *cache, const struct cache_key *key, struct bytes value,
                      const struct cache_ticket *ticket)
{
    const struct table_layout *layout = &cache->layout;
    struct shard *shard = &cache->shards[ticket->shard];
    bool is_filled, has_landed = true;

    assert(layout->n_value_bytes == value.n_bytes && layout->life_at == 0);
    if (table_needs_block(layout, key->bytes.n_bytes) ||
        layout->share_bytes > cache->options.max_bytes || !is_alone(cache, shard) ||
        !lock_try_acquire(&shard->lock)) {
        return false;
    }
    is_filled = ticket->generation ==
                    atomic_load_explicit(&shard->front.generation, memory_order_relaxed) &&
                ticket->absent_at ==
                    atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1 &&
                fill_locked(cache, shard, key, value);
    if (is_filled) {
        has_landed = flights_land_alone(&shard->flights, ticket->flight);
        cache_prove_locked(cache, shard);
    }
    lock_release(&shard->lock);
    if (!has_landed) {
        cache_land(cache, ticket, FLIGHT_LANDED);
    }
    return is_filled;
}
