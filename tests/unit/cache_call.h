// SPDX-License-Identifier: MIT
/* One caller of a cache, as call/ is one: the tests of flights and of threads drive it by these. */
#ifndef TESTS_UNIT_CACHE_CALL_H
#define TESTS_UNIT_CACHE_CALL_H

#include "unit.h"

#include "base/hash.h"
#include "cache/cache_private.h"

#include <pthread.h>
#include <sched.h>

#define SEED     7
#define PATIENCE (30ull * 1000000000) /* longer than any test runs */

static inline struct cache *create(enum cache_policy policy, uint64_t max_entries,
                                   uint32_t n_shards)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = max_entries,
                                    .max_bytes = 64 << 20,
                                    .n_shards = n_shards,
                                    .single_flight = true};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

struct call {
    struct cache *cache;
    uint64_t number; /* of the key */
    uint64_t patience_ns;
    bool may_wait;
    uint32_t n_extra_key_bytes;
    uint64_t now_ns;
    struct cache_life life; /* of what it inserts, in a cache with lives */
    enum cache_outcome outcome;
    struct cache_ticket ticket;
    uint64_t value; /* after a hit */
};

/* The key's bytes lie in buffer. */
static inline struct cache_key call_key(const struct call *call, unsigned char buffer[200])
{
    struct cache_key key = {.bytes = {buffer, sizeof(call->number) + call->n_extra_key_bytes}};

    memset(buffer, 0, 200);
    memcpy(buffer, &call->number, sizeof(call->number));
    key.hash = hash_bytes(key.bytes, SEED);
    return key;
}

static inline void call_look_up(struct call *call)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    unsigned char buffer[200];
    struct cache_key key = call_key(call, buffer);
    struct cache_view view;
    struct cache_lookup_options options = {
        .now_ns = call->now_ns,
        .owner = thread_self(),
        .may_wait = call->may_wait,
        .wait_timeout_ns = call->patience_ns,
        .room = room,
    };

    call->outcome = cache_lookup(call->cache, &key, &options, &view, &call->ticket);
    if (call->outcome == CACHE_HIT || call->outcome == CACHE_HIT_AFTER_WAIT ||
        call->outcome == CACHE_STALE_AFTER_WAIT) {
        memcpy(&call->value, view.data, sizeof(call->value));
        cache_view_release(call->cache, &view);
    }
}

static inline bool call_fall_back(struct call *call)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    unsigned char buffer[200];
    struct cache_key key = call_key(call, buffer);
    struct cache_view view;

    if (!cache_fall_back(call->cache, &key, call->now_ns, room, &call->ticket, &view)) {
        return false;
    }
    memcpy(&call->value, view.data, sizeof(call->value));
    cache_view_release(call->cache, &view);
    return true;
}

static inline int call_insert(const struct call *call, uint64_t value)
{
    unsigned char buffer[200];
    struct cache_key key = call_key(call, buffer);

    return cache_insert(call->cache, &key, (struct bytes){&value, 8}, call->now_ns,
                        call->cache->options.has_lives ? &call->life : NULL, &call->ticket);
}

static inline void *call_thread(void *argument)
{
    call_look_up(argument);
    return NULL;
}

static inline uint32_t count_waiters(struct cache *cache)
{
    uint32_t n_waiters = 0;

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];

        assert_true(lock_acquire(&shard->lock));
        for (uint32_t j = 0; j < shard->flights.n_used; j++) {
            n_waiters += shard->flights.places[j].n_waiters;
        }
        lock_release(&shard->lock);
    }
    return n_waiters;
}

static inline void await_waiters(struct cache *cache, uint32_t n_waiters)
{
    while (count_waiters(cache) != n_waiters) {
        sched_yield();
    }
}

static inline void join_many(pthread_t *threads, int n)
{
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
}

static inline void assert_no_flight(struct cache *cache)
{
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        assert_int_equal(cache->shards[i].flights.n_used, 0);
    }
}

#endif
