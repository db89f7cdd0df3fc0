// SPDX-License-Identifier: MIT
/*
 * The short way of a miss: whatever the real function does, from setting errno to starting a
 * thread, is dealt with as the long way does. Each case is counted exactly, and is looked at in a
 * process without threads, where the short way is, and with them, where it is not.
 */
#include "quick_miss_subject.h"

#include <fenv.h>
#include <pthread.h>

/* ---- what the function leaves behind --------------------------------------------------------- */

static void fail_below_1(double x)
{
    if (x < 1) {
        errno = EDOM;
    }
}

static void test_errno(void **state)
{
    BOTH_WAYS(alone)
    {
        begin("", alone);
        during = fail_below_1;
        for (int i = 0; i < 2; i++) {
            errno = ENOTTY;
            call_twice(2);
            assert_int_equal(errno, ENOTTY);
            errno = 0;
            call_twice(0.5);
            assert_int_equal(errno, EDOM);
        }
        expect(1, 1, 2, 0);
    }
}

static int raised;

static void raise_above_1(double x)
{
    if (x > 1) {
        feraiseexcept(raised);
    }
}

static void test_flags(void **state)
{
    static const int flags[] = {FE_INVALID, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW};

    BOTH_WAYS(alone)
    {
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
            for (int stands = 0; stands < 2; stands++) {
                int seen;

                begin("", alone);
                during = raise_above_1;
                feclearexcept(FE_ALL_EXCEPT);
                feraiseexcept(stands ? flags[(i + stands) % 4] | flags[i] : 0);
                raised = flags[i];
                call_twice(0.5);
                call_twice(0.5);
                call_twice(2);
                call_twice(2);
                raised = FE_INEXACT;
                call_twice(3);
                call_twice(3);
                seen = fetestexcept(FE_ALL_EXCEPT);
                feclearexcept(FE_ALL_EXCEPT);
                assert_int_equal(seen & flags[i], flags[i]);
                assert_int_equal(seen & FE_INEXACT, FE_INEXACT);
                expect(2, 2, 2, 0);
            }
        }
    }
}

static void set_rounding(double x)
{
    fesetround(x > 1 ? FE_UPWARD : FE_TONEAREST);
}

static void test_rounding(void **state)
{
    BOTH_WAYS(alone)
    {
        begin("", alone);
        fesetround(FE_UPWARD);
        call_twice(1);
        fesetround(FE_TONEAREST);
        call_twice(1);
        during = set_rounding;
        call_twice(2); /* under the default mode, which it changes */
        call_twice(3);
        call_twice(2);
        assert_int_equal(fegetround(), FE_UPWARD);
        call_twice(0.5); /* and sets again */
        assert_int_equal(fegetround(), FE_TONEAREST);
        call_twice(2);
        expect(1, 2, 0, 4);
    }
}

static void test_conditions_on_errno(void **state)
{
    static const char *const more[] = {
        ",\"errno\":true,\"store_if\":\"errno == EDOM\"",
        ",\"errno\":true,\"unless\":\"errno == 0\"",
    };

    BOTH_WAYS(alone)
    {
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
            begin(more[i], alone);
            during = fail_below_1;
            for (int k = 0; k < 2; k++) {
                errno = ENOTTY;
                call_twice(2);
                assert_int_equal(errno, ENOTTY);
                call_twice(0.5);
                assert_int_equal(errno, EDOM);
            }
            expect(1, 1, 2, 0);
        }
    }
}

/*
 * Of a result narrower than its register a real function may leave anything above it; and flags
 * are nobody's business where neither argument nor result is of floating point.
 */
static uint64_t low_byte(int x)
{
    n_real++;
    feraiseexcept(FE_DIVBYZERO);
    return 0xa5a5a5a5a5a5a500u | (unsigned char)x;
}

static void test_narrow_results(void **state)
{
    static const struct {
        const char *type;
        int64_t first, second; /* of 1, and of 200 */
    } results[] = {{"unsigned char", 1, 200}, {"signed char", 1, -56}, {"_Bool", 1, 1}};

    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        BOTH_WAYS(alone)
        {
            char entry[100];

            snprintf(entry, sizeof(entry), "{\"prototype\":\"%s f(int x)\"}", results[i].type);
            plan = make_plan("f", entry, (void *)low_byte);
            n_real = 0;
            __libc_single_threaded = (char)alone;
            for (int k = 0; k < 4; k++) {
                int x = k % 2 == 0 || i == 2 ? 1 : 200;
                struct abi_both seen =
                    ((struct abi_both(*)(uint64_t, struct call_plan *))call_plan_quick(plan))(
                        (uint64_t)x, plan);

                assert_int_equal((int64_t)seen.integer,
                                 k % 2 == 0 ? results[i].first : results[i].second);
            }
            __libc_single_threaded = 1;
            assert_int_equal(n_real, i == 2 ? 1 : 2);
        }
    }
}

/* ---- what the function does meanwhile -------------------------------------------------------- */

static void invalidate(double x)
{
    guard_enter();
    call_plan_invalidate(plan);
    guard_leave();
}

static void bypass(double x)
{
    guard_enter();
    call_plan_bypass(plan);
    guard_leave();
}

static void test_invalidation(void **state)
{
    BOTH_WAYS(alone)
    {
        begin("", alone);
        call_twice(1);
        during = invalidate;
        call_twice(2);
        during = NULL;
        call_twice(2);
        call_twice(1);
        call_twice(1);
        expect(1, 3, 1, 0);
        begin("", alone);
        during = bypass;
        call_twice(1);
        during = NULL;
        call_twice(1);
        expect(0, 0, 1, 1);
    }
}

/* Others may be in the cache from here on. */
static void start_thread(double x)
{
    __libc_single_threaded = 0;
}

static void end_threads(double x)
{
    __libc_single_threaded = 1;
}

static void test_threads_begin_meanwhile(void **state)
{
    begin("", true);
    during = start_thread;
    call_twice(1);
    during = NULL;
    call_twice(1);
    during = end_threads;
    call_twice(2);
    during = NULL;
    call_twice(2);
    expect(2, 2, 0, 0);
}

static void call_another_way(double x)
{
    double other = x + 1, result;
    int none = 0;
    void *arguments[] = {&other, &none, &none, &none, &none};

    during = NULL;
    call_handle(plan, &result, arguments);
}

/* The shard is not what it was. */
static void test_others_are_stored_meanwhile(void **state)
{
    BOTH_WAYS(alone)
    {
        begin(",\"max_entries\":1", alone);
        during = call_another_way;
        call_twice(1);
        call_twice(1);
        call_twice(2);
        expect(1, 3, 0, 0);
    }
}

/* ---- who makes way --------------------------------------------------------------------------- */

static double call_long(struct call_plan *longer, double x)
{
    void *arguments[] = {&x, &(int){0}, &(int){0}, &(int){0}, &(int){0}};
    double result;

    call_handle(longer, &result, arguments);
    return result;
}

/* Under every policy the same entries make way as on the long way, in one shard and in several. */
static void test_who_makes_way(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "direct",  "fifo",     "lfu",
                                           "mru", "rr",    "s3-fifo", "w-tinylfu"};
    uint64_t random = 1;

    for (size_t p = 0; p < 2 * sizeof(policies) / sizeof(policies[0]); p++) {
        char more[200];
        struct call_plan *longer;

        snprintf(more, sizeof(more), ",\"policy\":\"%s\",\"max_entries\":64,\"shards\":%d",
                 policies[p / 2], p % 2 == 0 ? 1 : 4);
        begin(more, true);
        longer = plan;
        begin(more, true);
        for (int i = 0; i < 6000; i++) {
            int before = n_real, by_short;
            double x;

            random = random * 6364136223846793005u + 1442695040888963407u;
            x = (double)(random >> 33 & (random >> 62 == 0 ? 1023 : 63)); /* some come often */
            x += i > 4000 ? 2000 : 0; /* and then others, which all are new */
            call_twice(x);
            by_short = n_real - before;
            assert_true(call_long(longer, x) == 2 * x);
            if (n_real - before != 2 * by_short) {
                fail_msg("%s, call %d", more, i);
            }
        }
    }
}

/* ---- what is not for it ---------------------------------------------------------------------- */

static void test_conditions_and_fences(void **state)
{
    static const char *const more[] = {
        ",\"store_if\":\"return > 2\"",
        ",\"unless\":\"return == 2\"",
        ",\"store_if\":\"x > 1\"",
    };

    BOTH_WAYS(alone)
    {
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
            begin(more[i], alone);
            for (int k = 0; k < 2; k++) {
                call_twice(1);
                call_twice(4);
            }
            expect(1, 1, 2, 0);
        }
        begin(",\"invalidate\":[{\"on_call\":\"g\",\"prototype\":\"void g(double y)\","
              "\"match\":{\"y\":\"x\"}}]",
              alone);
        assert_true(!plan->quick.may_compute);
        call_twice(1);
        call_twice(1);
        expect(1, 1, 0, 0);
    }
}

static void *call_in_another_thread(void *unused)
{
    call_twice(0.5);
    return NULL;
}

/* What is not stored is being computed by nobody: others neither wait for it nor pass by. */
static void test_others_want_what_was_not_stored(void **state)
{
    static const struct {
        const char *more;
        void (*during)(double x);
    } reasons[] = {
        {"", fail_below_1},
        {",\"errno\":true,\"unless\":\"errno != 0\"", fail_below_1},
        {",\"store_if\":\"return > 2\"", NULL},
        {"", invalidate},
    };

    BOTH_WAYS(alone)
    {
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
            pthread_t thread;
            struct stats_function read;

            begin(reasons[i].more, alone);
            during = reasons[i].during;
            call_twice(0.5);
            assert_int_equal(pthread_create(&thread, NULL, call_in_another_thread, NULL), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
            expect(0, 0, 2, 0);
            call_plan_read(plan, &read);
            assert_int_equal(stats_counted(read.counters, STATS_waits), 0);
        }
    }
}

static unsigned n_looks;

/* What is due may set errno, which nobody is to see. */
static void look(void)
{
    n_looks++;
    errno = EIO;
}

/* Every miss tells, and statistics are due as often as on the long way. */
static void test_what_is_due(void **state)
{
    begin(",\"max_entries\":16", true);
    call_init(&(struct call_hooks){.miss = look});
    n_looks = 0;
    for (int i = 0; i < 1000; i++) {
        errno = ENOTTY;
        call_twice(i);
        assert_int_equal(errno, ENOTTY);
    }
    assert_int_equal(n_looks, 1000);
    call_init(&(struct call_hooks){.tick = look});
    n_looks = 0;
    for (int i = 0; i < 2560; i++) {
        errno = ENOTTY;
        call_twice(1000 + i);
        assert_int_equal(errno, ENOTTY);
    }
    assert_in_range(n_looks, 9, 11);
    call_init(&(struct call_hooks){0});
    expect(0, 3560, 0, 0);
}

/* Its cost is known by calls that are timed, one in some; they count like all others. */
static void test_timed(void **state)
{
    struct stats_function read;
    uint64_t sum_ns;

    clock_use_vdso(NULL);
    begin(",\"max_entries\":100,\"guard\":false", true);
    for (int i = 0; i < 20000; i++) {
        call_twice(i);
    }
    call_plan_read(plan, &read);
    /* All at first; then as often as that is cheap, which hangs on what this machine is doing. */
    assert_in_range(stats_real_count(read.counters, &sum_ns), 64, 20000);
    assert_true(read.miss_ps > 0);
    expect(0, 20000, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_BOTH(test_errno),
        BY_BOTH(test_flags),
        BY_BOTH(test_rounding),
        BY_BOTH(test_conditions_on_errno),
        cmocka_unit_test_setup_teardown(test_narrow_results, call_setup, call_teardown),
        BY_BOTH(test_invalidation),
        BY_BOTH(test_threads_begin_meanwhile),
        BY_BOTH(test_others_are_stored_meanwhile),
        BY_BOTH(test_who_makes_way),
        BY_BOTH(test_conditions_and_fences),
        BY_BOTH(test_others_want_what_was_not_stored),
        BY_BOTH(test_what_is_due),
        BY_BOTH(test_timed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
