// SPDX-License-Identifier: MIT
/*
 * A function whose misses take the short way, with its argument in a register or in memory, and
 * that does whatever a test wants: for the tests of quick_miss.c.
 */
#ifndef TESTS_QUICK_MISS_SUBJECT_H
#define TESTS_QUICK_MISS_SUBJECT_H

#include "call_subject.h"

#include "call/call_private.h"

#include <errno.h>
#include <sys/single_threaded.h>

static struct call_plan *plan;
static void (*during)(double x); /* what the function does besides */

static inline double twice(double x)
{
    assert_int_equal(memoshim_guard, 0); /* calls of its own are remembered, too */
    n_real++;
    if (during != NULL) {
        during(x);
    }
    return 2 * x;
}

static bool in_memory; /* arguments are, as those of quick_wide.c */

static inline double call_twice(double x)
{
    struct abi_words words;
    double result;

    if (in_memory) {
        memset(&words, 0xa5, sizeof(words));
        memcpy(&words.vectors[0], &x, sizeof(x));
        result = call_plan_words(plan)(plan, &words).vector;
    } else {
        result =
            ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, x).vector;
    }
    assert_int_equal(memoshim_guard, 0);
    assert_true(result == 2 * x);
    return result;
}

static inline void begin(const char *more, bool single_threaded)
{
    char entry[400];

    /* More integers than there is code for, which nobody looks at. */
    snprintf(entry, sizeof(entry),
             in_memory
                 ? "{\"prototype\":\"double f(double x, int a, int b, int c, int d)\",\"args\":"
                   "{\"a\":\"ignore\",\"b\":\"ignore\",\"c\":\"ignore\",\"d\":\"ignore\"}%s}"
                 : "{\"prototype\":\"double f(double x)\"%s}",
             more);
    plan = make_plan("f", entry, (void *)twice);
    assert_true(in_memory ? call_plan_words(plan) != NULL : call_plan_quick(plan) != NULL);
    during = NULL;
    n_real = 0;
    __libc_single_threaded = (char)single_threaded;
}

/* How many calls had which outcome. */
static inline void expect(uint64_t hits, uint64_t stores, uint64_t not_stored, uint64_t bypasses)
{
    struct stats_function read;

    __libc_single_threaded = 1;
    call_plan_read(plan, &read);
    assert_int_equal(stats_counted(read.counters, STATS_hits), hits);
    assert_int_equal(stats_counted(read.counters, STATS_stores), stores);
    assert_int_equal(stats_counted(read.counters, STATS_not_stored), not_stored);
    assert_int_equal(stats_counted(read.counters, STATS_bypasses), bypasses);
}

/* A test of one process that is one with threads the second time. */
#define BOTH_WAYS(alone) for (int alone = 1; alone >= 0; alone--)

static inline int setup_in_memory(void **state)
{
    in_memory = true;
    return call_setup(state);
}

static inline int teardown_in_memory(void **state)
{
    in_memory = false;
    return call_teardown(state);
}

#define BY_BOTH(test)                                                 \
    cmocka_unit_test_setup_teardown(test, call_setup, call_teardown), \
        cmocka_unit_test_setup_teardown(test, setup_in_memory, teardown_in_memory)

#endif
