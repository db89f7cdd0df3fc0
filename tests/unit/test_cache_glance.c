// SPDX-License-Identifier: MIT
/*
 * Hits without the lock: which policies take none, that they answer as under the lock, and that
 * what they read while others write is never torn, old or another key's.
 */
#include "cache_call.h"
#include "draws.h"
#include "each_policy.h"
#include "standing_clock.h"

#include <stdlib.h>
#include <sys/single_threaded.h>
#include <unistd.h>

/* ---- a process that has threads ---- */

static void *idle_thread(void *argument)
{
    for (;;) {
        pause();
    }
    return NULL;
}

/* From now on there are two, until the process ends. */
static void become_threaded(void)
{
    static pthread_t thread;

    if (thread == 0) {
        assert_int_equal(pthread_create(&thread, NULL, idle_thread, NULL), 0);
    }
    assert_false(__libc_single_threaded);
}

/* ---- locks ---- */

/* Keys of 8 or 50 bytes, values of n_bytes, all of them the number's last byte. */
struct kind {
    const char *name;
    uint32_t key_bytes, value_bytes; /* as in the options */
    uint32_t n_key_bytes, n_value_bytes;
    uint64_t idle_ns;
    bool may_refresh;
    bool needs_lock; /* whatever the policy */
};

static const struct kind kinds[] = {
    {"word", 8, 8, 8, 8, 0, false, false},
    {"fixed", 50, 61, 50, 61, 0, false, false},
    {"fixed key", 8, 0, 8, 100, 0, false, false},
    {"fixed value", 0, 24, 50, 24, 0, false, false},
    {"short key", 0, 24, 23, 24, 0, false, false},
    {"long key", 0, 8, 24, 8, 0, false, false},
    {"any", 0, 0, 50, CACHE_ROOM_BYTES, 0, false, false},
    {"empty", 0, 0, 0, 0, 0, false, false},
    {"idle", 8, 8, 8, 8, 1000, false, false},
    {"idle, refreshed", 8, 8, 8, 8, 1000, true, false},
    {"too large to copy", 8, 0, 8, CACHE_ROOM_BYTES + 1, 0, false, true},
    {"in a mapping", 0, 0, 50, 5000, 0, false, true},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define N_KEYS  100

static struct cache *create_kind_of(const struct kind *kind, enum cache_policy policy,
                                    uint64_t max_entries, uint32_t n_shards)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = max_entries,
                                    .max_bytes = 64 << 20,
                                    .n_shards = n_shards,
                                    .has_lives = true,
                                    .key_bytes = kind->key_bytes,
                                    .value_bytes = kind->value_bytes,
                                    .idle_ns = kind->idle_ns,
                                    .may_refresh = kind->may_refresh,
                                    .single_flight = true};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

static struct cache *create_kind(const struct kind *kind, enum cache_policy policy)
{
    return create_kind_of(kind, policy, policy == CACHE_POLICY_direct ? 1 << 20 : N_KEYS, 4);
}

static struct cache_key kind_key(const struct kind *kind, uint64_t number, unsigned char bytes[50])
{
    struct cache_key key = {.bytes = {bytes, kind->n_key_bytes}};

    memset(bytes, 0, 50);
    memcpy(bytes, &number, sizeof(number));
    key.hash = hash_bytes(key.bytes, SEED);
    return key;
}

static enum cache_outcome look_up_kind(struct cache *cache, const struct kind *kind,
                                       uint64_t number, uint64_t now_ns,
                                       struct cache_ticket *ret_ticket)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    unsigned char bytes[50];
    struct cache_key key = kind_key(kind, number, bytes);
    struct cache_lookup_options options = {
        .now_ns = now_ns, .owner = thread_self(), .may_wait = true, .room = room};
    struct cache_view view;
    enum cache_outcome outcome = cache_lookup(cache, &key, &options, &view, ret_ticket);

    if (outcome == CACHE_HIT) {
        const unsigned char *at = view.data;

        assert_int_equal(view.n_bytes, kind->n_value_bytes);
        for (uint32_t i = 0; i < view.n_bytes; i++) {
            assert_int_equal(at[i], (unsigned char)number);
        }
        cache_view_release(cache, &view);
    }
    return outcome;
}

static void put_kind(struct cache *cache, const struct kind *kind, uint64_t number)
{
    static unsigned char value[5000];
    unsigned char bytes[50];
    struct cache_key key = kind_key(kind, number, bytes);
    struct cache_life life = {.expires_ns = 10000, .early_ns = kind->may_refresh ? 1 : 0};
    struct cache_ticket ticket;

    memset(value, (int)number, sizeof(value));
    assert_int_equal(look_up_kind(cache, kind, number, 10, &ticket), CACHE_MISS);
    assert_int_equal(
        cache_insert(cache, &key, (struct bytes){value, kind->n_value_bytes}, 10, &life, &ticket),
        0);
}

static uint64_t acquired(void)
{
#if MEMOSHIM_CHECKS
    return lock_count_acquired();
#else
    return 0;
#endif
}

static void test_locks_of_hits(void **state)
{
    enum cache_policy policy = policy_of_state(state);

    become_threaded();
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *kind = &kinds[i];
        struct cache *cache = create_kind(kind, policy);
        uint64_t n_keys = kind->n_key_bytes == 0 ? 1 : N_KEYS;
        bool locks = kind->needs_lock || policy == CACHE_POLICY_lru || policy == CACHE_POLICY_mru ||
                     policy == CACHE_POLICY_w_tinylfu;
        struct cache_ticket ticket;
        uint64_t before;

        for (uint64_t number = 0; number < n_keys; number++) {
            put_kind(cache, kind, number);
        }
        before = acquired();
        for (int round = 0; round < 3; round++) {
            for (uint64_t number = 0; number < n_keys; number++) {
                assert_int_equal(
                    look_up_kind(cache, kind, number, 20 + (uint64_t)round * 900, &ticket),
                    CACHE_HIT);
            }
        }
        if (!locks) {
            assert_int_equal(acquired() - before, 0);
        }
        assert_int_equal(cache_check(cache), 0);

        /* At its end, and once the cache was cleared, no entry answers. */
        assert_int_equal(look_up_kind(cache, kind, 0, 10000, &ticket), CACHE_MISS);
        cache_abandon(cache, &ticket);
        cache_fence(cache);
        for (uint64_t number = 0; number < n_keys; number++) {
            assert_int_equal(look_up_kind(cache, kind, number, 20, &ticket), CACHE_MISS);
            cache_abandon(cache, &ticket);
        }
        cache_destroy(cache);
    }
}

/* ---- secrets ---- */

/* An entry that has expired was read before that was found out. */
static void test_no_secret_is_left_behind(void **state)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES] = {0};
    const unsigned char nothing[CACHE_ROOM_BYTES] = {0};
    const uint64_t number = 77;
    struct cache_options made = {.policy = policy_of_state(state),
                                 .max_entries = 10,
                                 .max_bytes = 1 << 20,
                                 .has_lives = true,
                                 .secret = true,
                                 .key_bytes = 8,
                                 .value_bytes = 8};
    struct cache_key key = {.bytes = {&number, sizeof(number)},
                            .hash = hash_bytes((struct bytes){&number, sizeof(number)}, SEED)};
    struct cache_lookup_options options = {.now_ns = 10, .owner = thread_self(), .room = room};
    struct cache_life life = {.expires_ns = 20};
    struct cache_ticket ticket;
    struct cache_view view;
    struct cache *cache;

    become_threaded();
    assert_int_equal(cache_create(&made, &cache), 0);
    assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &key, key.bytes, 10, &life, &ticket), 0);
    options.now_ns = 20;
    assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
    assert_memory_equal(room, nothing, sizeof(room));
    cache_destroy(cache);
}

/* ---- memory that is used again ---- */

#define MAX_TABLES 16

/* A hit may still read, or count, where it saw a table: whatever comes there has slots there. */
static void test_tables_keep_their_places(void **state)
{
    const struct kind *kind = &kinds[2];

    for (uint64_t max_entries = 10; max_entries < 600; max_entries += 13) {
        struct cache *cache =
            create_kind_of(kind, policy_of_state(state), max_entries, /*n_shards=*/1);
        const struct table *table = &cache->shards[0].table;
        struct {
            const void *pages;
            uint32_t n_groups;
        } seen[MAX_TABLES];
        size_t n_seen = 0;

        for (uint64_t number = 0; number < 3 * max_entries; number++) {
            size_t i = 0;

            if (number % max_entries == 0) {
                cache_clear(cache);
            }
            put_kind(cache, kind, number);
            while (i < n_seen && seen[i].pages != table->groups) {
                i++;
            }
            if (i == n_seen) {
                assert_true(n_seen < MAX_TABLES);
                seen[n_seen].pages = table->groups;
                seen[n_seen++].n_groups = table->n_groups;
            }
            assert_int_equal(seen[i].n_groups, table->n_groups);
        }
        cache_destroy(cache);
    }
}

/* ---- torn reads ---- */

#define N_TORN_KEYS 300 /* more than the cache holds */
#define VALUE_WORDS (CACHE_ROOM_BYTES / 8)
#define N_THREADS   4

struct torn {
    struct cache *cache;
    const struct kind *kind;
    uint32_t n_operations;
    uint64_t seed;
    uint64_t n_hits, n_wrong, n_passed_by;
};

/* Of each key: what fills write, and the oldest that may still be found. */
static _Atomic uint64_t written[N_TORN_KEYS], visible[N_TORN_KEYS];

/* A value says whose it is, and of which version, in every word. */
static uint64_t torn_word(uint64_t number, uint64_t version)
{
    return number << 32 | version;
}

static void torn_fill(struct torn *torn, struct cache_key *key, uint64_t number,
                      const struct cache_ticket *ticket)
{
    uint64_t version = atomic_load(&written[number]);
    uint64_t words[VALUE_WORDS];

    for (int i = 0; i < VALUE_WORDS; i++) {
        words[i] = torn_word(number, version);
    }
    cache_insert(torn->cache, key, (struct bytes){words, torn->kind->n_value_bytes}, 0, NULL,
                 ticket);
}

static bool is_whole(const struct torn *torn, uint64_t number, uint64_t version,
                     const struct cache_view *view)
{
    uint64_t words[VALUE_WORDS];

    if (view->n_bytes != torn->kind->n_value_bytes) {
        return false;
    }
    memcpy(words, view->data, view->n_bytes);
    for (uint32_t i = 0; i < view->n_bytes / 8; i++) {
        if (words[i] != words[0]) {
            return false;
        }
    }
    return words[0] >= torn_word(number, version) && words[0] >> 32 == number;
}

/* Once the cache was cleared, nobody may see what was computed before. */
static void renew(struct cache *cache, uint64_t number)
{
    uint64_t version = atomic_fetch_add(&written[number], 1) + 1;
    uint64_t seen = atomic_load(&visible[number]);

    cache_clear(cache);
    while (seen < version && !atomic_compare_exchange_weak(&visible[number], &seen, version)) {
    }
}

/* Looks up, fills, begins new versions, and clears: each key's values only get newer. */
static void *torn_thread(void *argument)
{
    struct torn *torn = argument;
    uint64_t random = torn->seed;

    for (uint32_t i = 0; i < torn->n_operations; i++) {
        _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
        uint64_t number = (draw_bits(&random) >> 20) % N_TORN_KEYS;
        unsigned char bytes[50];
        struct cache_key key = kind_key(torn->kind, number, bytes);
        uint64_t version = atomic_load(&visible[number]);
        struct cache_lookup_options options = {
            .owner = thread_self(), .may_wait = true, .wait_timeout_ns = PATIENCE, .room = room};
        struct cache_view view;
        struct cache_ticket ticket;
        enum cache_outcome outcome = cache_lookup(torn->cache, &key, &options, &view, &ticket);

        if (outcome == CACHE_HIT || outcome == CACHE_HIT_AFTER_WAIT) {
            torn->n_hits++;
            torn->n_wrong += !is_whole(torn, number, version, &view);
            cache_view_release(torn->cache, &view);
        } else if (outcome == CACHE_MISS) {
            torn_fill(torn, &key, number, &ticket);
        } else {
            torn->n_passed_by++;
        }
        if (random % 512 == 0) {
            renew(torn->cache, number);
        }
    }
    return NULL;
}

static void test_nothing_is_torn(void **state)
{
    const char *scale = getenv("MEMOSHIM_TEST_SCALE");

    for (size_t i = 0; i < N_KINDS; i++) {
        struct torn torn[N_THREADS];
        pthread_t threads[N_THREADS];
        struct cache *cache;
        uint64_t n_hits = 0;

        if (kinds[i].n_key_bytes == 0 || kinds[i].n_value_bytes > CACHE_ROOM_BYTES ||
            kinds[i].n_value_bytes % 8 != 0) {
            continue;
        }
        cache = create_kind(&kinds[i], policy_of_state(state));
        for (int j = 0; j < N_THREADS; j++) {
            torn[j] =
                (struct torn){.cache = cache,
                              .kind = &kinds[i],
                              .n_operations = 5000 * (scale != NULL ? (uint32_t)atoi(scale) : 1),
                              .seed = 7 + (uint64_t)j};
            pthread_create(&threads[j], NULL, torn_thread, &torn[j]);
        }
        join_many(threads, N_THREADS);
        for (int j = 0; j < N_THREADS; j++) {
            assert_int_equal(torn[j].n_wrong, 0);
            assert_int_equal(torn[j].n_passed_by, 0);
            n_hits += torn[j].n_hits;
        }
        assert_true(n_hits > 0);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

int main(void)
{
    static struct policy_tests tests;

    add_for_each_policy(&tests, "locks_of_hits", test_locks_of_hits);
    add_for_each_policy(&tests, "no_secret_is_left_behind", test_no_secret_is_left_behind);
    add_for_each_policy(&tests, "tables_keep_their_places", test_tables_keep_their_places);
    add_for_each_policy(&tests, "nothing_is_torn", test_nothing_is_torn);
    return _cmocka_run_group_tests("cache_glance", tests.tests, tests.n, let_time_stand, NULL);
}
