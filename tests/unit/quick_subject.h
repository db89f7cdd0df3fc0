// SPDX-License-Identifier: MIT
/* What the tests of the short way share: the same calls by it and by the long one. */
#ifndef TESTS_QUICK_SUBJECT_H
#define TESTS_QUICK_SUBJECT_H

#include "call_subject.h"
#include "draws.h"

#include <sys/single_threaded.h>

#define N_CALLS 20000
#define N_KEYS  90 /* of which 64 have room */

static uint64_t random_state;

static inline uint32_t draw(uint32_t n)
{
    return (uint32_t)((draw_bits(&random_state) >> 32) * n >> 32);
}

/* int f(const char *text) of a plan, by its short way and by the long one. */
static inline int call_text(struct call_plan *plan, const char *text)
{
    struct abi_both (*quick)(const char *, struct call_plan *) =
        (struct abi_both(*)(const char *, struct call_plan *))call_plan_quick(plan);
    int result = (int)quick(text, plan).integer;

    assert_int_equal(memoshim_guard, 0);
    return result;
}

static inline int handle_text(struct call_plan *plan, const char *text)
{
    void *arguments[] = {&text};
    uint64_t result = 0;

    call_handle(plan, &result, arguments);
    return (int)result;
}

static inline void expect_same_counts(struct call_plan *a, struct call_plan *b)
{
    struct stats_function read_a, read_b;

    call_plan_read(a, &read_a);
    call_plan_read(b, &read_b);
    for (enum stats_counter i = 0; i < STATS_COUNTER_COUNT; i++) {
        assert_int_equal(stats_counted(read_a.counters, i), stats_counted(read_b.counters, i));
    }
    assert_int_equal(read_a.evictions, read_b.evictions);
    assert_int_equal(read_a.expirations, read_b.expirations);
    assert_int_equal(read_a.entries, read_b.entries);
}

static inline void make_both(const char *entry, void *function, struct call_plan **ret_quick,
                             struct call_plan **ret_long)
{
    *ret_quick = make_plan("f", entry, function);
    *ret_long = make_plan("f", entry, function);
    assert_non_null(call_plan_quick(*ret_quick));
}

#endif
