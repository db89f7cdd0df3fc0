// SPDX-License-Identifier: MIT
/* The lives of results from the configuration to the cache, on a driven clock. */
#include "call_lives.h"
#include "draws.h"

#include <math.h>
#include <stdlib.h>

static double seconds_given;

static int with_seconds(int x, double *seconds)
{
    n_real++;
    if (seconds != NULL) {
        *seconds = seconds_given;
    }
    return x;
}

static unsigned gives_seconds(int x)
{
    n_real++;
    return (unsigned)x;
}

/* The last moment of a life that began now is so much later; then it is over. */
static void expect_life(struct call_plan *plan, int x, int answer, uint64_t life_ns)
{
    uint64_t began_ns = clock_now_ns;
    uint64_t lag_ns = plan->clock_lag_ns;

    assert_true(lag_ns == 0 || lag_ns == tick_ns);
    expect(plan, x, answer, true);
    clock_now_ns = began_ns + life_ns - lag_ns - 1;
    expect(plan, x, answer, false);
    clock_now_ns++;
    expect(plan, x, answer, true);
}

/* ---- lives ----------------------------------------------------------------------------------- */

static void test_idle_life(void **state)
{
    struct call_plan *plan = make("\"idle_ttl\":\"60s\",\"ttl\":\"100s\"");
    uint64_t began_ns = clock_now_ns;

    expect(plan, 2, 2, true);
    clock_now_ns = began_ns + 60ull * SECOND - tick_ns;
    expect(plan, 2, 2, true);
    clock_now_ns = began_ns = clock_now_ns + 1000ull * SECOND;
    expect(plan, 4, 4, true);
    clock_now_ns = began_ns + 55ull * SECOND;
    expect(plan, 4, 4, false);
    clock_now_ns = began_ns + 100ull * SECOND - tick_ns - 1;
    expect(plan, 4, 4, false); /* 45 s after its last use */
    clock_now_ns++;
    expect(plan, 4, 4, true);
    /* A use counts from when it was, not from some tick later. */
    clock_now_ns = began_ns = clock_now_ns + 1000ull * SECOND;
    expect(plan, 6, 6, true);
    clock_now_ns = began_ns + 30ull * SECOND;
    expect(plan, 6, 6, false);
    clock_now_ns = began_ns + 90ull * SECOND - tick_ns;
    expect(plan, 6, 6, true);
}

static void test_short_idle_life_is_exact(void **state)
{
    struct call_plan *plan = make("\"idle_ttl\":\"2ms\"");

    expect(plan, 2, 2, true);
    clock_now_ns += 1999999;
    expect(plan, 2, 2, false);
    clock_now_ns += 1999999;
    expect(plan, 2, 2, false);
    clock_now_ns += 2000000;
    expect(plan, 2, 2, true);
    /* What no hit looks at makes none of them read the precise clock. */
    plan = make("\"ttl\":\"60s\",\"stale_if_error\":{\"if\":\"return < 0\",\"for\":\"1ms\"}");
    assert_int_equal(plan->clock_lag_ns, tick_ns);
}

static void test_negative_life(void **state)
{
    struct call_plan *plan =
        make("\"ttl\":\"60s\",\"negative\":{\"if\":\"return < 0\",\"ttl\":\"5s\"}");

    expect_life(plan, 1, -2, 5ull * SECOND);
    expect_life(plan, 2, 2, 60ull * SECOND);
    /* Alone: all others have no end. */
    plan = make("\"negative\":{\"if\":\"return < 0\",\"ttl\":\"50ms\"}");
    expect_life(plan, 1, -2, 50000000);
    assert_int_equal(plan->clock_lag_ns, 0);
    expect(plan, 2, 2, true);
    clock_now_ns += UINT64_C(1) << 62;
    expect(plan, 2, 2, false);
}

/* negative.if settles it; else unless and store_if keep out what they say. */
static void test_precedence(void **state)
{
    static const struct {
        const char *keys;
        int n_real_of_found, n_real_of_missing; /* of three calls each, a second apart */
    } cases[] = {
        {"\"negative\":{\"if\":\"return < 0\",\"ttl\":\"90s\"},\"store_if\":\"return > 100\"", 3,
         1},
        {"\"negative\":{\"if\":\"return < 0\",\"ttl\":\"90s\"},\"unless\":\"return < 100\"", 3, 1},
        {"\"negative\":{\"if\":\"return > 0\",\"ttl\":\"90s\"},\"unless\":\"return > 0\"", 1, 1},
        {"\"negative\":{\"if\":\"return > 0\",\"ttl\":\"90s\"},\"unless\":\"return < 0\"", 1, 3},
        {"\"unless\":\"return < 0\",\"store_if\":\"return < 0\"", 3, 3},
        {"\"ttl\":\"90s\",\"negative\":{\"if\":\"return < 0\",\"ttl\":\"500ms\"}", 1, 3},
        {"\"ttl_from\":\"return\",\"negative\":{\"if\":\"return < 0\",\"ttl\":\"90s\"}", 1, 1},
        {"\"ttl_from\":\"return\",\"store_if\":\"return != 10\"", 3, 3},
        {"\"ttl_from\":\"return\",\"ttl\":\"500ms\"", 3, 3},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct call_plan *plan = make(cases[i].keys);
        int n_found = 0, n_missing = 0;

        for (int round = 0; round < 3; round++) {
            n_real = 0;
            call_int(plan, 10);
            n_found += n_real;
            n_real = 0;
            call_int(plan, 11);
            n_missing += n_real;
            clock_now_ns += SECOND;
        }
        assert_int_equal(n_found, cases[i].n_real_of_found);
        assert_int_equal(n_missing, cases[i].n_real_of_missing);
    }
}

/* ---- seconds that the result names ----------------------------------------------------------- */

static int call_with_seconds(struct call_plan *plan, int x, double *seconds)
{
    void *arguments[] = {&x, &seconds};
    uint64_t result;

    call_handle(plan, &result, arguments);
    return (int)result;
}

static void test_life_from_a_parameter(void **state)
{
    static const struct {
        double seconds;
        uint64_t life_ns; /* 0: not stored */
    } cases[] = {
        {2.5, 2500000000u}, {1e-3, 0 /* shorter than a tick */},
        {0.25, 250000000},  {0, 0},
        {-0.0, 0},          {-1, 0},
        {-HUGE_VAL, 0},     {NAN, 0},
        {1e-300, 0},        {1e9, UINT64_C(1000000000000000000)},
    };
    struct call_plan *plan = make_plan("f",
                                       "{\"prototype\":\"int f(int x, double *s)\",\"args\":{\"s\":"
                                       "{\"out\":\"double\"}},\"ttl_from\":\"*s\"}",
                                       (void *)with_seconds);
    double got;
    int n = (int)(sizeof(cases) / sizeof(cases[0]));

    for (int i = 0; i < n; i++) {
        uint64_t began_ns = clock_now_ns;

        n_real = 0;
        seconds_given = cases[i].seconds;
        call_with_seconds(plan, i, &got);
        clock_now_ns += cases[i].life_ns == 0 ? 0 : cases[i].life_ns - tick_ns - 1;
        got = 77;
        assert_int_equal(call_with_seconds(plan, i, &got), i);
        assert_memory_equal(&got, &seconds_given, sizeof(got));
        assert_int_equal(n_real, cases[i].life_ns == 0 ? 2 : 1);
        clock_now_ns += 1;
        call_with_seconds(plan, i, &got);
        assert_int_equal(n_real, cases[i].life_ns == 0 ? 3 : 2);
        clock_now_ns = began_ns;
    }
    /* Beyond a hundred years there is no end. */
    for (int i = 0; i < 2; i++) {
        seconds_given = i == 0 ? HUGE_VAL : 1e300;
        n_real = 0;
        clock_now_ns = 1000ull * SECOND;
        call_with_seconds(plan, n + i, &got);
        clock_now_ns = UINT64_C(1) << 63;
        call_with_seconds(plan, n + i, &got);
        assert_int_equal(n_real, 1);
    }
    /* Nobody says how long: not kept. */
    n_real = 0;
    call_with_seconds(plan, 50, NULL);
    call_with_seconds(plan, 50, NULL);
    assert_int_equal(n_real, 2);
}

static void test_life_from_the_result(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"unsigned f(int x)\",\"ttl_from\":\"return\"}",
                  (void *)gives_seconds);
    struct call_plan *capped = make_plan(
        "f", "{\"prototype\":\"unsigned f(int x)\",\"ttl_from\":\"return\",\"ttl\":\"10s\"}",
        (void *)gives_seconds);

    expect_life(plan, 3, 3, 3ull * SECOND);
    expect_life(capped, 3, 3, 3ull * SECOND);
    expect_life(capped, 30, 30, 10ull * SECOND);
    expect(plan, 0, 0, true);
    expect(plan, 0, 0, true);
    n_real = 0;
    for (int i = 0; i < 2; i++) {
        int x = -1; /* 136 years: no end */
        void *arguments[] = {&x};
        uint64_t result;

        call_handle(plan, &result, arguments);
        assert_int_equal(result, UINT32_MAX);
        clock_now_ns += UINT64_C(1) << 62;
    }
    assert_int_equal(n_real, 1);
}

/* ---- draws ----------------------------------------------------------------------------------- */

/* The ends of all entries, in the order of their slots. Returns how many. */
static size_t collect_ends(const struct call_plan *plan, double *ends)
{
    size_t n = 0;

    for (uint32_t i = 0; i < plan->cache->n_shards; i++) {
        const struct table *table = &plan->cache->shards[i].table;

        for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
            if (order_mark(&table->order, slot) != 0) {
                ends[n++] = (double)expiry_end_ns(&table->expiry, slot);
            }
        }
    }
    return n;
}

#define N_LIVES 100000

static void test_jitter(void **state)
{
    static const char entry[] = "{\"prototype\":\"unsigned f(int x)\",\"max_entries\":100000,"
                                "\"ttl\":\"1000s\",\"ttl_jitter\":0.4,\"seed\":%d}";
    static double ends[3][N_LIVES];
    double began_ns = (double)clock_now_ns, largest = 0;

    for (int i = 0; i < 3; i++) {
        char text[200];
        struct call_plan *plan;

        snprintf(text, sizeof(text), entry, i < 2 ? 42 : 43);
        plan = make_plan("f", text, (void *)gives_seconds);
        for (int x = 0; x < N_LIVES; x++) {
            call_int(plan, x);
        }
        assert_int_equal(collect_ends(plan, ends[i]), N_LIVES);
    }
    /* A seed repeats itself, another one does not. */
    assert_memory_equal(ends[0], ends[1], sizeof(ends[0]));
    assert_memory_not_equal(ends[0], ends[2], sizeof(ends[0]));
    /* Uniform from 600 s, exclusive, to 1000 s: Kolmogorov and Smirnov, once in a hundred. */
    qsort(ends[0], N_LIVES, sizeof(ends[0][0]), compare_doubles);
    for (int i = 0; i < N_LIVES; i++) {
        double life = (ends[0][i] - began_ns) / SECOND, expected = (life - 600) / 400;

        assert_true(life > 600 && life <= 1000);
        largest = fmax(largest,
                       fmax(expected - (double)i / N_LIVES, (double)(i + 1) / N_LIVES - expected));
    }
    assert_true(largest < 1.63 / sqrt(N_LIVES));
}

/* Of other functions' lives nothing is taken. */
static void test_no_jitter(void **state)
{
    struct call_plan *plan = make("\"ttl\":\"60s\",\"ttl_jitter\":0");

    expect_life(plan, 2, 2, 60ull * SECOND);
    assert_int_equal(plan->draws, make("\"ttl\":\"60s\"")->draws);
}

/* ---- clocks that jump ------------------------------------------------------------------------ */

/* A life is over when the clock says so: set back it is longer, far ahead all is over, and neither
 * loses room or order. */
static void test_a_clock_that_jumps(void **state)
{
    struct call_plan *plan = make("\"ttl\":\"60s\",\"idle_ttl\":\"50s\",\"max_entries\":8");
    uint64_t began_ns = clock_now_ns;

    for (int x = 0; x < 16; x += 2) {
        expect(plan, x, x, true);
    }
    clock_now_ns = began_ns - 900ull * SECOND;
    expect(plan, 2, 2, false);
    expect(plan, 20, 20, true); /* full of what lives: one of them goes */
    clock_now_ns = began_ns + 49ull * SECOND;
    expect(plan, 2, 2, false);
    expect(plan, 20, 20, true); /* it was younger, and is over */
    clock_now_ns = UINT64_C(1) << 62;
    for (int x = 0; x < 16; x += 2) {
        expect(plan, x, x, true);
        expect(plan, x, x, false);
    }
    clock_now_ns = 0;
    for (int x = 0; x < 16; x += 2) {
        expect(plan, x, x, false);
    }
    expect(plan, 30, 30, true);
    expect(plan, 30, 30, false);
    assert_int_equal(cache_check(plan->cache), 0);
    clock_now_ns = UINT64_MAX - SECOND; /* no end wraps around */
    expect(plan, 30, 30, true);
    expect(plan, 30, 30, false);
    assert_int_equal(cache_check(plan->cache), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lives_setup, call_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_idle_life),
        TEST(test_short_idle_life_is_exact),
        TEST(test_negative_life),
        TEST(test_precedence),
        TEST(test_life_from_a_parameter),
        TEST(test_life_from_the_result),
        TEST(test_jitter),
        TEST(test_no_jitter),
        TEST(test_a_clock_that_jumps),
    };

    return cmocka_run_group_tests_name("call_lives", tests, NULL, NULL);
}
