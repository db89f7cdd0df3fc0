// SPDX-License-Identifier: MIT
/*
 * Computations in progress, one shard's: who computes which key, and who sleeps until it is done. A
 * flight is found by its whole key. It ends when its owner lands it, or is given up when somebody
 * waited for it, or found it older, than a waiter's patience: its owner may be gone for good.
 *
 * Guarded by the shard's lock, apart from flight_sleep, which must be called without it.
 */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "base/bytes.h"
#include "cache/block.h"
#include "cache/cache.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FLIGHT_INLINE_KEY_BYTES 32

struct flight {
    _Atomic uint32_t state; /* futex word: FLIGHT_* */
    uint32_t n_waiters;     /* nobody else may use the place while somebody sleeps on state */
    uint64_t serial;        /* of this use of the place, 1 and up; 0: free */
    uint64_t generation;    /* of the cache when it began */
    uint64_t hash;
    uint64_t started_ns; /* clock_coarse_ns; 0: nobody has asked yet */
    const void *owner;
    uint32_t n_key_bytes;
    uint32_t early;          /* of the entry that it refreshes, until it has landed; else 0 */
    bool may_be_joined;      /* false once it was given up */
    struct block *key_block; /* for keys that do not fit below */
    unsigned char key[FLIGHT_INLINE_KEY_BYTES];
};

enum flight_state {
    FLIGHT_ALOFT,
    FLIGHT_LANDED,
    FLIGHT_LANDED_STALE, /* with what cache_fall_back found */
};

struct flights {
    struct flight *places; /* n_places of them, in the cache's memory */
    uint32_t n_places;     /* at most FLIGHT_MAX_PLACES */
    uint32_t n_used;       /* places from here on are free */
    uint64_t last_serial;
    struct block_pool *pool; /* of long keys */
    bool secret;
};

#define FLIGHT_MAX_PLACES 256

void flights_init(struct flights *flights, struct flight *places, uint32_t n_places,
                  struct block_pool *pool, bool secret);

/* In a forked child: nothing is in progress and nobody waits. Long keys leak if !pool_is_whole. */
void flights_after_fork(struct flights *flights, bool pool_is_whole);

/* The flight of this key and generation that may be joined, or NULL. */
struct flight *flights_find(struct flights *flights, struct bytes key, uint64_t hash,
                            uint64_t generation);

/*
 * Registers a flight and returns its name for flights_land; 0 when every place is taken or there
 * is no memory for the key. Flights that nobody waits for and that are older than patience_ns make
 * way. now_ns 0: see flight_is_older.
 */
uint64_t flights_begin(struct flights *flights, struct bytes key, uint64_t hash,
                       uint64_t generation, const void *owner, uint64_t now_ns,
                       uint64_t patience_ns);

/*
 * Whether flights_begin_alone may be asked while others are in progress, in a process without
 * threads, whose thread is the owner. If it computes nothing, what it began it has left, and is
 * given up. False: this key is being computed, or nothing can be said of it here.
 */
bool flights_may_begin_alone(struct flights *flights, struct bytes key, uint64_t hash,
                             uint64_t generation, const void *owner, bool is_computing);

/*
 * flights_begin in a process without threads, and without the lock, of a key of at most
 * FLIGHT_INLINE_KEY_BYTES bytes, in words. Without others in progress, or after
 * flights_may_begin_alone. There is a place behind those that are used.
 */
static inline uint64_t flights_begin_alone(struct flights *flights, struct bytes key, uint64_t hash,
                                           uint64_t generation, const void *owner)
{
    uint32_t place = flights->n_used;
    struct flight *flight = flights->places;

    if (__builtin_expect(place != 0, 0)) {
        flight += place;
    }
    shared_read(flight->key, key.data, 8);
    if (__builtin_expect(key.n_bytes > 8, 0)) {
        shared_read(flight->key + 8, (const char *)key.data + 8, key.n_bytes - 8);
    }
    flight->n_key_bytes = (uint32_t)key.n_bytes;
    flight->hash = hash;
    flight->generation = generation;
    flight->owner = owner;
    flight->started_ns = 0;
    flight->early = 0;
    flight->may_be_joined = true;
    atomic_store_explicit(&flight->state, FLIGHT_ALOFT, memory_order_relaxed);
    flight->serial = ++flights->last_serial;
    atomic_signal_fence(memory_order_release); /* a handler may leave, or fork, from here */
    flights->n_used = place + 1;
    return flight->serial * FLIGHT_MAX_PLACES + place;
}

/*
 * The same beside other threads, under the lock, of a key of any size: true, then ret_name is that
 * of the flight. False: somebody computes this key, or there is no place; flights_begin finds out.
 */
static inline bool flights_try_begin(struct flights *flights, struct bytes key, uint64_t hash,
                                     uint64_t generation, const void *owner, uint64_t *ret_name)
{
    if (__builtin_expect(flights->n_used != 0, 0) &&
        (flights->n_used == flights->n_places ||
         flights_find(flights, key, hash, generation) != NULL)) {
        return false;
    }
    *ret_name = __builtin_expect(key.n_bytes <= FLIGHT_INLINE_KEY_BYTES, 1)
                    ? flights_begin_alone(flights, key, hash, generation, owner)
                    : flights_begin(flights, key, hash, generation, owner, 0, 0);
    return true;
}

/* The flight of that name if it is still the one in its place, or NULL. */
struct flight *flights_named(struct flights *flights, uint64_t name);

/* The entry that the flight of that name refreshes, if it does, is replaced. */
void flights_note_refreshed(struct flights *flights, uint64_t name);

/* The key that a flight computes, while it has its place. */
struct bytes flight_key(const struct flight *flight);

/*
 * Ends the flight of that name, which is FLIGHT_ALOFT no longer but how, if it is still the one in
 * its place; 0 and old names are ignored. Returns the word to wake all sleepers on once the lock is
 * released, or NULL.
 */
_Atomic uint32_t *flights_land(struct flights *flights, uint64_t name, enum flight_state how);

/*
 * The same, as landed, for what flights_begin_alone has begun, or for 0. False: others have come
 * meanwhile, and flights_land is to be called.
 */
static inline bool flights_land_alone(struct flights *flights, uint64_t name)
{
    struct flight *flight = flights->places;
    uint32_t place = name % FLIGHT_MAX_PLACES;

    if (__builtin_expect(name == 0, 0)) {
        return true;
    }
    if (__builtin_expect(place != 0, 0)) {
        flight += place;
    }
    if (__builtin_expect(flights->n_used != place + 1 ||
                             flight->serial != name / FLIGHT_MAX_PLACES || flight->n_waiters != 0 ||
                             flights->secret || flight->key_block != NULL,
                         0)) {
        return false;
    }
    flight->serial = 0;
    flights->n_used = place;
    return true;
}

/* Ends every flight (the cache is cleared). Wakes by itself. */
void flights_land_all(struct flights *flights);

/* More than patience_ns have passed since it began, or since this was first asked if that is not
 * known. */
bool flight_is_older(struct flight *flight, uint64_t now_ns, uint64_t patience_ns);

/* No lookup joins this flight any more; those who sleep on it may still be answered by it. */
void flights_give_up(struct flights *flights, struct flight *flight);

/* The same for each flight whose key matches. */
void flights_give_up_matching(struct flights *flights, cache_match_fn matches, void *context);

/* Joins and leaves: between the two the place is kept. */
void flights_join(struct flight *flight);
void flights_leave(struct flights *flights, struct flight *flight);

/* Sleeps until the flight has landed or deadline_ns of clock_precise_ns has come. */
void flight_sleep(struct flight *flight, uint64_t deadline_ns);

static inline enum flight_state flight_state(const struct flight *flight)
{
    return atomic_load_explicit(&flight->state, memory_order_acquire);
}

#endif
