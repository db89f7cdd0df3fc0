// SPDX-License-Identifier: MIT
/*
 * The path of one call, with everything below it real: a configuration text becomes a plan, and the
 * plan's handler is called as the entry would call it. The real functions count their own calls;
 * time is driven by the test, through the clock's own door for the vDSO.
 */
#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/guard.h"
#include "call/call.h"
#include "marshal/marshal.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000u

static struct arena arena;
static struct config_model model;
static struct diagnostic_list diagnostics;
static const struct hash_mac_key mac_key = {1, 2};

/* ---- driven time ----------------------------------------------------------------------------- */

static uint64_t clock_now_ns;

static int driven_gettime(clockid_t clock, struct timespec *ret_time)
{
    ret_time->tv_sec = (time_t)(clock_now_ns / SECOND);
    ret_time->tv_nsec = (long)(clock_now_ns % SECOND);
    return 0;
}

/* ---- the functions --------------------------------------------------------------------------- */

static int n_real;

static int twice(int x)
{
    n_real++;
    return 2 * x;
}

static int half_or_fail(int x)
{
    n_real++;
    if (x % 2 != 0) {
        errno = EDOM;
        return -1;
    }
    return x / 2;
}

static double divide(double a, double b)
{
    n_real++;
    return a / b;
}

static const char *name_of(int x)
{
    static char text[32];

    n_real++;
    if (x < 0) {
        return NULL;
    }
    snprintf(text, sizeof(text), "number %d", x);
    return text;
}

/* Like crypt_r: the right setting comes back for the right phrase. */
static char *check(const char *phrase, const char *setting, char *data)
{
    n_real++;
    strcpy(data + 8, strcmp(phrase, "open sesame") == 0 ? setting : "*0");
    return data + 8;
}

static struct call_plan *recursive_plan;
static int depth;

static int recursive(int x)
{
    int argument = x - depth;
    void *arguments[] = {&argument};
    uint64_t result;

    n_real++;
    if (x == 0 || n_real > 10) {
        return 0;
    }
    call_handle(recursive_plan, &result, arguments);
    return x + (int)result;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static struct call_plan *make_plan(const char *name, const char *entry, void *function)
{
    char text[2048];
    const char *reason = NULL;
    struct call_plan *plan;
    struct config_memory memory = {arena_alloc_callback, &arena};
    int n_bytes =
        snprintf(text, sizeof(text), "{\"version\":1,\"functions\":{\"%s\":%s}}", name, entry);

    assert_in_range(n_bytes, 1, sizeof(text) - 1);
    diagnostics_init(&diagnostics, memory);
    if (config_load("test", text, (size_t)n_bytes, memory, &model, &diagnostics) != 0) {
        char printed[2048];

        diagnostics_print(&diagnostics, printed, sizeof(printed));
        fail_msg("%s", printed);
    }
    assert_int_equal(call_plan_create(&(struct call_plan_options){.function = &model.functions[0],
                                                                  .shown_as = name,
                                                                  .original = function,
                                                                  .seed = 9,
                                                                  .mac_key = &mac_key},
                                      &arena, &plan, &reason),
                     0);
    return plan;
}

static int call_int(struct call_plan *plan, int x)
{
    void *arguments[] = {&x};
    uint64_t result = 0xdeadbeefdeadbeef;

    call_handle(plan, &result, arguments);
    assert_int_equal(memoshim_guard, 0);
    assert_true((int64_t)result == (int)result); /* widened, as a real call leaves it */
    return (int)result;
}

static double call_divide(struct call_plan *plan, double a, double b)
{
    void *arguments[] = {&a, &b};
    double result = 0;

    call_handle(plan, &result, arguments);
    return result;
}

static void expect_counts(const struct call_plan *plan, uint64_t calls, uint64_t entries, int real)
{
    struct stats_function read;

    call_plan_read(plan, &read);
    assert_int_equal(stats_calls(read.counters), calls);
    assert_int_equal(read.entries, entries);
    assert_int_equal(n_real, real);
}

static int setup(void **state)
{
    arena_init(&arena, 64 << 20);
    n_real = 0;
    depth = 0;
    clock_now_ns = 1000ull * SECOND;
    clock_use_vdso(driven_gettime);
    call_init(&(struct call_hooks){0});
    return marshal_init();
}

static int teardown(void **state)
{
    clock_use_vdso(NULL);
    arena_fini(&arena);
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_hits_answer_without_the_function(void **state)
{
    struct call_plan *plan = make_plan("f", "{\"prototype\":\"int f(int x)\"}", (void *)twice);

    errno = ENOENT;
    for (int round = 0; round < 3; round++) {
        for (int x = -50; x < 50; x++) {
            assert_int_equal(call_int(plan, x), 2 * x);
        }
    }
    assert_int_equal(errno, ENOENT);
    expect_counts(plan, 300, 100, 100);
}

static void test_life_ends_on_the_driven_clock(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"int f(int x)\",\"ttl\":\"60s\"}", (void *)twice);

    uint64_t tick_ns = clock_coarse_tick_ns(); /* the true time may be so much later */

    call_int(plan, 1);
    clock_now_ns += 60ull * SECOND - tick_ns - 1;
    call_int(plan, 1);
    expect_counts(plan, 2, 1, 1);
    clock_now_ns += 1; /* gone when its life may have ended */
    call_int(plan, 1);
    expect_counts(plan, 3, 1, 2);
    clock_now_ns += 59ull * SECOND;
    call_int(plan, 1);
    clock_now_ns += 59ull * SECOND; /* a hit does not prolong it */
    call_int(plan, 1);
    expect_counts(plan, 5, 1, 3);
}

static void test_a_short_life_is_exact(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"int f(int x)\",\"ttl\":\"1ms\"}", (void *)twice);

    call_int(plan, 1);
    clock_now_ns += 999999;
    call_int(plan, 1);
    expect_counts(plan, 2, 1, 1);
    clock_now_ns += 1;
    call_int(plan, 1);
    expect_counts(plan, 3, 1, 2);
}

static void test_errno_is_kept_out_or_given_back(void **state)
{
    struct call_plan *without =
        make_plan("f", "{\"prototype\":\"int f(int x)\"}", (void *)half_or_fail);
    struct call_plan *with =
        make_plan("f", "{\"prototype\":\"int f(int x)\",\"errno\":true}", (void *)half_or_fail);

    for (int round = 0; round < 2; round++) {
        errno = ENOENT;
        assert_int_equal(call_int(without, 3), -1);
        assert_int_equal(errno, EDOM);
        errno = EDOM; /* the value it will set stands there already */
        assert_int_equal(call_int(without, 5), -1);
        assert_int_equal(errno, EDOM);
    }
    expect_counts(without, 4, 0, 4);
    n_real = 0;
    for (int round = 0; round < 2; round++) {
        errno = ENOENT;
        assert_int_equal(call_int(with, 3), -1);
        assert_int_equal(errno, EDOM);
        errno = ENOENT;
        assert_int_equal(call_int(with, 4), 2);
        assert_int_equal(errno, ENOENT);
    }
    expect_counts(with, 4, 2, 2);
}

static void test_floating_point_modes_and_flags(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(double a, double b)\"}", (void *)divide);

    feclearexcept(FE_ALL_EXCEPT);
    call_divide(plan, 1, 3);
    call_divide(plan, 1, 3);
    expect_counts(plan, 2, 1, 1); /* INEXACT does not keep it out */
    fesetround(FE_UPWARD);
    assert_true(call_divide(plan, 1, 3) > 1.0 / 3);
    fesetround(FE_TONEAREST);
    expect_counts(plan, 3, 1, 2);

    feclearexcept(FE_ALL_EXCEPT);
    for (int round = 0; round < 2; round++) {
        assert_true(isinf(call_divide(plan, 1, 0)));
        assert_int_equal(fetestexcept(FE_DIVBYZERO), FE_DIVBYZERO);
    }
    expect_counts(plan, 5, 1, 4); /* not kept, though the flag stood before the second call */
    feclearexcept(FE_ALL_EXCEPT);
}

static void test_static_text(void **state)
{
    struct call_plan *plan = make_plan(
        "f",
        "{\"prototype\":\"const char *f(int x)\",\"returns\":{\"out\":\"string\",\"lifetime\":"
        "\"static\"},\"unless\":\"return == NULL\"}",
        (void *)name_of);
    const char *result;
    int x;
    void *arguments[] = {&x};

    for (int round = 0; round < 2; round++) {
        for (x = -1; x < 3; x++) {
            char expected[32];

            call_handle(plan, &result, arguments);
            snprintf(expected, sizeof(expected), "number %d", x);
            if (x < 0) {
                assert_null(result);
            } else {
                assert_string_equal(result, expected);
            }
        }
    }
    expect_counts(plan, 8, 3, 5);
}

static void test_only_successful_checks_are_kept(void **state)
{
    struct call_plan *plan = make_plan(
        "check",
        "{\"prototype\":\"char *check(const char *phrase, const char *setting, char *data)\","
        "\"args\":{\"phrase\":{\"in\":\"string\",\"secret\":true},\"setting\":\"string\","
        "\"data\":\"scratch\"},\"returns\":{\"out\":\"string\",\"lifetime\":{\"into\":\"data\"}},"
        "\"store_if\":\"return == setting\"}",
        (void *)check);
    const char *phrase, *setting = "$2b$10$hash";
    char first[64], second[64], *data = first, *result;
    void *arguments[] = {&phrase, &setting, &data};

    for (int round = 0; round < 3; round++) {
        phrase = "open sesame";
        data = round % 2 == 0 ? first : second;
        call_handle(plan, &result, arguments);
        assert_ptr_equal(result, data + 8);
        assert_string_equal(result, setting);
        phrase = "open sesamE";
        call_handle(plan, &result, arguments);
        assert_string_equal(result, "*0");
    }
    expect_counts(plan, 6, 1, 4);
}

static void test_recursion(void **state)
{
    recursive_plan = make_plan("f", "{\"prototype\":\"int f(int x)\"}", (void *)recursive);
    depth = 1; /* f(x) = x + f(x - 1): each level is remembered */
    assert_int_equal(call_int(recursive_plan, 5), 15);
    expect_counts(recursive_plan, 6, 6, 6);
    assert_int_equal(call_int(recursive_plan, 4), 10);
    expect_counts(recursive_plan, 7, 6, 6);

    recursive_plan = make_plan("f", "{\"prototype\":\"int f(int x)\"}", (void *)recursive);
    n_real = 0;
    depth = 0; /* f(x) calls f(x): each level must run */
    call_int(recursive_plan, 1);
    expect_counts(recursive_plan, 11, 1, 11);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hits_answer_without_the_function),
        TEST(test_life_ends_on_the_driven_clock),
        TEST(test_a_short_life_is_exact),
        TEST(test_errno_is_kept_out_or_given_back),
        TEST(test_floating_point_modes_and_flags),
        TEST(test_static_text),
        TEST(test_only_successful_checks_are_kept),
        TEST(test_recursion),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
