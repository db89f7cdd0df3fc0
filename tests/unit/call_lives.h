// SPDX-License-Identifier: MIT
/*
 * A function that finds some numbers and not others, or is down, or slow, by moving the clock; and
 * calls of it of which the test says whether they take a real one.
 */
#ifndef TESTS_UNIT_CALL_LIVES_H
#define TESTS_UNIT_CALL_LIVES_H

#include "call_subject.h"

#include "cache/cache_private.h"
#include "call/call_private.h"

static bool is_down;
static int failure = -1;
static uint64_t takes_ns;

/* Three outcomes: even numbers are found, odd ones are not, and nothing is when it is down. */
static inline int look(int x)
{
    n_real++;
    clock_now_ns += takes_ns;
    return is_down ? failure : x % 2 == 0 ? x : -2;
}

static uint64_t tick_ns;

static inline int lives_setup(void **state)
{
    is_down = false;
    failure = -1;
    takes_ns = 0;
    tick_ns = clock_coarse_lag_ns(); /* the true time may be so much later than the clock says */
    return call_setup(state);
}

static inline struct call_plan *make(const char *keys)
{
    char entry[1000];

    snprintf(entry, sizeof(entry), "{\"prototype\":\"int f(int x)\",%s}", keys);
    return make_plan("f", entry, (void *)look);
}

static inline uint64_t count_of(const struct call_plan *plan, enum stats_counter counter)
{
    return stats_counted(plan->counters, counter);
}

/* The call's answer, and whether it took a real call. */
static inline void expect(struct call_plan *plan, int x, int answer, bool is_real)
{
    int n_before = n_real;

    assert_int_equal(call_int(plan, x), answer);
    assert_int_equal(n_real - n_before, is_real);
}

#endif
