// SPDX-License-Identifier: MIT
/*
 * Replays a trace, one unsigned number a line on standard input, through caches of one word for one
 * word, and prints for each how often it had the key: replay_trace [POLICY:ENTRIES:SHARDS:SEED]...
 * The seed is that of hashes and draws.
 */
#include "tests/unit/policy_words.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *keys;
static size_t n_keys;

static bool read_keys(void)
{
    size_t n_room = 0;
    uint64_t key;

    while (scanf("%" SCNu64, &key) == 1) {
        if (n_keys == n_room) {
            n_room = n_room == 0 ? 1 << 16 : n_room * 2;
            keys = realloc(keys, n_room * sizeof(*keys));
            if (keys == NULL) {
                return false;
            }
        }
        keys[n_keys++] = key;
    }
    return feof(stdin) && n_keys > 0;
}

static bool replay(struct cache *cache, uint64_t seed, uint64_t *ret_n_hits)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.room = room};
    uint64_t n_hits = 0;

    for (size_t i = 0; i < n_keys; i++) {
        struct cache_key key = {.bytes = {&keys[i], sizeof(keys[i])}};
        struct cache_view view;
        struct cache_ticket ticket;

        key.hash = hash_bytes(key.bytes, seed);
        if (cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_HIT) {
            n_hits++;
        } else if (cache_insert(cache, &key, key.bytes, 0, NULL, &ticket) != 0) {
            return false;
        }
    }
    *ret_n_hits = n_hits;
    return true;
}

int main(int argc, char **argv)
{
    if (!read_keys()) {
        fputs("no trace on standard input\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct cache_options options = {.max_bytes = 1 << 30, .key_bytes = 8, .value_bytes = 8};
        struct cache *cache;
        char word[20];
        uint64_t n_hits;

        if (sscanf(argv[i], "%19[^:]:%" SCNu64 ":%" SCNu32 ":%" SCNu64, word, &options.max_entries,
                   &options.n_shards, &options.seed) != 4 ||
            !find_policy(word, &options.policy) || cache_create(&options, &cache) != 0) {
            fprintf(stderr, "no cache can be made for %s\n", argv[i]);
            return 2;
        }
        if (!replay(cache, options.seed, &n_hits) || cache_check(cache) != 0) {
            fprintf(stderr, "%s failed\n", argv[i]);
            return 1;
        }
        printf("%s %" PRIu64 "\n", argv[i], n_hits);
        cache_destroy(cache);
    }
    return 0;
}
