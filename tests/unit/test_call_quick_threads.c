// SPDX-License-Identifier: MIT
/*
 * Several threads in one cache by the short ways: each key is computed once where there is room for
 * all, whoever asks first; where there is none, each answer is right, the counts agree with what
 * the function has counted itself, and the cache is as full as it may be, and whole.
 */
#include "call_subject.h"

#include "call/call_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/single_threaded.h>

#define N_THREADS 12 /* more than have a count of their own */
#define N_KEYS    600
#define N_CALLS   6000

static struct call_plan *plan;
static _Atomic uint32_t n_computed[N_KEYS];
static _Atomic uint64_t n_all;
static _Atomic uint32_t n_wrong;
static pthread_barrier_t barrier;

static uint64_t note(uint64_t key)
{
    atomic_fetch_add(&n_computed[key], 1);
    atomic_fetch_add(&n_all, 1);
    return key * 3 + 1;
}

/* ---- one of each kind of function ------------------------------------------------------------ */

static double of_double(double x)
{
    return (double)note((uint64_t)x);
}

static double ask_double(uint64_t key)
{
    double x = (double)key;
    struct abi_words words = {.integers = {0}};

    memcpy(&words.vectors[0], &x, sizeof(x));
    return call_plan_quick(plan) == NULL
               ? call_plan_words(plan)(plan, &words).vector
               : ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, x)
                     .vector;
}

static int of_text(const char *text)
{
    return (int)note((uint64_t)strtoul(text + 4, NULL, 10));
}

static double ask_text(uint64_t key)
{
    char text[40];
    struct abi_words words = {.integers = {(uintptr_t)text}};

    snprintf(text, sizeof(text), key % 5 == 0 ? "key %llu with a tail too long" : "key %llu",
             (unsigned long long)key);
    return (double)(call_plan_quick(plan) == NULL
                        ? call_plan_words(plan)(plan, &words)
                        : ((struct abi_both(*)(uint64_t, struct call_plan *))call_plan_quick(plan))(
                              (uintptr_t)text, plan))
        .integer;
}

static int of_out(int number, uint64_t *pair)
{
    pair[0] = note((uint64_t)number);
    pair[1] = ~pair[0];
    return 7;
}

static double ask_out(uint64_t key)
{
    uint64_t pair[2] = {0, 0};
    struct abi_words words = {.integers = {key, (uintptr_t)pair}};
    struct abi_both result =
        call_plan_quick(plan) == NULL
            ? call_plan_words(plan)(plan, &words)
            : ((struct abi_both(*)(uint64_t, uint64_t, struct call_plan *))call_plan_quick(plan))(
                  key, (uintptr_t)pair, plan);

    return (int)result.integer == 7 && pair[1] == ~pair[0] ? (double)pair[0] : 0;
}

static const struct kind {
    const char *name, *types, *entry;
    void *function;
    double (*ask)(uint64_t key);
} kinds[] = {
    {"double", "", "\"prototype\":\"double f(double x)\"", (void *)of_double, ask_double},
    {"text", "", "\"prototype\":\"int f(const char *text)\",\"args\":{\"text\":\"string\"}",
     (void *)of_text, ask_text},
    {"out", "struct pair { unsigned long a, b; };",
     "\"prototype\":\"int f(int number, struct pair *pair)\","
     "\"args\":{\"pair\":{\"out\":\"struct pair\"}}",
     (void *)of_out, ask_out},
};

/* ---- the threads ----------------------------------------------------------------------------- */

static const struct kind *kind;

static void *call_in_thread(void *argument)
{
    uint64_t number = (uintptr_t)argument, random = number + 1;

    pthread_barrier_wait(&barrier);
    for (uint64_t i = 0; i < N_CALLS; i++) {
        uint64_t key;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        key = (random >> 20) % N_KEYS;
        if (kind->ask(key) != (double)(key * 3 + 1)) {
            atomic_fetch_add(&n_wrong, 1);
        }
    }
    assert_int_equal(memoshim_guard, 0);
    return NULL;
}

static void call_in_threads(const char *policy, uint32_t max_entries, uint32_t n_shards,
                            const char *more)
{
    pthread_t threads[N_THREADS];
    char entry[500];

    snprintf(entry, sizeof(entry),
             "{%s,\"policy\":\"%s\",\"max_entries\":%u,\"shards\":%u,\"guard\":false%s}",
             kind->entry, policy, max_entries, n_shards, more);
    plan = make_typed_plan(kind->types, "f", entry, kind->function);
    assert_true(call_plan_quick(plan) != NULL || call_plan_words(plan) != NULL);
    for (int i = 0; i < N_KEYS; i++) {
        atomic_store(&n_computed[i], 0);
    }
    atomic_store(&n_all, 0);
    atomic_store(&n_wrong, 0);
    pthread_barrier_init(&barrier, NULL, N_THREADS);
    for (uintptr_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_in_thread, (void *)i), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
}

static void expect(uint64_t max_entries, bool is_full)
{
    const uint64_t n_calls = (uint64_t)N_THREADS * N_CALLS;
    struct stats_function read;
    uint64_t n_hits, n_misses;

    call_plan_read(plan, &read);
    n_hits = stats_counted(read.counters, STATS_hits);
    n_misses = stats_counted(read.counters, STATS_misses);
    assert_int_equal(atomic_load(&n_wrong), 0);
    assert_int_equal(n_hits + n_misses, n_calls);
    assert_int_equal(n_misses, atomic_load(&n_all));
    assert_int_equal(stats_counted(read.counters, STATS_bypasses), 0);
    assert_int_equal(stats_counted(read.counters, STATS_stores) +
                         stats_counted(read.counters, STATS_not_stored),
                     n_misses);
    assert_true(read.entries <= max_entries);
    if (is_full) {
        assert_int_equal(read.entries, max_entries);
    }
    /* One that is replaced, by somebody who waited for it and saw it go again, is no eviction. */
    assert_true(stats_counted(read.counters, STATS_stores) - read.evictions - read.expirations >=
                read.entries);
    assert_int_equal(cache_check(plan->cache), 0);
}

static const char *const policies[] = {"lru", "sieve", "s3-fifo", "fifo",     "lfu",
                                       "rr",  "mru",   "direct",  "w-tinylfu"};

static void test_each_key_is_computed_once(void **state)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        kind = &kinds[k];
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            if (strcmp(policies[p], "direct") == 0) {
                continue; /* there one may drive out the other */
            }
            call_in_threads(policies[p], N_KEYS, 1 + 3 * (k % 2), "");
            expect(N_KEYS, true);
            for (int i = 0; i < N_KEYS; i++) {
                assert_int_equal(atomic_load(&n_computed[i]), 1);
            }
        }
    }
}

static void test_all_press_on_a_few_places(void **state)
{
    static const char *const more[] = {"", ",\"single_flight\":false", ",\"ttl\":\"1h\""};

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        kind = &kinds[k];
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            call_in_threads(policies[p], 50, 1, more[p % 3]);
            expect(50, strcmp(policies[p], "direct") != 0);
            call_in_threads(policies[p], 50, 4, more[(p + 1) % 3]);
            expect(50, strcmp(policies[p], "direct") != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_key_is_computed_once, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_all_press_on_a_few_places, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
