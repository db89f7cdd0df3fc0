// SPDX-License-Identifier: MIT
/* A cache with lives, asked and filled at times that the test says. */
#ifndef TESTS_UNIT_CACHE_LIVES_H
#define TESTS_UNIT_CACHE_LIVES_H

#include "cache_call.h"

static inline struct cache *create_with(struct cache_options options)
{
    struct cache *cache;

    options.max_entries = options.max_entries == 0 ? 100 : options.max_entries;
    options.max_bytes = 64 << 20;
    options.has_lives = true;
    options.single_flight = true;
    options.key_bytes = options.value_bytes = 8;
    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

static inline struct call call_at(struct cache *cache, uint64_t number, uint64_t now_ns)
{
    struct call call = {.cache = cache,
                        .number = number,
                        .now_ns = now_ns,
                        .patience_ns = PATIENCE,
                        .may_wait = true};

    call_look_up(&call);
    return call;
}

/* The value is the number, times two. */
static inline void put(struct cache *cache, uint64_t number, uint64_t now_ns,
                       struct cache_life life)
{
    struct call call = call_at(cache, number, now_ns);

    assert_int_equal(call.outcome, CACHE_MISS);
    call.life = life;
    assert_int_equal(call_insert(&call, 2 * number), 0);
}

static inline void assert_hit(struct cache *cache, uint64_t number, uint64_t now_ns)
{
    struct call call = call_at(cache, number, now_ns);

    assert_int_equal(call.outcome, CACHE_HIT);
    assert_int_equal(call.value, 2 * number);
}

static inline void assert_miss(struct cache *cache, uint64_t number, uint64_t now_ns)
{
    struct call call = call_at(cache, number, now_ns);

    assert_int_equal(call.outcome, CACHE_MISS);
    cache_abandon(cache, &call.ticket);
}

static inline struct cache_usage usage_of(struct cache *cache)
{
    struct cache_usage usage;

    assert_int_equal(cache_check(cache), 0);
    cache_read_usage(cache, &usage);
    return usage;
}

#endif
