// SPDX-License-Identifier: MIT
/*
 * The path of a hit, and the path of a miss: expiry, and waiting for another thread's computation.
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

static inline void note_use(struct cache *cache, struct shard *shard, uint32_t slot,
                            struct slot_head *head)
{
    const struct policy *policy = cache->policy;
    struct order *order = &shard->table.order;
    uint32_t *count;

    if (likely(policy->hit == POLICY_HIT_STAMPS)) {
        order_stamp(order, head);
    } else if (policy->hit == POLICY_HIT_COUNTS) {
        count = order_words(order, slot);
        *count += *count < policy->max_count;
    } else if (policy->hit == POLICY_HIT_MOVES) {
        shard_begin_change(shard);
        policy->on_hit(order, slot);
        shard_end_change(shard);
    }
}

/* Hands the entry out and notes its use. */
static inline void answer(struct cache *cache, struct shard *shard, uint32_t slot, void *room,
                          struct cache_view *ret_view)
{
    const struct table_layout *layout = &cache->layout;
    struct slot_head *head = order_slot(&shard->table.order, slot);
    struct block *block;

    note_use(cache, shard, slot, head);
    ret_view->data = room;
    ret_view->pin = NULL;
    if (layout->n_value_bytes != 0) {
        ret_view->n_bytes = layout->n_value_bytes;
        memcpy(room, (const char *)head + layout->value_at, layout->n_value_bytes);
        return;
    }
    block = table_block(&shard->table, slot);
    ret_view->n_bytes = block->n_value_bytes;
    if (block->n_value_bytes <= CACHE_ROOM_BYTES) {
        memcpy(room, block_value(block), block->n_value_bytes);
    } else {
        block_hold(block);
        ret_view->data = block_value(block);
        ret_view->pin = block;
    }
}

/* The live entry of the key answers; an expired one is removed. */
static __attribute__((noinline)) bool
answer_or_expire_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                        const struct cache_lookup_options *options, struct cache_view *ret_view)
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

/* Gives the lock up while it sleeps, and takes it again, unless it returns CACHE_BYPASS_STUCK. */
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

    deadline_ns = cache_end_ns(clock_precise_ns(), options->wait_timeout_ns);
    flight_sleep(flight, deadline_ns);

    if (!shard_acquire(cache, shard)) {
        return CACHE_BYPASS_STUCK;
    }
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

/* Looks again under the lock: without threads the first look had none. */
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

static __attribute__((noinline)) enum cache_outcome
lookup_slow(struct cache *cache, struct shard *shard, const struct cache_key *key,
            const struct cache_lookup_options *options, struct cache_view *ret_view,
            struct cache_ticket *ret_ticket)
{
    enum cache_outcome outcome;

    if (!shard_acquire(cache, shard)) {
        return CACHE_BYPASS_STUCK;
    }
    outcome = lookup_slow_locked(cache, shard, key, options, ret_view, ret_ticket);
    if (outcome != CACHE_BYPASS_STUCK) {
        lock_release(&shard->lock);
    }
    return outcome;
}

/* True: the entry is there and alive, and has answered. */
static inline bool try_answer(struct cache *cache, struct shard *shard, const struct cache_key *key,
                              const struct cache_lookup_options *options,
                              struct cache_view *ret_view)
{
    uint32_t slot = table_find(&shard->table, key->bytes, key->hash);

    if (likely(slot != TABLE_NO_SLOT && shard_is_current(cache, shard) &&
               is_alive(cache, shard, slot, options->now_ns))) {
        answer(cache, shard, slot, options->room, ret_view);
        return true;
    }
    return false;
}

static __attribute__((noinline)) enum cache_outcome
lookup(struct cache *cache, const struct cache_key *key, const struct cache_lookup_options *options,
       struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    struct shard *shard = cache_shard(cache, key->hash);
    bool is_hit;

    if (__libc_single_threaded) {
        is_hit = try_answer(cache, shard, key, options, ret_view);
    } else {
        if (!shard_acquire(cache, shard)) {
            return CACHE_BYPASS_STUCK;
        }
        is_hit = try_answer(cache, shard, key, options, ret_view);
        lock_release(&shard->lock);
    }
    return likely(is_hit) ? CACHE_HIT
                          : lookup_slow(cache, shard, key, options, ret_view, ret_ticket);
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
    uint32_t mask, at;
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

            if ((table->expiry.life_at != 0 && options->now_ns >= life->expires_ns) ||
                table->order.clock == UINT32_MAX || !shard_is_current(cache, shard)) {
                break;
            }
            head->stamp = ++table->order.clock;
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
