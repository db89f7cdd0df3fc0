// SPDX-License-Identifier: MIT
/*
 * The bounds of a cache: whatever keys there are, and however many shards, all of what was promised
 * can be used, and nothing leaves while there is room. Bounds while many threads press on them are
 * in test_cache_threads.c.
 */
#include "cache_keys.h"
#include "each_policy.h"
#include "standing_clock.h"

#include <errno.h>
#include <pthread.h>

static void fill(struct cache *cache, uint64_t from, uint64_t to, uint32_t n_key_bytes)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;

    for (uint64_t i = from; i < to; i++) {
        struct cache_key *key = make_key(&made, i, n_key_bytes);

        assert_int_equal(look_up(cache, key, 0, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, 0, NULL, &ticket), 0);
    }
}

static bool holds(struct cache *cache, uint64_t i, uint32_t n_key_bytes)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    enum cache_outcome outcome =
        look_up(cache, make_key(&made, i, n_key_bytes), 0, room, &view, &ticket);

    if (outcome == CACHE_MISS) {
        cache_abandon(cache, &ticket);
        return false;
    }
    assert_int_equal(outcome, CACHE_HIT);
    assert_memory_equal(view.data, &i, 8);
    cache_view_release(cache, &view);
    return true;
}

static void test_holds_any_keys(void **state)
{
    static const uint32_t shards[] = {0, 1, 2, 7, 64};

    for (uint32_t i = 0; i < sizeof(shards) / sizeof(shards[0]); i++) {
        struct cache_options options = {.policy = policy_of_state(state),
                                        .max_entries = 4096,
                                        .max_bytes = 64 << 20,
                                        .n_shards = shards[i],
                                        .key_bytes = 8,
                                        .value_bytes = 8,
                                        .single_flight = true};
        struct cache *cache;
        struct cache_usage usage;

        assert_int_equal(cache_create(&options, &cache), 0);
        fill(cache, 0, 4096, 8);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, 4096);
        assert_int_equal(usage.evictions, 0);
        for (uint64_t key = 0; key < 4096; key++) {
            assert_true(holds(cache, key, 8));
        }
        fill(cache, 4096, 4196, 8);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, 4096);
        assert_int_equal(usage.evictions, 100);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* All keys in one shard of many: their hashes agree in the bits that choose it. */
static void test_holds_one_sided_keys(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 3000,
                                    .max_bytes = 64 << 20,
                                    .n_shards = 16,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache *cache;
    struct cache_usage usage;
    struct cache_view view;
    struct cache_ticket ticket;
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];

    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < 3100; i++) {
        struct made_key made;
        struct cache_key *key = make_key(&made, i, 8);

        /* The last hundred go to another shard, which has nothing to evict of its own. */
        key->hash = (key->hash & ~(uint64_t)0xffff00) | (i < 3000 ? 0 : 0xffff00);
        assert_int_equal(look_up(cache, key, 0, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, 0, NULL, &ticket), 0);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, i < 3000 ? i + 1 : 3000);
    }
    /* The first of them found its shard empty; after that the shard evicted its own. */
    assert_int_equal(usage.evictions, 100);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_too_large_changes_nothing(void **state)
{
    static unsigned char large[20000];
    struct cache_options options = {
        .policy = policy_of_state(state), .max_entries = 100, .max_bytes = 10000, .n_shards = 1};
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache *cache;
    struct cache_view view;
    struct cache_ticket ticket;
    struct cache_usage usage;
    struct made_key made;

    assert_int_equal(cache_create(&options, &cache), 0);
    fill(cache, 0, 5, 0);
    look_up(cache, make_key(&made, 99, 0), 0, room, &view, &ticket);
    assert_int_equal(cache_insert(cache, make_key(&made, 3, 0),
                                  (struct bytes){large, sizeof(large)}, 0, NULL, &ticket),
                     -E2BIG);
    for (uint64_t i = 0; i < 5; i++) {
        assert_true(holds(cache, i, 0));
    }
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_bad_options(void **state)
{
    struct cache_options options = {.max_entries = 0, .max_bytes = 1};
    struct cache *cache = NULL;

    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    options = (struct cache_options){.max_entries = 1, .max_bytes = 0};
    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    options =
        (struct cache_options){.max_entries = 1, .max_bytes = 1, .policy = CACHE_POLICY_COUNT};
    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    assert_null(cache);
    /* Bounds beyond all memory cost nothing until they are used. */
    options = (struct cache_options){.max_entries = UINT64_MAX, .max_bytes = UINT64_MAX};
    assert_int_equal(cache_create(&options, &cache), 0);
    fill(cache, 0, 10, 0);
    assert_true(holds(cache, 3, 0));
    cache_destroy(cache);
}

/* The promise of a flat entry: 40 bytes for 8 of key and 8 of value, index and order included. */
static void test_flat_entry_bytes(void **state)
{
    struct cache_options options = {
        .max_entries = 100000, .max_bytes = 64 << 20, .key_bytes = 8, .value_bytes = 8};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    assert_true(cache_entry_bytes(cache, 8, 8) <= 40);
    cache_destroy(cache);
}

/* And of a text of 16, with its frame: 56. What lies in a block does not fit beside it. */
static void test_short_entry_bytes(void **state)
{
    struct cache_options options = {.max_entries = 100000, .max_bytes = 64 << 20, .value_bytes = 4};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    assert_true(cache_entry_bytes(cache, 20, 4) <= 56);
    assert_int_equal(cache_entry_bytes(cache, 0, 4), cache_entry_bytes(cache, 23, 4));
    assert_true(cache_entry_bytes(cache, 24, 4) >= cache_entry_bytes(cache, 23, 4) + 40);
    cache_destroy(cache);
}

/* ---- random runs ----------------------------------------------------------------------------- */

#define N_RANDOM_KEYS 300
#define MAX_SIZE      3000
#define N_FULL        200 /* entries of the cache that two threads fill, half of them each */

static const uint32_t shard_counts[] = {1, 2, 8, 64};

/* The bytes of value that a key has, of every size there is a way to keep. */
static uint32_t size_of(uint64_t number)
{
    static const uint32_t sizes[] = {8, 9, 33, 64, 65, 200, 900, MAX_SIZE};

    return sizes[number * 2654435761u % 8];
}

static bool is_key(void *context, struct bytes key)
{
    const struct cache_key *wanted = context;

    return key.n_bytes == wanted->bytes.n_bytes &&
           memcmp(key.data, wanted->bytes.data, key.n_bytes) == 0;
}

static bool contains(struct cache *cache, const struct cache_key *key)
{
    struct shard *shard = cache_shard(cache, key->hash);

    return table_find(&shard->table, key->bytes, key->hash) != TABLE_NO_SLOT;
}

/* Of the keys below n whatever was there is gone now: the bytes that the largest of them counted.
 */
static uint64_t largest_gone(struct cache *cache, bool *was_there, uint64_t n)
{
    uint64_t largest = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct made_key made;
        const struct cache_key *key = make_key(&made, i, 0);

        if (was_there[i] && !contains(cache, key)) {
            uint64_t n_bytes = cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, size_of(i));

            was_there[i] = false;
            largest = n_bytes > largest ? n_bytes : largest;
        }
    }
    return largest;
}

/*
 * One insert, of a new key or of one that is there. Evictions only if without them a bound had no
 * room for it, and none after there was.
 */
static void insert_and_judge(struct cache *cache, uint64_t number, bool *was_there)
{
    static unsigned char value[MAX_SIZE];
    const struct cache_options *options = &cache->options;
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};
    struct cache_usage before, after;
    struct made_key made;
    struct cache_key *key = make_key(&made, number, 0);
    uint64_t n_bytes = cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, size_of(number));
    bool has_room;

    cache_read_usage(cache, &before);
    has_room = was_there[number] || (before.entries + 1 <= options->max_entries &&
                                     before.bytes + n_bytes <= options->max_bytes);
    assert_int_equal(
        cache_insert(cache, key, (struct bytes){value, size_of(number)}, 0, NULL, &ticket), 0);
    cache_read_usage(cache, &after);
    if (has_room) {
        assert_int_equal(after.evictions, before.evictions);
    } else {
        uint64_t largest = largest_gone(cache, was_there, N_RANDOM_KEYS);

        assert_true(after.evictions > before.evictions);
        assert_true(after.entries + 1 > options->max_entries ||
                    after.bytes + largest > options->max_bytes);
    }
    was_there[number] = true;
    assert_true(contains(cache, key));
}

/* Fills, empties in part and fills again, at random, with bounds of which now one, now the other
 * is reached first. */
static void test_none_leaves_while_there_is_room(void **state)
{
    for (int i = 0; i < 8; i++) {
        struct cache_options options = {.policy = policy_of_state(state),
                                        .max_entries = i < 4 ? 100 : 1000,
                                        .max_bytes = i < 4 ? 1 << 20 : 30000,
                                        .n_shards = shard_counts[i % 4]};
        bool was_there[N_RANDOM_KEYS] = {false};
        struct cache_usage usage;
        struct cache *cache;

        random_state = 0x9e3779b97f4a7c15u + (uint64_t)i;
        assert_int_equal(cache_create(&options, &cache), 0);
        for (int step = 0; step < 4000; step++) {
            /* Half the time more come than go, half the time more go. */
            bool comes = random_below(10) < (step / 500 % 2 == 0 ? 9 : 2);
            uint64_t number = random_below(N_RANDOM_KEYS);
            struct made_key made;

            if (comes) {
                insert_and_judge(cache, number, was_there);
            } else {
                cache_drop(cache, is_key, make_key(&made, number, 0));
                was_there[number] = false;
            }
            if (step % 500 == 0) {
                assert_int_equal(cache_check(cache), 0);
            }
        }
        cache_read_usage(cache, &usage);
        assert_true(usage.evictions > 50 && usage.invalidations > 50);
        cache_destroy(cache);
    }
}

/* One of two threads that fill a cache whose bounds are, to the byte, what both have. */
struct filler {
    struct cache *cache;
    uint64_t first; /* of its own keys; there are N_FULL / 2 */
    uint64_t n_failed;
};

static void *fill_and_drop(void *argument)
{
    static const unsigned char value[MAX_SIZE];
    struct filler *filler = argument;
    struct cache *cache = filler->cache;
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};
    uint64_t random = 77 + filler->first;

    for (int step = 0; step < 6000; step++) {
        struct cache_usage usage;
        struct made_key made;
        struct cache_key *key;
        uint64_t number;

        random = random * 6364136223846793005u + 1442695040888963407u;
        number = filler->first + (random >> 33) % (N_FULL / 2);
        if (step >= 5000) {
            number = filler->first + (uint64_t)step % (N_FULL / 2);
        }
        key = make_key(&made, number, 0);
        if (step < 5000 && random >> 60 == 0) {
            cache_drop(cache, is_key, key);
        } else if (cache_insert(cache, key, (struct bytes){value, size_of(number)}, 0, NULL,
                                &ticket) != 0) {
            filler->n_failed++;
        }
        cache_read_usage(cache, &usage);
        filler->n_failed += usage.evictions != 0 || usage.entries > cache->options.max_entries ||
                            usage.bytes > cache->options.max_bytes;
    }
    return NULL;
}

/* What the first N_FULL keys count in such a cache, if it has the room. */
static uint64_t bytes_of_all(const struct cache_options *options)
{
    uint64_t n_bytes = 0;
    struct cache *cache;

    assert_int_equal(cache_create(options, &cache), 0);
    for (uint64_t number = 0; number < N_FULL; number++) {
        struct made_key made;
        const struct cache_key *key = make_key(&made, number, 0);

        n_bytes += cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, size_of(number));
    }
    cache_destroy(cache);
    return n_bytes;
}

static void test_none_leaves_under_two_threads(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct cache_options options = {.policy = policy_of_state(state),
                                        .max_entries = N_FULL,
                                        .max_bytes = 1 << 20,
                                        .n_shards = shard_counts[i]};
        struct filler fillers[2];
        pthread_t threads[2];
        struct cache_usage usage;
        struct cache *cache;

        options.max_bytes = bytes_of_all(&options);
        assert_int_equal(cache_create(&options, &cache), 0);
        for (uint64_t j = 0; j < 2; j++) {
            fillers[j] = (struct filler){.cache = cache, .first = j * N_FULL / 2};
            pthread_create(&threads[j], NULL, fill_and_drop, &fillers[j]);
        }
        for (int j = 0; j < 2; j++) {
            pthread_join(threads[j], NULL);
            assert_int_equal(fillers[j].n_failed, 0);
        }
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, N_FULL);
        assert_int_equal(usage.bytes, options.max_bytes);
        assert_int_equal(usage.evictions, 0);
        assert_true(usage.invalidations > 0);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

int main(void)
{
    static struct policy_tests tests;

    add_for_policies_with_room(&tests, "holds_any_keys", test_holds_any_keys);
    add_for_policies_with_room(&tests, "holds_one_sided_keys", test_holds_one_sided_keys);
    add_for_policies_with_room(&tests, "none_leaves_while_there_is_room",
                               test_none_leaves_while_there_is_room);
    add_for_policies_with_room(&tests, "none_leaves_under_two_threads",
                               test_none_leaves_under_two_threads);
    add_for_each_policy(&tests, "too_large_changes_nothing", test_too_large_changes_nothing);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_options);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_flat_entry_bytes);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_short_entry_bytes);
    return _cmocka_run_group_tests("cache_bounds", tests.tests, tests.n, let_time_stand, NULL);
}
