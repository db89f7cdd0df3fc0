// SPDX-License-Identifier: MIT
/*
 * Random numbers, the same in every run, keys made of numbers, and look-ups on a driven clock: what
 * the model of the cache, its bounds and its lives are tested with.
 */
#ifndef TESTS_UNIT_CACHE_KEYS_H
#define TESTS_UNIT_CACHE_KEYS_H

#include "draws.h"
#include "unit.h"

#include "base/hash.h"
#include "cache/cache_private.h"

#include <stdio.h>
#include <string.h>

#define SEED 0x5eed

static uint64_t random_state;

static inline uint64_t random_next(void)
{
    return draw_bits(&random_state);
}

static inline uint32_t random_below(uint32_t n)
{
    return (uint32_t)((random_next() >> 32) * n >> 32);
}

/* Key number i: 8 bytes, or i's decimal digits and as many dots as make i % 50 bytes of it. */
struct made_key {
    unsigned char text[80];
    struct cache_key key;
};

static inline struct cache_key *make_key(struct made_key *made, uint64_t i, uint32_t n_fixed_bytes)
{
    size_t n_bytes = 8;

    if (n_fixed_bytes == 8) {
        memcpy(made->text, &i, 8);
    } else {
        n_bytes = (size_t)snprintf((char *)made->text, sizeof(made->text), "%llu%.*s",
                                   (unsigned long long)i, (int)(i % 50),
                                   "..................................................");
        if (n_fixed_bytes != 0) {
            memset(made->text + n_bytes, '_', sizeof(made->text) - n_bytes);
            n_bytes = n_fixed_bytes;
        }
    }
    made->key.bytes = (struct bytes){made->text, n_bytes};
    made->key.hash = hash_bytes(made->key.bytes, SEED);
    return &made->key;
}

static inline enum cache_outcome look_up(struct cache *cache, const struct cache_key *key,
                                         uint64_t now_ns, void *room, struct cache_view *view,
                                         struct cache_ticket *ticket)
{
    struct cache_lookup_options options = {
        .now_ns = now_ns,
        .owner = &random_state,
        .may_wait = true,
        .wait_timeout_ns = 1000000000,
        .room = room,
    };

    return cache_lookup(cache, key, &options, view, ticket);
}

#endif
