// SPDX-License-Identifier: MIT
/*
 * What a hit costs under each policy: in a process without threads, and in one that has some, alone
 * and beside a second thread that hits the same cache; with a thousand keys, and with one that both
 * want. lru once more with 16 shards. CPU time of the thread that is measured, in ns.
 */
#include "base/hash.h"
#include "base/lock.h"
#include "cache/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SEED     7
#define N_CALLS  1000000
#define N_ROUNDS 5

struct caller {
    struct cache *cache;
    uint64_t n_keys;
    uint64_t random;
    _Atomic bool *is_over; /* NULL: after N_CALLS */
    double ns;             /* a call */
};

static double time_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void call(struct caller *caller)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.owner = thread_self(), .room = room};
    uint64_t number;
    struct cache_key key = {.bytes = {&number, sizeof(number)}};
    struct cache_view view;
    struct cache_ticket ticket;

    caller->random ^= caller->random << 13;
    caller->random ^= caller->random >> 7;
    caller->random ^= caller->random << 17;
    number = (caller->random >> 20) % caller->n_keys;
    key.hash = hash_bytes(key.bytes, SEED);
    if (cache_lookup(caller->cache, &key, &options, &view, &ticket) == CACHE_MISS) {
        cache_insert(caller->cache, &key, key.bytes, 0, NULL, &ticket);
    }
}

static void measure(struct caller *caller)
{
    caller->ns = 1e9;
    for (int round = 0; round < N_ROUNDS; round++) {
        double began = time_ns(), ns;

        for (int i = 0; i < N_CALLS; i++) {
            call(caller);
        }
        ns = (time_ns() - began) / N_CALLS;
        caller->ns = ns < caller->ns ? ns : caller->ns;
    }
}

static void *call_until_over(void *argument)
{
    struct caller *caller = argument;

    while (!*caller->is_over) {
        call(caller);
    }
    return NULL;
}

/* The best round, with a second thread at it if is_over is given. */
static double hit_ns(struct cache *cache, uint64_t n_keys, _Atomic bool *is_over)
{
    struct caller caller = {.cache = cache, .n_keys = n_keys, .random = 5};
    struct caller other = {.cache = cache, .n_keys = n_keys, .random = 9, .is_over = is_over};
    pthread_t thread;

    if (is_over == NULL) {
        measure(&caller);
        return caller.ns;
    }
    *is_over = false;
    if (pthread_create(&thread, NULL, call_until_over, &other) != 0) {
        exit(1);
    }
    measure(&caller);
    *is_over = true;
    pthread_join(thread, NULL);
    return caller.ns;
}

#define N_LINES (CACHE_POLICY_COUNT + 1)

static const char *const names[N_LINES] = {
#define CACHE_POLICY(name, symbol, word, help) word,
#include "cache/policies.def"
#undef CACHE_POLICY
    "lru, 16 shards",
};

static struct cache *create(int line)
{
    struct cache_options options = {
        .policy = line < CACHE_POLICY_COUNT ? (enum cache_policy)line : CACHE_POLICY_lru,
        .max_entries = line == CACHE_POLICY_direct ? 1 << 16 : 1000,
        .max_bytes = 64 << 20,
        .n_shards = line < CACHE_POLICY_COUNT ? 1 : 16,
        .key_bytes = 8,
        .value_bytes = 8,
    };
    struct cache *cache;

    if (cache_create(&options, &cache) != 0) {
        exit(1);
    }
    return cache;
}

static void *idle(void *argument)
{
    pthread_mutex_lock(argument);
    pthread_mutex_unlock(argument);
    return NULL;
}

int main(void)
{
    static pthread_mutex_t is_running = PTHREAD_MUTEX_INITIALIZER;
    static const uint64_t n_keys[2] = {1000, 1};
    double ns[N_LINES][2][3];
    struct cache *caches[N_LINES];
    _Atomic bool is_over;
    pthread_t thread;

    for (int line = 0; line < N_LINES; line++) {
        caches[line] = create(line);
        for (int i = 0; i < 2; i++) {
            ns[line][i][0] = hit_ns(caches[line], n_keys[i], NULL);
        }
    }
    pthread_mutex_lock(&is_running);
    if (pthread_create(&thread, NULL, idle, &is_running) != 0) {
        return 1;
    }
    for (int line = 0; line < N_LINES; line++) {
        for (int i = 0; i < 2; i++) {
            ns[line][i][1] = hit_ns(caches[line], n_keys[i], NULL);
            ns[line][i][2] = hit_ns(caches[line], n_keys[i], &is_over);
        }
        cache_destroy(caches[line]);
    }
    pthread_mutex_unlock(&is_running);
    pthread_join(thread, NULL);

    printf("a hit, one word -> one word, ns of CPU (best of %d)\n", N_ROUNDS);
    printf("%-16s%34s%34s\n", "", "1000 keys", "one key");
    printf("%-16s%12s%11s%11s%12s%11s%11s\n", "policy", "no threads", "threads", "two hit",
           "no threads", "threads", "two hit");
    for (int line = 0; line < N_LINES; line++) {
        printf("%-16s", names[line]);
        for (int i = 0; i < 2; i++) {
            printf("%12.1f%11.1f%11.1f", ns[line][i][0], ns[line][i][1], ns[line][i][2]);
        }
        printf("\n");
    }
    return 0;
}
