// SPDX-License-Identifier: MIT
/*
 * A cache for each value: which goes when there are too many, what a dropped one leaves behind, and
 * that nothing that was begun before is found afterwards, in every order.
 */
#include "cache_call.h"
#include "standing_clock.h"

#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct cache_instances *create_instances(uint32_t max_instances, uint64_t max_entries)
{
    struct cache_options options = {.policy = CACHE_POLICY_lru,
                                    .max_entries = max_entries,
                                    .max_bytes = 1 << 20,
                                    .single_flight = true};
    struct cache_instances *instances;

    assert_int_equal(cache_instances_create(&options, max_instances, &instances), 0);
    return instances;
}

static struct bytes value_bytes(uint64_t *value)
{
    return (struct bytes){value, sizeof(*value)};
}

static struct cache *find(struct cache_instances *instances, uint64_t value)
{
    struct cache *cache = NULL;

    assert_int_equal(cache_instances_find(instances, value_bytes(&value),
                                          hash_bytes(value_bytes(&value), SEED), &cache),
                     0);
    return cache;
}

static void drop(struct cache_instances *instances, uint64_t value)
{
    cache_instances_drop(instances, value_bytes(&value), hash_bytes(value_bytes(&value), SEED));
}

/* Looks key up in the cache of value, and stores it if it is not there. */
static bool ask(struct cache_instances *instances, uint64_t value, uint64_t key)
{
    struct call call = {
        .cache = find(instances, value), .number = value * 1000 + key, .patience_ns = PATIENCE};

    call_look_up(&call);
    if (call.outcome == CACHE_MISS) {
        assert_int_equal(call_insert(&call, key), 0);
    }
    return call.outcome == CACHE_HIT;
}

static void expect_usage(struct cache_instances *instances, uint64_t n_instances, uint64_t entries,
                         uint64_t evictions, uint64_t invalidations)
{
    struct cache_usage usage;
    uint64_t n;

    cache_instances_read_usage(instances, &usage, &n);
    assert_int_equal(n, n_instances);
    assert_int_equal(usage.entries, entries);
    assert_int_equal(usage.evictions, evictions);
    assert_int_equal(usage.invalidations, invalidations);
    assert_int_equal(cache_instances_check(instances), 0);
}

static void test_each_value_has_its_own(void **state)
{
    struct cache_instances *instances = create_instances(10, 5);

    for (uint64_t value = 0; value < 10; value++) {
        for (uint64_t key = 0; key < 5; key++) {
            assert_false(ask(instances, value, key));
        }
    }
    for (uint64_t value = 0; value < 10; value++) {
        for (uint64_t key = 0; key < 5; key++) {
            assert_true(ask(instances, value, key));
        }
    }
    expect_usage(instances, 10, 50, 0, 0);
    assert_false(ask(instances, 3, 5)); /* a sixth in one of them evicts there only */
    expect_usage(instances, 10, 50, 1, 0);
    assert_false(ask(instances, 3, 0));
    assert_true(ask(instances, 4, 0));
    cache_instances_destroy(instances);
}

static void test_the_least_recently_used_goes(void **state)
{
    struct cache_instances *instances = create_instances(3, 100);

    for (uint64_t value = 1; value <= 3; value++) {
        for (uint64_t key = 0; key < value; key++) {
            ask(instances, value, key);
        }
    }
    assert_true(ask(instances, 1, 0));
    ask(instances, 4, 0); /* 2 goes, with 2 entries */
    expect_usage(instances, 3, 1 + 3 + 1, 2, 0);
    assert_true(ask(instances, 1, 0));
    assert_true(ask(instances, 3, 2));
    assert_false(ask(instances, 2, 0)); /* and 4 goes, with 1 */
    expect_usage(instances, 3, 1 + 3 + 1, 3, 0);
    cache_instances_destroy(instances);
}

static void test_drop_and_clear(void **state)
{
    struct cache_instances *instances = create_instances(4, 100);

    for (uint64_t value = 0; value < 4; value++) {
        ask(instances, value, 0);
        ask(instances, value, 1);
    }
    drop(instances, 2);
    drop(instances, 77);
    expect_usage(instances, 3, 6, 0, 2);
    assert_true(ask(instances, 3, 1));
    assert_false(ask(instances, 2, 1));
    expect_usage(instances, 4, 7, 0, 2);
    cache_instances_clear(instances);
    expect_usage(instances, 0, 0, 0, 9);
    assert_false(ask(instances, 3, 1));
    cache_instances_fence(instances); /* takes no lock; what is there goes when it is asked for */
    assert_false(ask(instances, 3, 1));
    assert_true(ask(instances, 3, 1));
    expect_usage(instances, 1, 1, 0, 10);
    cache_instances_reset_counts(instances);
    expect_usage(instances, 1, 1, 0, 0);
    cache_instances_destroy(instances);
}

/* One invalidation of each kind, at each point of a computation. */
static void test_fencing(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        for (int at = 0; at < 3; at++) {
            struct cache_instances *instances = create_instances(1, 100);
            struct call call = {.number = 1, .patience_ns = PATIENCE};

            for (int step = 0; step < 3; step++) {
                if (step == 0) {
                    call.cache = find(instances, 5); /* and is slow to go on */
                }
                if (step == at) {
                    if (kind == 0) {
                        drop(instances, 5);
                    } else if (kind == 1) {
                        cache_instances_clear(instances);
                    } else if (kind == 2) {
                        cache_instances_fence(instances);
                    } else {
                        find(instances, 6); /* 5 has to go */
                    }
                }
                if (step == 0) {
                    call_look_up(&call);
                    assert_int_equal(call.outcome, CACHE_MISS);
                }
                if (step == 1) {
                    call_insert(&call, 1);
                }
            }
            /* Whatever became of it: it is not found. */
            call.cache = find(instances, 5);
            call_look_up(&call);
            assert_int_equal(call.outcome, CACHE_MISS);
            assert_int_equal(cache_instances_check(instances), 0);
            cache_instances_destroy(instances);
        }
    }
}

/* A computation that began in a cache while no value had it, and ends when one has. */
static void test_what_began_between_two_values(void **state)
{
    struct cache_instances *instances = create_instances(1, 100);
    struct call call = {.cache = find(instances, 5), .number = 1, .patience_ns = PATIENCE};

    drop(instances, 5);
    call_look_up(&call);
    assert_ptr_equal(find(instances, 5), call.cache);
    assert_int_equal(call_insert(&call, 1), -ESTALE);
    call_look_up(&call);
    assert_int_equal(call.outcome, CACHE_MISS);
    cache_instances_destroy(instances);
}

static void test_long_values(void **state)
{
    struct cache_instances *instances = create_instances(100, 10);
    char text[400];
    struct cache *caches[300], *cache;

    for (int round = 0; round < 2; round++) {
        for (int n = 200; n < 300; n++) {
            struct bytes value = {text, (size_t)n};

            memset(text, 'x', sizeof(text));
            assert_int_equal(
                cache_instances_find(instances, value, hash_bytes(value, SEED), &cache), 0);
            if (round == 1) {
                assert_ptr_equal(cache, caches[n]);
            }
            caches[n] = cache;
        }
    }
    assert_int_equal(cache_instances_check(instances), 0);
    cache_instances_destroy(instances);
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long size, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident * 4096;
}

static uint64_t count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    uint64_t n = 0;
    int c;

    while ((c = fgetc(file)) != EOF) {
        n += c == '\n';
    }
    fclose(file);
    return n;
}

/* Memory is that of the bound, whatever came and went, and little of it stays after a clear. */
static void test_a_million_values(void **state)
{
    struct cache_instances *instances = create_instances(64, 100);
    const char *scale = getenv("MEMOSHIM_TEST_SCALE");
    uint64_t n_values = scale != NULL && atof(scale) > 1 ? 1000000 : 100000;
    uint64_t settled = 0, settled_mappings = 0;

    for (uint64_t value = 0; value < n_values; value++) {
        ask(instances, value, 0);
        if (value == 1000) {
            settled = resident_bytes();
            settled_mappings = count_mappings();
        }
    }
    assert_true(has_shadow_memory() || resident_bytes() < settled + (1 << 20));
    assert_true(count_mappings() < settled_mappings + 64);
    expect_usage(instances, 64, 64, n_values - 64, 0);
    cache_instances_clear(instances);
    assert_true(has_shadow_memory() || resident_bytes() < settled + (1 << 18));
    expect_usage(instances, 0, 0, n_values - 64, 64);
    cache_instances_destroy(instances);
}

static uint64_t address_space_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long n_pages = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &n_pages), 1);
    fclose(file);
    return n_pages * pages_size();
}

/* A program may be held to so much (ulimit -v), and needs it itself. */
static void test_many_small_caches_take_little_address_space(void **state)
{
    const uint64_t n = 1000;
    struct cache_instances *instances = create_instances((uint32_t)n, 10);
    uint64_t before = address_space_bytes();

    for (uint64_t value = 0; value < n; value++) {
        assert_false(ask(instances, value, 1));
    }
    assert_in_range(address_space_bytes() - before, 0, n * 128 * 1024);
    cache_instances_destroy(instances);
}

static void test_a_child_starts_anew(void **state)
{
    for (int is_torn = 0; is_torn < 2; is_torn++) {
        struct cache_instances *instances = create_instances(4, 100);

        ask(instances, 1, 0);
        ask(instances, 2, 0);
        drop(instances, 2);
        ask(instances, 3, 0);
        if (is_torn) {
            assert_true(lock_acquire(&*(struct lock *)instances)); /* it is the first member */
            lock_release((struct lock *)instances);
            *(_Atomic uint32_t *)instances = LOCK_HELD; /* by a thread that is not in the child */
        }
        cache_instances_after_fork(instances);
        expect_usage(instances, is_torn ? 0 : 2, is_torn ? 0 : 2, 0, is_torn ? 3 : 1);
        assert_int_equal(ask(instances, 3, 0), !is_torn);
        ask(instances, 4, 0);
        ask(instances, 5, 0);
        ask(instances, 6, 0);
        assert_int_equal(cache_instances_check(instances), 0);
        cache_instances_destroy(instances);
    }
}

/* Each value's answers are its own, whoever is evicted and dropped meanwhile. */
static void *use_many(void *argument)
{
    struct cache_instances *instances = argument;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    for (int i = 0; i < 60000; i++) {
        uint64_t value = (uint64_t)rand_r(&seed) % 24;
        struct call call = {.cache = find(instances, value),
                            .number = value * 1000 + (uint64_t)rand_r(&seed) % 5,
                            .patience_ns = PATIENCE};

        call_look_up(&call);
        if (call.outcome == CACHE_MISS) {
            call_insert(&call, call.number);
        } else if (call.outcome == CACHE_HIT) {
            assert_int_equal(call.value, call.number);
        }
        if (i % 64 == 0) {
            drop(instances, value);
        }
        if (i % 4096 == 0) {
            cache_instances_clear(instances);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct cache_instances *instances = create_instances(16, 4);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_many, instances), 0);
    }
    join_many(threads, 4);
    assert_int_equal(cache_instances_check(instances), 0);
    cache_instances_clear(instances);
    assert_int_equal(cache_instances_check(instances), 0);
    cache_instances_destroy(instances);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_has_its_own),
        cmocka_unit_test(test_the_least_recently_used_goes),
        cmocka_unit_test(test_drop_and_clear),
        cmocka_unit_test(test_fencing),
        cmocka_unit_test(test_what_began_between_two_values),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_a_million_values),
        cmocka_unit_test(test_many_small_caches_take_little_address_space),
        cmocka_unit_test(test_a_child_starts_anew),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, let_time_stand, NULL);
}
