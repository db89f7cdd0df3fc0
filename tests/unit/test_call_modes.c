// SPDX-License-Identifier: MIT
/*
 * observe, verify and verify_sample. The functions answer by a number that the test changes behind
 * the cache's back: from then on what is remembered is wrong, and the real answers say so.
 */
#include "call_subject.h"

#include "base/log.h"

#include <errno.h>
#include <fenv.h>
#include <stdlib.h>
#include <unistd.h>

static int offset, sets_errno;
static bool raises;

static int shifted(int x)
{
    n_real++;
    if (sets_errno != 0) {
        errno = sets_errno;
    }
    return x + offset;
}

static double halved(double x)
{
    n_real++;
    if (raises) {
        feraiseexcept(FE_OVERFLOW);
    }
    return x / 2 + offset;
}

static void split(const char *text, long double parts[2])
{
    n_real++;
    memset(parts, offset == 1 ? 0xff : 0, 2 * sizeof(parts[0])); /* padding differs, too */
    parts[0] = strlen(text);
    parts[1] = offset < 2 ? 0 : offset;
}

#define ENTRY(more) "{\"prototype\":\"int f(int x)\"," more "}"

static uint64_t counted(const struct call_plan *plan, enum stats_counter counter)
{
    struct stats_function read;

    call_plan_read(plan, &read);
    return stats_counted(read.counters, counter);
}

static void expect(const struct call_plan *plan, uint64_t hits, uint64_t misses, uint64_t would_hit,
                   uint64_t verified, uint64_t mismatches)
{
    assert_int_equal(counted(plan, STATS_hits), hits);
    assert_int_equal(counted(plan, STATS_misses), misses);
    assert_int_equal(counted(plan, STATS_would_hit), would_hit);
    assert_int_equal(counted(plan, STATS_verified), verified);
    assert_int_equal(counted(plan, STATS_mismatches), mismatches);
}

/* ---- what is reported ------------------------------------------------------------------------ */

static int stderr_before, report_pipe[2];

static void begin_report(void)
{
    fflush(stderr);
    assert_int_equal(pipe(report_pipe), 0);
    stderr_before = dup(STDERR_FILENO);
    dup2(report_pipe[1], STDERR_FILENO);
    log_init(LOG_LEVEL_ERROR);
}

static const char *end_report(void)
{
    static char text[65536];
    ssize_t n_bytes;

    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    close(report_pipe[1]);
    n_bytes = read(report_pipe[0], text, sizeof(text) - 1);
    close(report_pipe[0]);
    text[n_bytes > 0 ? n_bytes : 0] = '\0';
    return text;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_observe_never_answers(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY("\"mode\":\"observe\""), (void *)shifted);

    for (int round = 0; round < 3; round++) {
        offset = round;
        for (int x = 0; x < 10; x++) {
            assert_int_equal(call_int(plan, x), x + round);
        }
    }
    expect_counts(plan, 30, 10, 30);
    expect(plan, 0, 30, 20, 0, 0);
    assert_int_equal(counted(plan, STATS_stores), 10);
}

static void test_verify_answers_from_the_real_function(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY("\"mode\":\"verify\""), (void *)shifted);
    const char *report;

    call_int(plan, 1);
    assert_int_equal(call_int(plan, 1), 1);
    expect(plan, 1, 1, 0, 1, 0);
    begin_report();
    offset = 5;
    assert_int_equal(call_int(plan, 1), 6);
    assert_int_equal(call_int(plan, 1), 6); /* memoize would be wrong again */
    offset = 0;
    assert_int_equal(call_int(plan, 1), 1);
    report = end_report();
    expect(plan, 4, 1, 0, 2, 2);
    assert_int_equal(n_real, 5);
    assert_string_equal(report, "memoshim: f: the result differs from what was remembered (x=1)\n"
                                "memoshim: f: the result differs from what was remembered (x=1)\n");
}

static void test_verify_sees_errno_and_flags(void **state)
{
    struct call_plan *without = make_plan("f", ENTRY("\"mode\":\"verify\""), (void *)shifted);
    struct call_plan *with =
        make_plan("f", ENTRY("\"mode\":\"verify\",\"errno\":true"), (void *)shifted);
    struct call_plan *floating = make_plan(
        "h", "{\"prototype\":\"double h(double x)\",\"mode\":\"verify\"}", (void *)halved);
    double x = 3, result;
    void *arguments[] = {&x};

    begin_report();
    call_int(without, 1);
    call_int(with, 1);
    call_handle(floating, &result, arguments);
    sets_errno = EDOM;
    raises = true;
    errno = 0;
    call_int(without, 1);
    assert_int_equal(errno, EDOM);
    call_int(with, 1);
    call_handle(floating, &result, arguments);
    assert_true(fetestexcept(FE_OVERFLOW) != 0);
    feclearexcept(FE_ALL_EXCEPT);
    assert_string_equal(end_report(),
                        "memoshim: f: errno differs from what was remembered (x=1)\n"
                        "memoshim: f: errno differs from what was remembered (x=1)\n"
                        "memoshim: h: a floating-point flag that was raised differs from what was "
                        "remembered (x=3)\n");
    expect(without, 1, 1, 0, 0, 1);
    expect(with, 1, 1, 0, 0, 1);
    expect(floating, 1, 1, 0, 0, 1);
}

static void test_verify_sees_out_parameters_but_not_padding(void **state)
{
    struct call_plan *plan = make_plan(
        "split",
        "{\"prototype\":\"void split(const char *text, long double *parts)\",\"mode\":\"verify\","
        "\"args\":{\"text\":\"string\",\"parts\":{\"out\":\"long double\",\"count\":2}}}",
        (void *)split);
    const char *text = "tab\t\"quoted\"";
    long double parts[2], *out = parts;
    void *arguments[] = {&text, &out};
    uint64_t result;

    begin_report();
    for (offset = 0; offset < 3; offset++) {
        call_handle(plan, &result, arguments);
    }
    assert_string_equal(end_report(), "memoshim: split: *parts differs from what was remembered "
                                      "(text=\"tab\\x09\\\"quoted\\\"\", parts=(written))\n");
    expect(plan, 2, 1, 0, 1, 1);
}

static void test_secrets_are_not_reported(void **state)
{
    struct call_plan *plan = make_plan(
        "split",
        "{\"prototype\":\"void split(const char *text, long double *parts)\",\"mode\":\"verify\","
        "\"args\":{\"text\":{\"in\":\"string\",\"secret\":true},\"parts\":{\"out\":\"long "
        "double\",\"count\":2}}}",
        (void *)split);
    const char *text = "open sesame";
    long double parts[2], *out = parts;
    void *arguments[] = {&text, &out};
    uint64_t result;

    begin_report();
    call_handle(plan, &result, arguments);
    offset = 7;
    call_handle(plan, &result, arguments);
    assert_string_equal(end_report(),
                        "memoshim: split: *parts differs from what was remembered (secret)\n");
}

static void test_reports_are_bounded(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY("\"mode\":\"verify\""), (void *)shifted);
    const char *report, *last = "further mismatches of it are only counted\n";
    int n_lines = 0;

    begin_report();
    for (offset = 0; offset < 100; offset++) {
        call_int(plan, 1);
    }
    report = end_report();
    for (const char *at = report; (at = strchr(at, '\n')) != NULL; at++) {
        n_lines++;
    }
    assert_int_equal(n_lines, 10);
    assert_string_equal(report + strlen(report) - strlen(last), last);
    expect(plan, 99, 1, 0, 0, 99);
}

static struct call_plan *let_go_of;

static void note_let_go(struct call_plan *plan)
{
    let_go_of = plan;
}

static void test_a_sampled_mismatch_lets_go(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY("\"verify_sample\":1"), (void *)shifted);

    call_init(&(struct call_hooks){.let_go = note_let_go});
    let_go_of = NULL;
    for (int i = 0; i < 10; i++) {
        call_int(plan, i % 2);
    }
    assert_null(let_go_of);
    expect(plan, 8, 2, 0, 8, 0);
    begin_report();
    offset = 1;
    assert_int_equal(call_int(plan, 1), 2);
    end_report();
    assert_ptr_equal(let_go_of, plan);
    expect_counts(plan, 11, 0, 11); /* nothing is left that could be served */
    expect(plan, 9, 2, 0, 8, 1);
}

static struct call_plan *changing;

/* While it runs, what it answers from is changed by a call that invalidates. */
static int overtaken(int x)
{
    n_real++;
    if (changing != NULL) {
        offset++;
        guard_enter();
        call_plan_invalidate(changing);
        guard_leave();
    }
    return x + offset;
}

static void test_a_change_meanwhile_is_no_mismatch(void **state)
{
    struct call_plan *sampled = make_plan("f", ENTRY("\"verify_sample\":1"), (void *)overtaken);
    struct call_plan *verified = make_plan("f", ENTRY("\"mode\":\"verify\""), (void *)overtaken);

    call_init(&(struct call_hooks){.let_go = note_let_go});
    let_go_of = NULL;
    for (int i = 0; i < 2; i++) {
        struct call_plan *plan = i == 0 ? sampled : verified;

        offset = 10;
        assert_int_equal(call_int(plan, 1), 11);
        changing = plan;
        assert_int_equal(call_int(plan, 1), 12);
        changing = NULL;
        expect(plan, 1, 1, 0, 0, 0);
        assert_int_equal(call_int(plan, 1), 12);
        assert_int_equal(call_int(plan, 1), 12);
        expect(plan, 2, 2, 0, 1, 0);
    }
    assert_null(let_go_of);
}

/* Answers by what the environment says, which it changes. */
static int environmental(int x)
{
    n_real++;
    if (changing != NULL) {
        offset++;
        setenv("CALL_MODES", offset % 2 == 0 ? "even" : "odd", 1);
    }
    return x + offset;
}

static void test_a_key_that_changes_meanwhile_is_no_mismatch(void **state)
{
    struct call_plan *plan = make_plan(
        "f", ENTRY("\"verify_sample\":1,\"key_also\":[\"env:CALL_MODES\"]"), (void *)environmental);

    call_init(&(struct call_hooks){.let_go = note_let_go});
    let_go_of = changing = NULL;
    setenv("CALL_MODES", "even", 1);
    assert_int_equal(call_int(plan, 1), 1);
    changing = plan;
    assert_int_equal(call_int(plan, 1), 2);
    changing = NULL;
    expect(plan, 1, 1, 0, 0, 0);
    assert_null(let_go_of);
    assert_int_equal(call_int(plan, 1), 2); /* under its own key */
    assert_int_equal(call_int(plan, 1), 2);
    expect(plan, 2, 2, 0, 1, 0);
    unsetenv("CALL_MODES");
}

static void test_the_sample_is_a_share(void **state)
{
    struct call_plan *plan =
        make_plan("f", ENTRY("\"guard\":false,\"verify_sample\":0.25"), (void *)shifted);
    struct call_plan *none =
        make_plan("f", ENTRY("\"guard\":false,\"verify_sample\":0"), (void *)shifted);
    const int n = 40000;
    uint64_t n_verified;

    for (int i = 0; i <= n; i++) {
        call_int(plan, 1);
    }
    n_verified = counted(plan, STATS_verified);
    /* 10,000 expected; the standard deviation is below 87. */
    assert_in_range(n_verified, 10000 - 6 * 87, 10000 + 6 * 87);
    assert_int_equal(n_real, n_verified + 1);
    assert_int_equal(counted(plan, STATS_hits), n);
    n_real = 0;
    for (int i = 0; i <= n; i++) {
        call_int(none, 1);
    }
    assert_int_equal(n_real, 1);
}

static int setup(void **state)
{
    offset = sets_errno = 0;
    raises = false;
    return call_setup(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, call_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_observe_never_answers),
        TEST(test_verify_answers_from_the_real_function),
        TEST(test_verify_sees_errno_and_flags),
        TEST(test_verify_sees_out_parameters_but_not_padding),
        TEST(test_secrets_are_not_reported),
        TEST(test_reports_are_bounded),
        TEST(test_a_sampled_mismatch_lets_go),
        TEST(test_a_change_meanwhile_is_no_mismatch),
        TEST(test_a_key_that_changes_meanwhile_is_no_mismatch),
        TEST(test_the_sample_is_a_share),
    };

    return cmocka_run_group_tests_name("call_modes", tests, NULL, NULL);
}
