// SPDX-License-Identifier: MIT
/* The guard's arithmetic, and how often calls are drawn for timing. */
#include "unit.h"

#include "call/pace.h"
#include "call/profit.h"

#define NS 1000u /* picoseconds */

static struct profit_window window_of(uint64_t n_hits, uint64_t n_misses, uint64_t real_ns)
{
    return (struct profit_window){
        .n_hits = n_hits,
        .n_misses = n_misses,
        .costs = {.hit_ps = 50 * NS, .miss_ps = 200 * NS, .real_ps = real_ns * NS}};
}

static void test_break_even(void **state)
{
    struct profit_window window = window_of(1000, 0, 50);

    assert_int_equal(profit_judge(&window, 0, false), PROFIT_PAYS);
    assert_int_equal(profit_judge(&window, 0, true), PROFIT_PAYS);
    window = window_of(1000, 100, 70); /* 70,000 saved and 70,000 spent */
    assert_int_equal(profit_judge(&window, 0, true), PROFIT_PAYS);
    window.n_misses++;
    assert_int_equal(profit_judge(&window, 0, true), PROFIT_LOSES);
    /* Within 1 % of what the real calls take (77,210) nobody can tell. */
    assert_int_equal(profit_judge(&window, 0, false), PROFIT_PAYS);
    window.n_misses += 2;
    assert_int_equal(profit_judge(&window, 0, false), PROFIT_PAYS);
    window.n_misses++;
    assert_int_equal(profit_judge(&window, 0, false), PROFIT_DOUBTFUL);
}

/* A hit that takes longer than the real call will never pay, however many there are. */
static void test_hopeless_at_once(void **state)
{
    struct profit_window window = window_of(1000, 0, 44);

    assert_int_equal(profit_judge(&window, 0, false), PROFIT_LOSES);
    window.is_growing = true;
    assert_int_equal(profit_judge(&window, 0, false), PROFIT_LOSES);
    window = window_of(1000, 0, 46); /* not by so much */
    assert_int_equal(profit_judge(&window, 0, false), PROFIT_DOUBTFUL);
}

static void test_doubts_add_up(void **state)
{
    struct profit_window window = window_of(10, 1000, 100);

    assert_int_equal(profit_judge(&window, 0, false), PROFIT_DOUBTFUL);
    assert_int_equal(profit_judge(&window, 1, false), PROFIT_LOSES);
    window.is_growing = true; /* what missed may hit yet */
    assert_int_equal(profit_judge(&window, 1, false), PROFIT_DOUBTFUL);
    assert_int_equal(profit_judge(&window, 2, false), PROFIT_DOUBTFUL);
    assert_int_equal(profit_judge(&window, 3, false), PROFIT_LOSES);
    assert_int_equal(profit_judge(&window, 0, true), PROFIT_LOSES);
}

/* Calls that never come to a key, and nothing known of the real function. */
static void test_bypasses_cost(void **state)
{
    struct profit_window window = {.n_bypasses = 1000, .costs = {.bypass_ps = 40 * NS}};

    assert_int_equal(profit_judge(&window, 0, false), PROFIT_DOUBTFUL);
    assert_int_equal(profit_judge(&window, 1, false), PROFIT_LOSES);
}

/* Sums that do not fit into 64 bits: a year's calls of an hour each. */
static void test_large_sums(void **state)
{
    struct profit_window window = window_of(1000000000, 1000000000, 3600000000000);

    assert_int_equal(profit_judge(&window, 0, true), PROFIT_PAYS);
    window.costs.miss_ps = 2 * window.costs.real_ps;
    assert_int_equal(profit_judge(&window, 0, true), PROFIT_LOSES);
}

static void test_rests_double(void **state)
{
    uint64_t rest_ns = 1000000000;

    for (uint32_t n = 1; n <= 11; n++, rest_ns *= 2) {
        assert_int_equal(profit_rest_ns(n), rest_ns);
    }
    assert_int_equal(profit_rest_ns(12), 1024000000000);
    assert_int_equal(profit_rest_ns(UINT32_MAX), 1024000000000);
}

static void test_median(void **state)
{
    uint32_t one[] = {7}, odd[] = {9, 1, 1000000, 8, 2}, same[] = {3, 3, 3, 3};

    assert_int_equal(profit_median(NULL, 0), 0);
    assert_int_equal(profit_median(one, 1), 7);
    assert_int_equal(profit_median(odd, 5), 8);
    assert_int_equal(profit_median(same, 4), 3);
}

/* As many as were asked for, and of two functions in turn of each as many. */
static void test_pace(void **state)
{
    struct pace pace = {0};
    uint32_t drawn[2] = {0}, n = 0;

    for (int i = 0; i < 1024 * 1000; i++) {
        drawn[i % 2] += pace_draws(&pace, PACE_ALL / 1024);
    }
    assert_in_range(drawn[0] + drawn[1], 970, 1030);
    assert_in_range(drawn[0], 400, 600);
    for (int i = 0; i < 1000; i++) {
        n += pace_draws(&pace, PACE_ALL);
        assert_false(pace_draws(&pace, 0));
    }
    assert_int_equal(n, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_break_even),    cmocka_unit_test(test_hopeless_at_once),
        cmocka_unit_test(test_doubts_add_up), cmocka_unit_test(test_bypasses_cost),
        cmocka_unit_test(test_large_sums),    cmocka_unit_test(test_rests_double),
        cmocka_unit_test(test_median),        cmocka_unit_test(test_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
