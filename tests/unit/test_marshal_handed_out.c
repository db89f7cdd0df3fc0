// SPDX-License-Identifier: MIT
/*
 * Memory that is handed out and never taken back: static to a thread, to a group of functions, or
 * to one value of an argument. What a program still looks at is neither moved nor given to anybody
 * else.
 */
#include "unit.h"

#include "marshal/marshal_private.h"
#include <pthread.h>
#include <stdio.h>

static int begin(void **state)
{
    return thread_memory_init();
}

/* Different groups and functions have different slots, the same group has one. */
static void test_groups(void **state)
{
    uint32_t alone = thread_memory_new_slot();
    uint32_t times = thread_memory_group_slot("times");
    char again[] = "times"; /* another text of the same content */
    uint32_t names = thread_memory_group_slot("names");

    assert_int_equal(thread_memory_group_slot(again), times);
    assert_int_not_equal(alone, times);
    assert_int_not_equal(names, times);
    assert_int_not_equal(thread_memory_new_slot(), times);
    assert_ptr_equal(thread_memory_get(times, 10), thread_memory_get(times, 10));
    assert_ptr_not_equal(thread_memory_get(times, 10), thread_memory_get(names, 10));
}

/* Nothing is moved when a larger result comes: who looks at the old one finds it. */
static void test_old_results_stay(void **state)
{
    uint32_t slot = tied_memory_new_slot();
    char *small = tied_memory_get(slot, 5, 10), *large;

    strcpy(small, "small");
    large = tied_memory_get(slot, 5, 100000);
    assert_ptr_not_equal(small, large);
    memset(large, 'x', 100000);
    assert_string_equal(small, "small");
    assert_ptr_equal(tied_memory_get(slot, 5, 1), large);
    assert_int_equal((uintptr_t)large % 16, 0);
}

/* Values, 0 among them, and slots do not meet; beyond the bound there is nothing. */
static void test_values_are_apart_and_bounded(void **state)
{
    uint32_t slot = tied_memory_new_slot(), other = tied_memory_new_slot();
    static char *blocks[TIED_MEMORY_MAX_VALUES];

    for (uint64_t i = 0; i < TIED_MEMORY_MAX_VALUES; i++) {
        blocks[i] = tied_memory_get(slot, i << 36, 32);
        assert_non_null(blocks[i]);
        snprintf(blocks[i], 32, "of %llu", (unsigned long long)i);
    }
    assert_null(tied_memory_get(slot, 1, 32));
    assert_null(tied_memory_get(slot, UINT64_MAX, 1));
    assert_non_null(tied_memory_get(other, 1, 32));
    for (uint64_t i = 0; i < TIED_MEMORY_MAX_VALUES; i++) {
        char expected[32];

        snprintf(expected, 32, "of %llu", (unsigned long long)i);
        assert_string_equal(blocks[i], expected);
        assert_ptr_equal(tied_memory_get(slot, i << 36, 32), blocks[i]);
    }
}

static void test_bytes_are_bounded(void **state)
{
    uint32_t slot = tied_memory_new_slot();
    char *first = tied_memory_get(slot, 1, 16);

    assert_null(tied_memory_get(slot, 1, (size_t)1 << 40));
    assert_null(tied_memory_get(slot, 2, (size_t)1 << 40));
    assert_ptr_equal(tied_memory_get(slot, 1, 16), first);
    assert_non_null(tied_memory_get(slot, 2, 16));
}

#define N_THREADS 4
#define N_VALUES  200

static uint32_t shared_slot;

static void *ask_for_all(void *blocks)
{
    void **found = blocks;

    for (uint64_t i = 0; i < N_VALUES; i++) {
        found[i] = tied_memory_get(shared_slot, i, 40);
    }
    return NULL;
}

/* It is the process's, whichever thread asks. */
static void test_threads_get_the_same(void **state)
{
    static void *found[N_THREADS][N_VALUES];
    pthread_t threads[N_THREADS];

    shared_slot = tied_memory_new_slot();
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_all, found[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 1; i < N_THREADS; i++) {
        assert_memory_equal(found[0], found[i], sizeof(found[0]));
    }
    for (int i = 1; i < N_VALUES; i++) {
        assert_non_null(found[0][i]);
        assert_ptr_not_equal(found[0][i], found[0][i - 1]);
    }
}

static void test_slots_end(void **state)
{
    uint32_t n = 0;

    while (tied_memory_new_slot() != TIED_MEMORY_MAX_SLOTS) {
        n++;
    }
    assert_in_range(n, TIED_MEMORY_MAX_SLOTS - 10, TIED_MEMORY_MAX_SLOTS);
    while (thread_memory_new_slot() != THREAD_MEMORY_MAX_SLOTS) {
    }
    assert_int_equal(thread_memory_group_slot("one too many"), THREAD_MEMORY_MAX_SLOTS);
    assert_true(thread_memory_group_slot("times") < THREAD_MEMORY_MAX_SLOTS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_old_results_stay),
        cmocka_unit_test(test_values_are_apart_and_bounded),
        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_threads_get_the_same),
        cmocka_unit_test(test_slots_end),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
