// SPDX-License-Identifier: MIT
/*
 * The guard on real calls, with driven costs: each reading of the clock, each real call and each
 * look into the cache (there is one coarse reading in it) takes as long as the test says. Who is to
 * let go of the function is the test, which notes it.
 */
#include "call_subject.h"

#include <sys/single_threaded.h>

#define WINDOW       16384
#define PROBE_WINDOW 4096

static uint64_t real_takes_ns;
static struct call_balance seen;
static int n_rests, n_pays, n_tries;
static const struct call_plan *rested;

/* A key with a life: each look into the cache reads the coarse clock. */
#define SHIM_TAKES_NS 100

static int costly_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (clock == CLOCK_MONOTONIC_COARSE) {
        clock_now_ns += SHIM_TAKES_NS;
    }
    return driven_gettime(clock, ret_time);
}

static int twice(int x)
{
    n_real++;
    clock_now_ns += real_takes_ns;
    return 2 * x;
}

static void note_rest(struct call_plan *plan, const struct call_balance *balance)
{
    assert_int_equal(memoshim_guard, 1);
    n_rests++;
    rested = plan;
    seen = *balance;
}

static void note_pays(struct call_plan *plan)
{
    n_pays++;
}

static void note_try(void)
{
    n_tries++;
    call_try_again_at(UINT64_MAX);
}

static int setup(void **state)
{
    const struct call_hooks hooks = {.rest = note_rest, .pays = note_pays, .try_again = note_try};

    n_rests = n_pays = n_tries = 0;
    call_setup(state);
    clock_use_vdso(costly_gettime);
    call_init(&hooks);
    return 0;
}

#define ENTRY(more) "{\"prototype\":\"int f(int x)\",\"ttl\":\"7d\"" more "}"

static void call_many(struct call_plan *plan, int n, int n_keys)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(call_int(plan, i % n_keys), 2 * (i % n_keys));
    }
}

static void test_slow_function_stays(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(""), (void *)twice);
    struct stats_function read;

    real_takes_ns = 10000;
    call_many(plan, 60 * WINDOW, 100);
    assert_int_equal(n_rests, 0);
    call_plan_read(plan, &read);
    assert_int_equal(read.hit_ps, 100000);
    assert_in_range(read.miss_ps, 200000, 500000); /* storing reads the clock, too */
    assert_in_range(stats_real_quantile_ns(read.counters, 0.5), 9500, 10500);
}

/* Real calls of 20 ns: after the first window, and with the figures. */
static void test_hits_dearer_than_the_function(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(""), (void *)twice);

    real_takes_ns = 20;
    call_many(plan, WINDOW - 1, 100);
    assert_int_equal(n_rests, 0);
    call_many(plan, WINDOW, 100);
    assert_int_equal(n_rests, 1);
    assert_ptr_equal(rested, plan);
    assert_in_range(seen.n_calls, WINDOW, 2 * WINDOW - 1);
    /* Some calls are made to be real ones, for a judgement of now. */
    assert_in_range(seen.n_hits, seen.n_calls - 132, seen.n_calls - 116);
    assert_int_equal(seen.hit_ps, 100000);
    assert_int_equal(seen.real_ps, 20000);
}

/* A slow function that is never asked the same again: two windows of it. */
static void test_misses_alone(void **state)
{
    struct call_plan *plan =
        make_plan("f", ENTRY(",\"max_entries\":16,\"policy\":\"fifo\""), (void *)twice);

    real_takes_ns = 2000;
    call_many(plan, 2 * WINDOW - 1, 1 << 30);
    assert_int_equal(n_rests, 0);
    call_many(plan, 2 * WINDOW, 1 << 30);
    assert_int_equal(n_rests, 1);
    assert_int_equal(seen.n_hits, 0);
    assert_int_equal(seen.real_ps, 2000000);
}

/* The same of calls that take the short way, whose parts are measured as well. */
static void test_short_misses_alone(void **state)
{
    struct call_plan *plan =
        make_plan("f", ENTRY(",\"max_entries\":16,\"policy\":\"fifo\""), (void *)twice);
    struct abi_both (*quick)(uint64_t, struct call_plan *) =
        (struct abi_both(*)(uint64_t, struct call_plan *))call_plan_quick(plan);
    struct stats_function read;

    assert_non_null(quick);
    __libc_single_threaded = 1;
    real_takes_ns = 2000;
    for (int i = 0; i < 4 * WINDOW - 1; i++) {
        assert_true(n_rests == 0 || i >= 2 * WINDOW);
        assert_int_equal(quick((uint64_t)i, plan).integer, 2 * i);
    }
    assert_true(n_rests >= 1);
    assert_int_equal(seen.n_hits, 0);
    assert_int_equal(seen.real_ps, 2000000);
    assert_int_equal(seen.miss_ps, 200000); /* looking and storing read the clock */
    call_plan_read(plan, &read);
    assert_in_range(stats_real_quantile_ns(read.counters, 0.5), 1900, 2100);
}

/* While it is being filled a cache has more patience; then it pays. */
static void test_patience_while_it_grows(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(",\"max_entries\":65536"), (void *)twice);

    real_takes_ns = 400;
    call_many(plan, 2 * WINDOW + WINDOW / 2, 1 << 30);
    assert_int_equal(n_rests, 0);
    for (int i = 0; i < 4; i++) {
        call_many(plan, 2 * WINDOW, 2 * WINDOW);
    }
    assert_int_equal(n_rests, 0);
}

/* One that was worth it and is no more; then tried again, twice. */
static void test_change_and_probes(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(",\"max_entries\":200"), (void *)twice);

    real_takes_ns = 10000;
    call_many(plan, 2 * WINDOW, 100);
    real_takes_ns = 20;
    call_many(plan, 100 * WINDOW, 300); /* lru: no hits any more */
    assert_true(n_rests >= 1);

    n_rests = 0;
    call_plan_try_again(plan);
    call_many(plan, PROBE_WINDOW - 1, 300);
    assert_int_equal(n_rests + n_pays, 0);
    call_many(plan, PROBE_WINDOW, 300);
    assert_int_equal(n_rests, 1); /* one window is enough */
    assert_int_equal(n_pays, 0);

    n_rests = 0;
    real_takes_ns = 10000;
    call_plan_try_again(plan);
    call_many(plan, 4 * WINDOW, 100);
    assert_int_equal(n_rests, 0);
    assert_int_equal(n_pays, 1);
}

static void test_nobody_is_let_go_of_without_guard(void **state)
{
    static const char *const entries[] = {ENTRY(",\"guard\":false"), ENTRY(",\"mode\":\"observe\""),
                                          ENTRY(",\"mode\":\"verify\"")};

    real_takes_ns = 20;
    for (unsigned i = 0; i < 3; i++) {
        struct call_plan *plan = make_plan("f", entries[i], (void *)twice);

        call_many(plan, 5 * WINDOW, 100);
        assert_int_equal(n_rests, 0);
    }
}

/* Calls that are bypassed, one and all: they cost the way there and save nothing. */
static void test_bypasses(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(""), (void *)twice);

    call_plan_note_way(plan, 40000);
    call_plan_bypass(plan);
    call_many(plan, 3 * WINDOW, 100);
    assert_true(n_rests >= 1);
    assert_int_equal(seen.n_hits, 0);
}

/* Calls of others look when something is due: misses each, hits now and then. */
static void test_others_look(void **state)
{
    struct call_plan *plan = make_plan("f", ENTRY(""), (void *)twice);

    real_takes_ns = 10000;
    call_try_again_at(clock_now_ns + SECOND);
    call_many(plan, 1000, 1 << 30);
    assert_int_equal(n_tries, 0);
    clock_now_ns += SECOND;
    call_int(plan, -1);
    assert_int_equal(n_tries, 1);
    call_try_again_at(clock_now_ns);
    call_many(plan, 8 * 1024, 100);
    assert_int_equal(n_tries, 2);
    call_try_again_at(clock_now_ns + SECOND);
    call_be_confined();
    clock_now_ns += 2 * SECOND;
    call_many(plan, 8 * 1024, 100);
    assert_int_equal(n_tries, 2);
}

int main(void)
{
    /* The last one stops the measuring for good. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slow_function_stays, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_dearer_than_the_function, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_misses_alone, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_short_misses_alone, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_patience_while_it_grows, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_change_and_probes, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_let_go_of_without_guard, setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_bypasses, setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_others_look, setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
