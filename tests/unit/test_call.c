// SPDX-License-Identifier: MIT
/* The path of one call, with everything below it real. */
#include "call_subject.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>

/* ---- the functions --------------------------------------------------------------------------- */

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

static double call_divide(struct call_plan *plan, double a, double b)
{
    void *arguments[] = {&a, &b};
    double result = 0;

    call_handle(plan, &result, arguments);
    return result;
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

    uint64_t lag_ns = clock_coarse_lag_ns(); /* the true time may be so much later */

    call_int(plan, 1);
    clock_now_ns += 60ull * SECOND - lag_ns - 1;
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

static int measure(double *length, const char *text)
{
    n_real++;
    *length = (double)strlen(text) / 2;
    return text[0];
}

/* Whatever kind of description says so. */
static void test_what_is_read_counts_beside_what_is_written(void **state)
{
    static const struct {
        const char *type, *description;
    } reads[] = {
        {"const char", "\"string\""},
        {"const int", "{\"in\":\"int\"}"},
        {"const void", "{\"in\":\"bytes\",\"count\":4}"},
        {"int", "{\"inout\":\"int\"}"},
    };

    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        char entry[300];
        struct call_plan *plan;

        snprintf(entry, sizeof(entry),
                 "{\"prototype\":\"int measure(double *length, %s *text)\","
                 "\"args\":{\"length\":{\"out\":\"double\"},\"text\":%s}}",
                 reads[i].type, reads[i].description);
        plan = make_plan("measure", entry, (void *)measure);
        n_real = 0;
        for (int round = 0; round < 3; round++) {
            for (char c = 'a'; c < 'e'; c++) {
                char memory[4] = {'x', c, '\0', '\0'}, *text = memory;
                double length, *to = &length;
                void *arguments[] = {&to, &text};
                uint64_t result = 0;

                call_handle(plan, &result, arguments);
                assert_int_equal(result, 'x');
                assert_true(length == 1);
            }
        }
        expect_counts(plan, 12, 4, 4);
    }
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, call_setup, call_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hits_answer_without_the_function),
        TEST(test_life_ends_on_the_driven_clock),
        TEST(test_a_short_life_is_exact),
        TEST(test_errno_is_kept_out_or_given_back),
        TEST(test_floating_point_modes_and_flags),
        TEST(test_static_text),
        TEST(test_only_successful_checks_are_kept),
        TEST(test_what_is_read_counts_beside_what_is_written),
        TEST(test_recursion),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
