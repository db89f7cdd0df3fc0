// SPDX-License-Identifier: MIT
/*
 * The short way of a miss: what cache_lookup does for a key that has no entry, and cache_insert in
 * a cache whose entries live until they go. Such an entry lies whole in its slot, and so all take
 * the same; room is there, or that of one entry of the same shard is enough. Whatever is otherwise
 * is left to those two, and so is whoever finds the shard's lock held.
 *
 * Without threads nothing is locked before the real function is called, but for a key that a flight
 * has no room for; with threads each of the two ends takes the lock once.
 */
#include "cache/cache_private.h"
#include "cache/policy_sieve.h"
#include "cache/table_slots.h"

#include <assert.h>
#include <limits.h>

#define likely(condition) __builtin_expect(!!(condition), 1)

/* The address is kept, and not made again of the number each time. */
static inline struct shard *shard_at(struct cache *cache, uint32_t number)
{
    struct shard *shard = &cache->shards[number];

    __asm__("" : "+r"(shard));
    return shard;
}

/* What a ticket says of it. Where there are lives, an entry may be there that has expired. */
static inline uint32_t absent_at(const struct cache *cache, const struct shard *shard)
{
    return cache->layout.life_at != 0
               ? 0
               : atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1;
}

/* No entry of this key is alive. */
static inline bool has_none(const struct shard *shard, const struct cache_key *key, uint64_t now_ns)
{
    uint32_t slot = table_find(&shard->table, key->bytes, key->hash);

    return likely(slot == TABLE_NO_SLOT) || !shard_is_alive(shard, slot, now_ns);
}

/* Of a key that has a block while it is computed, so that there is something to lock. */
static __attribute__((noinline)) uint64_t
begin_long(struct shard *shard, const struct cache_key *key, uint64_t generation, const void *owner)
{
    uint64_t flight = 0;

    if (likely(lock_try_acquire(&shard->lock))) {
        flight = flights_begin(&shard->flights, key->bytes, key->hash, generation, owner, 0, 0);
        lock_release(&shard->lock);
    }
    return flight;
}

/*
 * Nobody else can be inside, unless a handler has left while the shard was being changed: then its
 * lock is held for good. Takes no lock: nothing is seen of a flight until it is whole (flight.h).
 */
bool cache_begin_absent(struct cache *cache, const struct cache_key *key, const void *owner,
                        bool is_computing, struct cache_ticket *ret_ticket)
{
    uint32_t number = cache_shard_number(key->hash, cache->shard_shift, cache->n_shards);
    struct shard *shard = shard_at(cache, number);
    uint64_t generation = atomic_load_explicit(&shard->front.generation, memory_order_relaxed);

    if (!likely(__libc_single_threaded) || !likely(!lock_is_held(&shard->lock)) ||
        !likely(shard_is_current(cache, shard))) {
        return false;
    }
    if (!likely(shard->flights.n_used == 0) &&
        !flights_may_begin_alone(&shard->flights, key->bytes, key->hash, generation, owner,
                                 is_computing)) {
        return false;
    }
    ret_ticket->generation = generation;
    ret_ticket->shard = number;
    ret_ticket->absent_at = absent_at(cache, shard);
    ret_ticket->hash = key->hash;
    ret_ticket->cache = cache;
    ret_ticket->n_fences = 0;
    ret_ticket->flight = 0;
    if (likely(cache->options.single_flight)) {
        ret_ticket->flight =
            likely(key->bytes.n_bytes <= FLIGHT_INLINE_KEY_BYTES)
                ? flights_begin_alone(&shard->flights, key->bytes, key->hash, generation, owner)
                : begin_long(shard, key, generation, owner);
    }
    return true;
}

/*
 * The key has no entry, and nobody computes it. A flight that its owner has left is for
 * cache_lookup to give up: it would have to be of this very key.
 */
static inline __attribute__((always_inline)) bool
begin_locked(struct cache *cache, struct shard *shard, const struct cache_key *key, uint64_t now_ns,
             const void *owner, struct cache_ticket *ret_ticket)
{
    lock_assert_held(&shard->lock);
    ret_ticket->generation = atomic_load_explicit(&shard->front.generation, memory_order_relaxed);
    ret_ticket->absent_at = absent_at(cache, shard);
    ret_ticket->flight = 0;
    return likely(shard_is_current(cache, shard)) && likely(has_none(shard, key, now_ns)) &&
           (!likely(cache->options.single_flight) ||
            flights_try_begin(&shard->flights, key->bytes, key->hash, ret_ticket->generation, owner,
                              &ret_ticket->flight));
}

bool cache_begin_beside_others(struct cache *cache, const struct cache_key *key, uint64_t now_ns,
                               const void *owner, struct cache_ticket *ret_ticket)
{
    uint32_t number = cache_shard_number(key->hash, cache->shard_shift, cache->n_shards);
    struct shard *shard = shard_at(cache, number);
    bool has_begun;

    if (!likely(lock_try_acquire(&shard->lock))) {
        return false;
    }
    ret_ticket->shard = number;
    ret_ticket->hash = key->hash;
    ret_ticket->cache = cache;
    ret_ticket->n_fences = 0;
    has_begun = begin_locked(cache, shard, key, now_ns, owner, ret_ticket);
    lock_release(&shard->lock);
    return has_begun;
}

bool cache_begin_words(struct cache *cache, const struct cache_key *key, uint64_t now_ns,
                       const void *owner, bool is_computing, struct cache_ticket *ret_ticket)
{
    return has_none(cache_shard(cache, key->hash), key, now_ns) &&
           cache_begin_absent(cache, key, owner, is_computing, ret_ticket);
}

/* What is known of a cache when the code that fills it is compiled. */
enum fill_way {
    FILL_PLACES,
    FILL_STAMPS, /* groups, and the policy is lru, or sieve */
    FILL_SIEVE,
    FILL_GROUPS,
};

/* There is room for one more, whatever the shard. */
static inline bool has_room(const struct cache *cache)
{
    return atomic_load_explicit(&cache->n_entries, memory_order_relaxed) <
               cache->options.max_entries &&
           atomic_load_explicit(&cache->n_bytes, memory_order_relaxed) +
                   cache->layout.share_bytes <=
               cache->options.max_bytes;
}

/* Takes that room. In a process with threads others may have been faster. */
static inline bool take_room(struct cache *cache)
{
    const struct cache_options *options = &cache->options;

    if (!likely(cache_take_from(&cache->n_entries, options->max_entries, 1))) {
        return false;
    }
    if (!likely(cache_take_from(&cache->n_bytes, options->max_bytes, cache->layout.share_bytes))) {
        alone_subtract(&cache->n_entries, 1);
        return false;
    }
    return true;
}

/*
 * Who makes way, in a shard that is being changed; TABLE_NO_SLOT: room was taken. False: there is
 * nobody in this shard, or its table has to grow. Who was chosen has to leave.
 */
static inline __attribute__((always_inline)) bool
choose_locked(struct cache *cache, struct shard *shard, enum fill_way way, uint32_t *ret_slot)
{
    struct table *table = &shard->table;

    lock_assert_held(&shard->lock);
    if (!likely(!has_room(cache))) {
        *ret_slot = TABLE_NO_SLOT;
        return (way == FILL_PLACES || table->n_live < table->n_groups * GROUP_LOAD) &&
               take_room(cache);
    }
    return way == FILL_STAMPS  ? order_oldest(&table->order, ret_slot)
           : way == FILL_SIEVE ? sieve_victim(&table->order, ret_slot)
                               : cache->policy->victim(&table->order, ret_slot);
}

/* The policy is told that who was chosen goes. */
static inline __attribute__((always_inline)) void
tell_locked(struct cache *cache, struct shard *shard, enum fill_way way, uint32_t slot)
{
    struct order *order = &shard->table.order;

    lock_assert_held(&shard->lock);
    if (way == FILL_STAMPS) {
        order_drop_oldest(order);
    } else if (way == FILL_SIEVE) {
        sieve_on_remove(order, slot, NULL);
    } else if (cache->policy->on_remove != NULL) {
        cache->policy->on_remove(order, slot, NULL);
    }
}

/*
 * One that lies whole in its slot leaves room for another such entry: the sums stay as they are,
 * and where nobody makes way the room was taken before.
 */
static inline __attribute__((always_inline)) void
make_way_locked(struct cache *cache, struct shard *shard, enum fill_way way, uint32_t slot)
{
    struct table *table = &shard->table;

    lock_assert_held(&shard->lock);
    if (!likely(slot != TABLE_NO_SLOT)) {
        shard->n_bytes += cache->layout.share_bytes;
        return;
    }
    shard_count_eviction_locked(shard);
    tell_locked(cache, shard, way, slot);
    if (way == FILL_PLACES) {
        table->n_live--;
        shared_store(table_slot(table, slot), 0);
    } else {
        slot_free(table, slot);
        order_set_mark(&table->order, slot, 0);
    }
}

/* Leaves its room to whoever comes next, which needs no more, and gives the rest back. */
static __attribute__((noinline)) void evict_locked(struct cache *cache, struct shard *shard,
                                                   uint32_t slot)
{
    uint64_t n_bytes = cache_take_out_locked(cache, shard, slot, NULL);

    lock_assert_held(&shard->lock);
    shard_count_eviction_locked(shard);
    alone_subtract(&cache->n_bytes, n_bytes - cache->layout.share_bytes);
}

static inline __attribute__((always_inline)) void place_locked(struct cache *cache,
                                                               struct shard *shard,
                                                               enum fill_way way,
                                                               const uint64_t *row, uint64_t hash)
{
    static const struct policy_past nothing;
    struct table *table = &shard->table;
    struct slot_head *head;
    uint32_t slot;

    lock_assert_held(&shard->lock);
    if (way == FILL_PLACES) {
        slot = table_place(table, hash);
        table->n_live++;
        head = order_slot(&table->order, slot);
    } else {
        slot = slot_take(table, tag_of_hash(hash), (uint32_t)(hash >> 32));
        head = order_slot(&table->order, slot);
        order_set_hash(head, (uint32_t)(hash >> 32));
    }
    slot_write_row((char *)head, row, cache->layout.n_row_words);
    if (way == FILL_PLACES) {
        place_show(table, (char *)head);
    }
    if (way == FILL_STAMPS) {
        order_stamp(&table->order, head);
    } else if (way == FILL_SIEVE) {
        sieve_on_insert(&table->order, slot, &nothing);
    } else {
        cache->policy->on_insert(&table->order, slot, &nothing);
    }
}

static inline __attribute__((always_inline)) bool fill_locked(struct cache *cache,
                                                              struct shard *shard,
                                                              enum fill_way way,
                                                              const uint64_t *row, uint64_t hash)
{
    uint32_t slot = TABLE_NO_SLOT;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    if (way == FILL_PLACES) {
        slot = table_find_rival(&shard->table, hash);
    }
    if (!likely(slot != TABLE_NO_SLOT || choose_locked(cache, shard, way, &slot))) {
        shard_end_change_locked(shard);
        return false;
    }
    if (cache->layout.block_at != 0 && slot != TABLE_NO_SLOT &&
        __builtin_expect(table_block(&shard->table, slot) != NULL, 0)) {
        shard_end_change_locked(shard);
        evict_locked(cache, shard, slot);
        slot = TABLE_NO_SLOT;
        shard_begin_change_locked(shard);
    }
    make_way_locked(cache, shard, way, slot);
    place_locked(cache, shard, way, row, hash);
    shard_end_change_locked(shard);
    return true;
}

/* The shard has changed since the key was looked up. */
static __attribute__((noinline)) bool is_still_absent_locked(const struct shard *shard,
                                                             const uint64_t *row, uint64_t hash)
{
    const struct table *table = &shard->table;
    uint32_t n_bytes = table->layout->n_key_bytes;

    lock_assert_held(&shard->lock);
    n_bytes = n_bytes == 0 ? short_key_size((const char *)row) : n_bytes;
    return table_find(table, (struct bytes){row, n_bytes}, hash) == TABLE_NO_SLOT;
}

/* Whom to wake once the lock is released, or NULL. */
static inline _Atomic uint32_t *land_locked(struct shard *shard, uint64_t flight)
{
    lock_assert_held(&shard->lock);
    return likely(flights_land_alone(&shard->flights, flight))
               ? NULL
               : flights_land(&shard->flights, flight, FLIGHT_LANDED);
}

static inline __attribute__((always_inline)) bool
fill(struct cache *cache, enum fill_way way, const uint64_t *row, const struct cache_ticket *ticket)
{
    struct shard *shard = shard_at(cache, ticket->shard);
    _Atomic uint32_t *sleepers = NULL;
    bool is_filled;

    if (!likely(lock_try_acquire(&shard->lock))) {
        return false;
    }
    is_filled = likely(ticket->generation ==
                       atomic_load_explicit(&shard->front.generation, memory_order_relaxed)) &&
                likely(shard_is_current(cache, shard)) &&
                (likely(ticket->absent_at ==
                        atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1) ||
                 is_still_absent_locked(shard, row, ticket->hash)) &&
                fill_locked(cache, shard, way, row, ticket->hash);
    if (likely(is_filled)) {
        sleepers = land_locked(shard, ticket->flight);
        cache_prove_locked(cache, shard);
    }
    lock_release(&shard->lock);
    if (!likely(sleepers == NULL)) {
        futex_wake(sleepers, INT_MAX);
    }
    return is_filled;
}

#define FILL(name, way)                                               \
    static bool fill_##name(struct cache *cache, const uint64_t *row, \
                            const struct cache_ticket *ticket)        \
    {                                                                 \
        return fill(cache, way, row, ticket);                         \
    }

FILL(places, FILL_PLACES)
FILL(stamps, FILL_STAMPS)
FILL(sieve, FILL_SIEVE)
FILL(groups, FILL_GROUPS)

cache_fill_fn cache_fill_code(const struct cache *cache)
{
    const struct table_layout *layout = &cache->layout;

    if (layout->n_row_words < 2 || layout->life_at != 0 || layout->secret ||
        layout->share_bytes > cache->options.max_bytes) {
        return NULL;
    }
    return layout->is_direct                ? fill_places
           : cache->policy == &policy_lru   ? fill_stamps
           : cache->policy == &policy_sieve ? fill_sieve
                                            : fill_groups;
}
