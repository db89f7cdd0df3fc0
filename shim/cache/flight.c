// SPDX-License-Identifier: MIT
/*
 * A short array that is searched from the front: there are as many flights as threads that compute
 * at once, seldom more than a few. A name is the serial of a flight and its place, so that a ticket
 * that comes back after its flight was given up, and its place taken by another, finds nothing.
 */
#include "cache/flight.h"

#include "base/clock.h"

#include <limits.h>
#include <string.h>

struct bytes flight_key(const struct flight *flight)
{
    const void *data = flight->key_block != NULL ? block_value(flight->key_block) : flight->key;

    return (struct bytes){data, flight->n_key_bytes};
}

void flights_init(struct flights *flights, struct flight *places, uint32_t n_places,
                  struct block_pool *pool, bool secret)
{
    *flights = (struct flights){
        .places = places,
        .n_places = n_places,
        .pool = pool,
        .secret = secret,
    };
}

static void forget_free_places(struct flights *flights)
{
    while (flights->n_used > 0 && flights->places[flights->n_used - 1].serial == 0) {
        flights->n_used--;
    }
}

/* The place is free once the flight is over and the last sleeper has left. */
static void place_free(struct flights *flights, struct flight *flight)
{
    struct block *key_block = flight->key_block;

    flight->key_block = NULL; /* first: a child forked in between must not release it again */
    if (key_block != NULL) {
        block_release(flights->pool, key_block);
    }
    if (flights->secret) {
        block_wipe(flight->key, sizeof(flight->key));
    }
    flight->serial = 0;
    forget_free_places(flights);
}

void flights_after_fork(struct flights *flights, bool pool_is_whole)
{
    for (uint32_t i = 0; i < flights->n_places; i++) {
        struct flight *flight = &flights->places[i];

        flight->n_waiters = 0;
        if (!pool_is_whole) {
            flight->key_block = NULL;
        }
        if (flight->serial != 0) {
            place_free(flights, flight);
        }
    }
    flights->n_used = 0;
}

struct flight *flights_find(struct flights *flights, struct bytes key, uint64_t hash,
                            uint64_t generation)
{
    for (uint32_t i = 0; i < flights->n_used; i++) {
        struct flight *flight = &flights->places[i];

        if (flight->serial != 0 && flight->hash == hash && flight->generation == generation &&
            flight->may_be_joined && flight->n_key_bytes == key.n_bytes &&
            (key.n_bytes == 0 || memcmp(flight_key(flight).data, key.data, key.n_bytes) == 0)) {
            return flight;
        }
    }
    return NULL;
}

bool flight_is_older(struct flight *flight, uint64_t now_ns, uint64_t patience_ns)
{
    if (flight->started_ns == 0) {
        flight->started_ns = now_ns;
    }
    return now_ns > flight->started_ns && now_ns - flight->started_ns > patience_ns;
}

static struct flight *place_take(struct flights *flights, uint64_t now_ns, uint64_t patience_ns)
{
    for (uint32_t i = 0; i < flights->n_places; i++) {
        struct flight *flight = &flights->places[i];

        if (flight->serial != 0 && flight->n_waiters == 0 &&
            flight_is_older(flight, now_ns, patience_ns)) {
            place_free(flights, flight);
        }
        if (flight->serial == 0) {
            return flight;
        }
    }
    return NULL;
}

uint64_t flights_begin(struct flights *flights, struct bytes key, uint64_t hash,
                       uint64_t generation, const void *owner, uint64_t now_ns,
                       uint64_t patience_ns)
{
    struct flight *flight = place_take(flights, now_ns, patience_ns);
    struct block *key_block = NULL;
    uint32_t place;

    if (flight == NULL) {
        return 0;
    }
    if (key.n_bytes > FLIGHT_INLINE_KEY_BYTES) {
        key_block = block_create(flights->pool, (struct bytes){NULL, 0}, key);
        if (key_block == NULL) {
            return 0;
        }
    } else if (key.n_bytes > 0) {
        memcpy(flight->key, key.data, key.n_bytes);
    }
    flight->key_block = key_block;
    flight->n_key_bytes = (uint32_t)key.n_bytes;
    flight->hash = hash;
    flight->generation = generation;
    flight->owner = owner;
    flight->started_ns = now_ns;
    flight->early = 0;
    flight->may_be_joined = true;
    flight->n_waiters = 0;
    flight->serial = ++flights->last_serial;
    atomic_store_explicit(&flight->state, FLIGHT_ALOFT, memory_order_relaxed);
    place = (uint32_t)(flight - flights->places);
    if (flights->n_used <= place) {
        flights->n_used = place + 1;
    }
    return flight->serial * FLIGHT_MAX_PLACES + place;
}

bool flights_may_begin_alone(struct flights *flights, struct bytes key, uint64_t hash,
                             uint64_t generation, const void *owner, bool is_computing)
{
    for (uint32_t i = flights->n_used; i-- > 0 && !is_computing;) {
        struct flight *flight = &flights->places[i];

        if (flight->serial != 0 && flight->owner == owner && flight->n_waiters == 0) {
            place_free(flights, flight);
        }
    }
    forget_free_places(flights);
    return flights->n_used < flights->n_places &&
           flights_find(flights, key, hash, generation) == NULL;
}

struct flight *flights_named(struct flights *flights, uint64_t name)
{
    struct flight *flight = &flights->places[name % FLIGHT_MAX_PLACES];

    return name == 0 || flight->serial != name / FLIGHT_MAX_PLACES ? NULL : flight;
}

void flights_note_refreshed(struct flights *flights, uint64_t name)
{
    struct flight *flight = flights_named(flights, name);

    if (flight != NULL) {
        flight->early = 0;
    }
}

_Atomic uint32_t *flights_land(struct flights *flights, uint64_t name, enum flight_state how)
{
    struct flight *flight = flights_named(flights, name);

    if (flight == NULL) {
        return NULL;
    }
    flight->may_be_joined = false;
    atomic_store_explicit(&flight->state, how, memory_order_release);
    if (flight->n_waiters > 0) {
        return &flight->state;
    }
    place_free(flights, flight);
    return NULL;
}

void flights_land_all(struct flights *flights)
{
    for (uint32_t i = 0; i < flights->n_places; i++) {
        struct flight *flight = &flights->places[i];

        if (flight->serial != 0) {
            _Atomic uint32_t *word =
                flights_land(flights, flight->serial * FLIGHT_MAX_PLACES + i, FLIGHT_LANDED);

            if (word != NULL) {
                futex_wake(word, INT_MAX);
            }
        }
    }
}

void flights_give_up(struct flights *flights, struct flight *flight)
{
    flight->may_be_joined = false;
    if (flight->n_waiters == 0) {
        place_free(flights, flight);
    }
}

void flights_give_up_matching(struct flights *flights, cache_match_fn matches, void *context)
{
    for (uint32_t i = 0; i < flights->n_places; i++) {
        struct flight *flight = &flights->places[i];

        if (flight->serial != 0 && flight->may_be_joined && matches(context, flight_key(flight))) {
            flights_give_up(flights, flight);
        }
    }
}

void flights_join(struct flight *flight)
{
    flight->n_waiters++;
}

void flights_leave(struct flights *flights, struct flight *flight)
{
    flight->n_waiters--;
    if (flight->n_waiters == 0 && !flight->may_be_joined) {
        place_free(flights, flight);
    }
}

void flight_sleep(struct flight *flight, uint64_t deadline_ns)
{
    while (flight_state(flight) == FLIGHT_ALOFT) {
        uint64_t now_ns = clock_precise_ns();

        if (now_ns >= deadline_ns) {
            return;
        }
        futex_wait(&flight->state, FLIGHT_ALOFT, deadline_ns - now_ns);
    }
}
