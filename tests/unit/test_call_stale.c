// SPDX-License-Identifier: MIT
/*
 * What is served after the end of its life because the real call failed, and what is recomputed
 * before, from the configuration to the statistics, on a driven clock.
 */
#include "call_lives.h"

#include <errno.h>
#include <math.h>

/* Success fills part of the buffer, says how much, and sets errno; failure ruins all there is. */
static int read_name(int number, int *length, char *buffer)
{
    n_real++;
    if (is_down) {
        memset(buffer, '#', (size_t)*length);
        *length = 0;
        errno = EAGAIN;
        return -1;
    }
    *length = snprintf(buffer, (size_t)*length, "name %d", number);
    errno = number == 7 ? EINTR : errno;
    return *length;
}

#define N_KEYS 20000

/* delta is what the call took on the driven clock, beta what the configuration says. */
static void test_refresh(void **state)
{
    static const struct {
        const char *early;
        double beta, left_s;
    } cases[] = {{"1.0", 1, 1}, {"1", 1, 4}, {"2", 2, 4}, {"0.5", 0.5, 1}, {"1e1", 10, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char keys[200];
        struct call_plan *plan;
        double mean_s = 2 * cases[i].beta, expected, n_early;

        snprintf(keys, sizeof(keys),
                 "\"ttl\":\"1000s\",\"max_entries\":20000,\"seed\":5,\"refresh\":{\"early\":%s}",
                 cases[i].early);
        plan = make(keys);
        takes_ns = 2ull * SECOND;
        for (int x = 0; x < N_KEYS; x++) {
            clock_now_ns = 1000ull * SECOND;
            call_int(plan, 2 * x);
        }
        takes_ns = 0;
        clock_now_ns = 2002ull * SECOND - tick_ns - (uint64_t)(cases[i].left_s * SECOND);
        n_real = 0;
        for (int x = 0; x < N_KEYS; x++) {
            assert_int_equal(call_int(plan, 2 * x), 2 * x);
        }
        n_early = n_real;
        expected = N_KEYS * exp(-cases[i].left_s / mean_s);
        assert_true(fabs(n_early - expected) < 4 * sqrt(expected * (1 - expected / N_KEYS)));
        assert_int_equal(count_of(plan, STATS_refreshes), n_real);
        assert_int_equal(count_of(plan, STATS_misses), N_KEYS + n_real);
        assert_int_equal(count_of(plan, STATS_stores), N_KEYS);
        assert_int_equal(count_of(plan, STATS_hits), N_KEYS - n_real);
        /* What was recomputed took no time: it is not again before its new end. */
        clock_now_ns = 2002ull * SECOND - tick_ns - 1;
        assert_int_equal(cache_check(plan->cache), 0);
    }
}

/* ---- falling back ---------------------------------------------------------------------------- */

static void test_stale_if_error(void **state)
{
    struct call_plan *plan =
        make("\"ttl\":\"60s\",\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"10m\"},"
             "\"unless\":\"return == -1\"");
    uint64_t ends_ns = clock_now_ns + 60ull * SECOND;

    expect(plan, 2, 2, true);
    is_down = true;
    expect(plan, 2, 2, false);
    expect(plan, 4, -1, true); /* never known */
    clock_now_ns = ends_ns;
    for (int i = 0; i < 3; i++) { /* each of them asks again */
        expect(plan, 2, 2, true);
        clock_now_ns += 100ull * SECOND;
    }
    assert_int_equal(count_of(plan, STATS_stale), 3);
    clock_now_ns = ends_ns + 600ull * SECOND - tick_ns - 1;
    expect(plan, 2, 2, true);
    assert_int_equal(count_of(plan, STATS_stale), 4);
    clock_now_ns++;
    expect(plan, 2, -1, true);
    clock_now_ns = ends_ns;
    expect(plan, 2, -1, true); /* gone for good, whatever the clock says */
    assert_int_equal(count_of(plan, STATS_stale), 4);
    assert_int_equal(count_of(plan, STATS_misses), 8);
    assert_int_equal(count_of(plan, STATS_stores), 1);
    assert_int_equal(count_of(plan, STATS_not_stored), 3);
    assert_int_equal(count_of(plan, STATS_hits), 1);
    is_down = false;
    expect(plan, 2, 2, true);
    expect(plan, 2, 2, false);
}

/* Failures that are remembered for a moment never answer for longer, and never replace better. */
static void test_stale_and_negative(void **state)
{
    struct call_plan *plan =
        make("\"ttl\":\"60s\",\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"10m\"},"
             "\"negative\":{\"if\":\"return == -1\",\"ttl\":\"5s\"}");

    expect(plan, 2, 2, true);
    is_down = true;
    clock_now_ns += 60ull * SECOND;
    expect(plan, 2, 2, true);
    expect(plan, 2, 2, true);
    expect(plan, 4, -1, true);
    expect(plan, 4, -1, false); /* negative */
    clock_now_ns += 6ull * SECOND;
    failure = -3; /* another failure, of which the configuration says nothing */
    expect(plan, 4, -3, true);
    clock_now_ns += 60ull * SECOND;
    failure = -1;
    expect(plan, 4, -3, true); /* was no failure by that condition */
    expect(plan, 6, -1, true);
    clock_now_ns += 6ull * SECOND;
    n_real = 0;
    expect(plan, 6, -1,
           true); /* by its own real call: an expired failure is none to fall back on */
    assert_int_equal(count_of(plan, STATS_stale), 3);
}

static int call_read_name(struct call_plan *plan, int number, int room, char *buffer, int *length)
{
    void *arguments[] = {&number, &length, &buffer};
    uint64_t result;

    *length = room;
    memset(buffer, '.', (size_t)room);
    errno = ENOENT;
    call_handle(plan, &result, arguments);
    return (int)result;
}

/* Return value, out parameters, errno: what the failed call did cannot be seen. */
static void test_stale_answers_are_complete(void **state)
{
    struct call_plan *plan = make_plan(
        "read_name",
        "{\"prototype\":\"int read_name(int number, int *length, char *buffer)\",\"args\":{"
        "\"length\":{\"inout\":\"int\"},\"buffer\":{\"out\":\"bytes\",\"count\":\"*length\"}},"
        "\"errno\":true,\"ttl\":\"1s\","
        "\"stale_if_error\":{\"if\":\"return < 0\",\"for\":\"1h\"},\"unless\":\"return < 0\"}",
        (void *)read_name);
    char buffer[40];
    int length;

    for (int number = 6; number <= 7; number++) {
        int set_errno = number == 7 ? EINTR : ENOENT;
        char expected[40];
        int n_bytes = snprintf(expected, sizeof(expected), "name %d", number);

        is_down = false;
        call_read_name(plan, number, 40, buffer, &length);
        clock_now_ns += 2ull * SECOND;
        is_down = true;
        n_real = 0;
        assert_int_equal(call_read_name(plan, number, 40, buffer, &length), n_bytes);
        assert_int_equal(errno, set_errno);
        assert_int_equal(length, n_bytes);
        assert_memory_equal(buffer, expected, (size_t)n_bytes);
        assert_int_equal(n_real, 1);
        /* Of another key there is nothing to fall back on: the failure is as it was. */
        assert_int_equal(call_read_name(plan, number, 39, buffer, &length), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(length, 0);
        assert_int_equal(buffer[0], '#');
    }
    assert_int_equal(count_of(plan, STATS_stale), 2);
}

/* Those modes answer from the real function. */
static void test_modes_do_not_fall_back(void **state)
{
    static const char *const modes[] = {"observe", "verify"};

    for (int i = 0; i < 2; i++) {
        char keys[200];
        struct call_plan *plan;

        snprintf(keys, sizeof(keys),
                 "\"mode\":\"%s\",\"ttl\":\"60s\",\"unless\":\"return == -1\","
                 "\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"10m\"}",
                 modes[i]);
        plan = make(keys);
        is_down = false;
        expect(plan, 2, 2, true);
        clock_now_ns += 60ull * SECOND;
        is_down = true;
        expect(plan, 2, -1, true);
        assert_int_equal(count_of(plan, STATS_stale), 0);
    }
}

/* A refresh that fails so leaves the caller with what is still good. */
static void test_refresh_that_fails(void **state)
{
    struct call_plan *plan =
        make("\"ttl\":\"60s\",\"unless\":\"return == -1\",\"refresh\":{\"early\":1000},"
             "\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"10m\"}");

    takes_ns = 10ull * SECOND;
    expect(plan, 2, 2, true);
    takes_ns = 0;
    is_down = true;
    clock_now_ns += 59ull * SECOND;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(call_int(plan, 2), 2);
    }
    assert_true(count_of(plan, STATS_refreshes) > 5);
    assert_int_equal(count_of(plan, STATS_refreshes) + count_of(plan, STATS_hits), 10);
    assert_int_equal(count_of(plan, STATS_stale), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lives_setup, call_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_refresh),
        TEST(test_stale_if_error),
        TEST(test_stale_and_negative),
        TEST(test_stale_answers_are_complete),
        TEST(test_modes_do_not_fall_back),
        TEST(test_refresh_that_fails),
    };

    return cmocka_run_group_tests_name("call_stale", tests, NULL, NULL);
}
