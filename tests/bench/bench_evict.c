// SPDX-License-Identifier: MIT
/*
 * What it costs to evict, under each policy, in a cache of one shard that is full: the look-up and
 * the insert of a new key, first when all keys are new, then when a hit of one that came lately
 * follows each of them. sieve has the least to do: what others take beyond it is the price of their
 * order. Last the longest single call. Nanoseconds of the thread, interrupts included, the least of
 * a few rounds.
 *
 * bench_evict [POLICY [ENTRIES]]: only these, the latter for a profiler.
 */
#include "tests/unit/policy_words.h"

#include "base/hash.h"
#include "cache/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SEED     7
#define N_ROUNDS 3

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double time_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* True: a miss, which is stored now. */
static bool call(struct cache *cache, uint64_t number)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.room = room};
    struct cache_key key = {.bytes = {&number, sizeof(number)}};
    struct cache_view view;
    struct cache_ticket ticket;

    key.hash = hash_bytes(key.bytes, SEED);
    return cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_MISS &&
           cache_insert(cache, &key, key.bytes, 0, NULL, &ticket) == 0;
}

static struct cache *create(enum cache_policy policy, uint64_t max_entries)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = max_entries,
                                    .max_bytes = (uint64_t)1 << 40,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8,
                                    .seed = SEED};
    struct cache *cache = NULL;

    if (cache_create(&options, &cache) != 0) {
        exit(1);
    }
    return cache;
}

static uint64_t next_key;

static double measure_new(struct cache *cache, uint64_t n)
{
    double began = time_ns();

    for (uint64_t i = 0; i < n; i++) {
        call(cache, next_key++);
    }
    return (time_ns() - began) / (double)n;
}

/* For each miss; its hit is in that. */
static double measure_mixed(struct cache *cache, uint64_t n_entries, uint64_t n)
{
    double began = time_ns();

    for (uint64_t i = 0; i < n; i++) {
        call(cache, next_key++);
        call(cache, next_key - 1 - random_next() % n_entries / 2);
    }
    return (time_ns() - began) / (double)n;
}

static double measure_longest(struct cache *cache, uint64_t n)
{
    double longest = 0;

    for (uint64_t i = 0; i < n; i++) {
        double began = time_ns(), ns;

        call(cache, next_key++);
        ns = time_ns() - began;
        longest = ns > longest ? ns : longest;
    }
    return longest;
}

static void least(double *least, double value)
{
    *least = value < *least ? value : *least;
}

static void run(enum cache_policy policy, uint64_t n_entries)
{
    uint64_t n_calls = n_entries < 200000 ? 400000 : n_entries;
    double new = 1e12, mixed = 1e12, longest = 1e12;
    struct cache *cache = create(policy, n_entries);

    measure_new(cache, n_entries + n_entries / 2);
    for (int round = 0; round < N_ROUNDS; round++) {
        least(&new, measure_new(cache, n_calls));
        least(&mixed, measure_mixed(cache, n_entries, n_calls));
        least(&longest, measure_longest(cache, n_calls));
    }
    cache_destroy(cache);
    printf("%-10s %9llu %10.1f %10.1f %12.0f\n", policy_words[policy],
           (unsigned long long)n_entries, new, mixed, longest);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {64, 4096, 131072, 1048576};

    if (argc == 3) {
        enum cache_policy policy;
        struct cache *cache;

        if (!find_policy(argv[1], &policy)) {
            return 2;
        }
        cache = create(policy, strtoull(argv[2], NULL, 10));
        measure_new(cache, 1000000);
        cache_destroy(cache);
        return 0;
    }
    printf("%-10s %9s %10s %10s %12s\n", "", "entries", "evicts", "and a hit", "longest");
    for (int policy = 0; policy < CACHE_POLICY_COUNT; policy++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            if (argc == 1 || strcmp(argv[1], policy_words[policy]) == 0) {
                run((enum cache_policy)policy, sizes[i]);
            }
        }
    }
    return 0;
}
