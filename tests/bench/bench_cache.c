// SPDX-License-Identifier: MIT
/*
 * What a hit costs, against what nobody beats: a direct-mapped memo written by hand for one
 * function of one double, without lock, bound or eviction, with exactly one place for each key. Two
 * figures each: how many hits follow each other when none depends on the one before, and how long a
 * result is waited for when each argument is made of the last result. The ratios are what counts;
 * the machine decides the rest.
 */
#include "base/hash.h"
#include "cache/cache.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEED     0x1234567890abcdefu
#define N_ROUNDS 15
#define N_CALLS  (1u << 18) /* of one round: some milliseconds */

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

static __attribute__((noinline)) double real_function(double x)
{
    return x * 2 + 1;
}

/* ---- the memo ---- */

struct memo_entry {
    uint64_t key;
    double value;
};

static struct memo_entry *memo;
static uint64_t memo_mask;

static inline uint64_t memo_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline struct memo_entry *memo_place(uint64_t key)
{
    return &memo[memo_fold(memo_fold(key ^ SEED, 0xe7037ed1a0b428dbu) ^ SEED, 0x2d358dccaa6c78a5u) &
                 memo_mask];
}

static __attribute__((noinline)) double memo_call(double x)
{
    struct memo_entry *entry;
    uint64_t key;

    memcpy(&key, &x, sizeof(key));
    entry = memo_place(key);
    if (entry->key != key) {
        entry->value = real_function(x);
        entry->key = key;
    }
    return entry->value;
}

/* ---- ours ---- */

static struct cache *cache;

static __attribute__((noinline)) double cache_call(double x)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = {.bytes = {&x, sizeof(x)}};
    struct cache_lookup_options options = {.room = room};
    struct cache_view view;
    struct cache_ticket ticket;
    double value;

    key.hash = hash_bytes(key.bytes, SEED);
    if (cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_HIT) {
        memcpy(&value, view.data, sizeof(value));
        return value;
    }
    value = real_function(x);
    cache_insert(cache, &key, (struct bytes){&value, sizeof(value)}, 0, NULL, &ticket);
    return value;
}

/* ---- measuring ---- */

static double *arguments;

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* ns per call; chained: each argument waits for the last result. */
static double measure_round(double (*call)(double), bool chained)
{
    double sum = 0;
    uint64_t none = 0;
    double start;

    __asm__("" : "+r"(none)); /* nobody can tell that it is 0 */
    start = time_ns();

    for (uint32_t i = 0; i < N_CALLS; i++) {
        double x = arguments[i];

        if (chained) {
            uint64_t bits, last;

            memcpy(&bits, &x, sizeof(bits));
            memcpy(&last, &sum, sizeof(last));
            bits ^= last & none;
            memcpy(&x, &bits, sizeof(x));
            sum = call(x);
        } else {
            sum += call(x);
        }
    }
    __asm__ volatile("" : : "m"(sum));
    return (time_ns() - start) / N_CALLS;
}

struct figures {
    double memo_ns, cache_ns, ratio;
};

static double median(double *values)
{
    qsort(values, N_ROUNDS, sizeof(double), compare);
    return values[N_ROUNDS / 2];
}

/* Measured in turns; the ratio is that of neighbours, so that a busy machine slows down both. */
static struct figures measure(bool chained)
{
    double memo_ns[N_ROUNDS], cache_ns[N_ROUNDS], ratio[N_ROUNDS];

    for (int i = 0; i < N_ROUNDS; i++) {
        memo_ns[i] = measure_round(memo_call, chained);
        cache_ns[i] = measure_round(cache_call, chained);
        ratio[i] = cache_ns[i] / memo_ns[i];
    }
    return (struct figures){median(memo_ns), median(cache_ns), median(ratio)};
}

static bool run(uint32_t n_keys)
{
    struct cache_options options = {.max_entries = n_keys,
                                    .max_bytes = (uint64_t)n_keys * 64,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    double *keys = malloc(n_keys * sizeof(*keys));
    struct figures apart, chained;
    struct cache_usage usage;

    memo = calloc(n_keys, sizeof(*memo));
    memo_mask = n_keys - 1;
    if (keys == NULL || memo == NULL || cache_create(&options, &cache) != 0) {
        return false;
    }
    for (uint32_t n = 0; n < n_keys;) {
        double x = (double)(random_next() >> 11) * 0x1p-53 * 1000;
        uint64_t bits;

        memcpy(&bits, &x, sizeof(bits));
        if (memo_place(bits)->key == 0) { /* each key its own place */
            memo_call(x);
            cache_call(x);
            keys[n++] = x;
        }
    }
    for (uint32_t i = 0; i < N_CALLS; i++) {
        arguments[i] = keys[random_next() % n_keys];
    }
    apart = measure(false);
    chained = measure(true);
    cache_read_usage(cache, &usage);
    printf("%9u %8.1f %8.1f %7.2f %10.1f %8.1f %7.2f %12.1f\n", n_keys, apart.memo_ns,
           apart.cache_ns, apart.ratio, chained.memo_ns, chained.cache_ns, chained.ratio,
           (double)usage.bytes / (double)usage.entries);
    cache_destroy(cache);
    free(memo);
    free(keys);
    return usage.entries == n_keys;
}

int main(void)
{
    static const uint32_t sizes[] = {128, 4096, 65536, 1048576};
    bool is_fine = true;

    arguments = malloc(N_CALLS * sizeof(*arguments));
    if (arguments == NULL) {
        return 1;
    }
    printf("hit, double -> double, one thread, ns (median of %d)\n", N_ROUNDS);
    printf("%9s %26s %28s %12s\n", "", "independent", "each after the last", "bytes per");
    printf("%9s %8s %8s %7s %10s %8s %7s %12s\n", "keys", "memo", "lru", "ratio", "memo", "lru",
           "ratio", "entry");
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        is_fine = run(sizes[i]) && is_fine;
    }
    free(arguments);
    return is_fine ? 0 : 1;
}
