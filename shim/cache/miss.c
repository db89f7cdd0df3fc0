// SPDX-License-Identifier: MIT
/*
 * The path of a miss: who computes, and who waits for another thread's computation. If somebody may
 * have been faster since the first look, it looks again, under the lock.
 */
#include "cache/cache_private.h"

#include "base/clock.h"

static enum cache_outcome miss(struct cache *cache, struct shard *shard, uint64_t flight,
                               struct cache_ticket *ret_ticket)
{
    *ret_ticket = (struct cache_ticket){
        .generation = atomic_load_explicit(&cache->generation, memory_order_acquire),
        .flight = flight,
        .cache = cache,
        .shard = (uint32_t)(shard - cache->shards),
    };
    return CACHE_MISS;
}

static enum cache_outcome take_over_locked(struct cache *cache, struct shard *shard,
                                           const struct cache_key *key,
                                           const struct cache_lookup_options *options,
                                           struct cache_view *ret_view,
                                           struct cache_ticket *ret_ticket);

/*
 * Gives the lock up while it sleeps, and takes it again, unless it returns CACHE_BYPASS_STUCK.
 * has_waited: for another flight before this one.
 */
static enum cache_outcome wait_locked(struct cache *cache, struct shard *shard,
                                      struct flight *flight, const struct cache_key *key,
                                      const struct cache_lookup_options *options, bool has_waited,
                                      struct cache_view *ret_view, struct cache_ticket *ret_ticket)
{
    struct cache_lookup_options later = *options;
    uint64_t began_ns;
    enum flight_state state;

    lock_assert_held(&shard->lock);
    began_ns = clock_precise_ns(); /* whoever is counted as waiting has begun to */
    flights_join(flight);
    lock_release(&shard->lock);

    flight_sleep(flight, cache_end_ns(began_ns, options->wait_timeout_ns));
    later.now_ns = cache_end_ns(options->now_ns, clock_precise_ns() - began_ns);

    if (!shard_acquire(cache, shard)) {
        return CACHE_BYPASS_STUCK;
    }
    state = flight_state(flight);
    if (state == FLIGHT_ALOFT) {
        flight->may_be_joined = false; /* the next miss does not wait for it again */
    }
    flights_leave(&shard->flights, flight);
    if (cache_answer_or_expire_locked(cache, shard, key, &later, ret_view)) {
        return CACHE_HIT_AFTER_WAIT;
    }
    if (state == FLIGHT_LANDED_STALE &&
        cache_answer_stale_locked(cache, shard, key, later.now_ns, later.room, ret_view)) {
        return CACHE_STALE_AFTER_WAIT;
    }
    if (state != FLIGHT_ALOFT) {
        return miss(cache, shard, 0, ret_ticket);
    }
    return has_waited ? CACHE_BYPASS_TIMEOUT
                      : take_over_locked(cache, shard, key, &later, ret_view, ret_ticket);
}

/*
 * The owner of the flight may be gone. The first whose patience ends computes in its place, and the
 * others wait for that one: so an owner that never comes back costs one more call, not one for
 * each. Nobody waits for a third.
 */
static enum cache_outcome take_over_locked(struct cache *cache, struct shard *shard,
                                           const struct cache_key *key,
                                           const struct cache_lookup_options *options,
                                           struct cache_view *ret_view,
                                           struct cache_ticket *ret_ticket)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    struct flight *successor = flights_find(&shard->flights, key->bytes, key->hash, generation);

    lock_assert_held(&shard->lock);
    if (successor != NULL) {
        return wait_locked(cache, shard, successor, key, options, true, ret_view, ret_ticket);
    }
    return miss(cache, shard,
                flights_begin(&shard->flights, key->bytes, key->hash, generation, options->owner,
                              clock_coarse_ns(), options->wait_timeout_ns),
                ret_ticket);
}

/*
 * Early recomputation of an entry that is still served to all others: until its flight is over, no
 * hit finds that it should, so none takes the lock for it. Not if somebody computes it already. If
 * whoever does never comes back, the entry ends when it would have.
 */
static bool begin_refresh_locked(struct cache *cache, struct shard *shard,
                                 const struct cache_key *key,
                                 const struct cache_lookup_options *options,
                                 struct cache_ticket *ret_ticket)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    uint32_t slot = table_find(&shard->table, key->bytes, key->hash);
    struct slot_life *life;
    uint64_t flight;

    lock_assert_held(&shard->lock);
    if (slot == TABLE_NO_SLOT || !shard_is_alive(shard, slot, options->now_ns)) {
        return false;
    }
    life = expiry_life(&shard->table.expiry, slot);
    if (!cache->options.single_flight) {
        miss(cache, shard, 0, ret_ticket);
        return true;
    }
    if (atomic_load_explicit(&life->early, memory_order_relaxed) == 0 ||
        flights_find(&shard->flights, key->bytes, key->hash, generation) != NULL) {
        return false;
    }
    flight = flights_begin(&shard->flights, key->bytes, key->hash, generation, options->owner,
                           clock_coarse_ns(), options->wait_timeout_ns);
    if (flight == 0) {
        return false;
    }
    flights_named(&shard->flights, flight)->early =
        atomic_exchange_explicit(&life->early, 0, memory_order_relaxed);
    miss(cache, shard, flight, ret_ticket);
    return true;
}

static enum cache_outcome join_or_begin_locked(struct cache *cache, struct shard *shard,
                                               const struct cache_key *key,
                                               const struct cache_lookup_options *options,
                                               struct cache_view *ret_view,
                                               struct cache_ticket *ret_ticket)
{
    uint64_t generation = atomic_load_explicit(&cache->generation, memory_order_acquire);
    /* Real time, whatever drives options->now_ns; not if there is nobody whose flight could be old.
     */
    uint64_t now_ns = __libc_single_threaded && shard->flights.n_used == 0 ? 0 : clock_coarse_ns();
    struct flight *flight;

    lock_assert_held(&shard->lock);
    flight = flights_find(&shard->flights, key->bytes, key->hash, generation);
    /* Its owner may be gone, or is: who may wait computes nothing, so what it began it has left. */
    if (flight != NULL && (flight_is_older(flight, now_ns, options->wait_timeout_ns) ||
                           (flight->owner == options->owner && options->may_wait))) {
        flights_give_up(&shard->flights, flight);
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
    return wait_locked(cache, shard, flight, key, options, false, ret_view, ret_ticket);
}

enum cache_outcome cache_look_again_locked(struct cache *cache, struct shard *shard,
                                           const struct cache_key *key,
                                           const struct cache_lookup_options *options,
                                           enum cache_sight sight, struct cache_view *ret_view,
                                           struct cache_ticket *ret_ticket)
{
    uint32_t sequence = atomic_load_explicit(&shard->front.sequence, memory_order_relaxed);
    enum cache_outcome outcome;

    lock_assert_held(&shard->lock);
    if (sight == CACHE_SIGHT_DUE && begin_refresh_locked(cache, shard, key, options, ret_ticket)) {
        return CACHE_REFRESH;
    }
    if (sight != CACHE_SIGHT_NOTHING &&
        cache_answer_or_expire_locked(cache, shard, key, options, ret_view)) {
        return CACHE_HIT;
    }
    outcome = cache->options.single_flight
                  ? join_or_begin_locked(cache, shard, key, options, ret_view, ret_ticket)
                  : miss(cache, shard, 0, ret_ticket);
    if (outcome == CACHE_MISS && cache->layout.life_at == 0 &&
        atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) == sequence) {
        ret_ticket->absent_at = sequence + 1;
        ret_ticket->hash = key->hash;
    }
    return outcome;
}
