// SPDX-License-Identifier: MIT
/*
 * The short way of a miss: whatever the real function does, from jumping out to starting a thread,
 * is dealt with as the long way does. Each case is counted exactly, and is looked at in a process
 * without threads, where the short way is, and with them, where it is not.
 */
#include "call_subject.h"

#include "call/call_private.h"

#include <errno.h>
#include <fenv.h>
#include <setjmp.h>
#include <sys/single_threaded.h>

static struct call_plan *plan;
static void (*during)(double x); /* what the function does besides */

static double twice(double x)
{
    n_real++;
    if (during != NULL) {
        during(x);
    }
    return 2 * x;
}

static bool in_memory; /* arguments are, as those of quick_wide.c */

static double call_twice(double x)
{
    struct abi_words words;
    double result;

    if (in_memory) {
        memset(&words, 0xa5, sizeof(words));
        memcpy(&words.vectors[0], &x, sizeof(x));
        result = call_plan_words(plan)(plan, &words).vector;
    } else {
        result =
            ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, x).vector;
    }
    assert_int_equal(memoshim_guard, 0);
    assert_true(result == 2 * x);
    return result;
}

static void begin(const char *more, bool single_threaded)
{
    char entry[400];

    /* More integers than there is code for, which nobody looks at. */
    snprintf(entry, sizeof(entry),
             in_memory
                 ? "{\"prototype\":\"double f(double x, int a, int b, int c, int d)\",\"args\":"
                   "{\"a\":\"ignore\",\"b\":\"ignore\",\"c\":\"ignore\",\"d\":\"ignore\"}%s}"
                 : "{\"prototype\":\"double f(double x)\"%s}",
             more);
    plan = make_plan("f", entry, (void *)twice);
    assert_true(in_memory ? call_plan_words(plan) != NULL : call_plan_quick(plan) != NULL);
    during = NULL;
    n_real = 0;
    __libc_single_threaded = (char)single_threaded;
}

/* How many calls had which outcome. */
static void expect(uint64_t hits, uint64_t stores, uint64_t not_stored, uint64_t bypasses)
{
    struct stats_function read;

    __libc_single_threaded = 1;
    call_plan_read(plan, &read);
    assert_int_equal(stats_counted(read.counters, STATS_hits), hits);
    assert_int_equal(stats_counted(read.counters, STATS_stores), stores);
    assert_int_equal(stats_counted(read.counters, STATS_not_stored), not_stored);
    assert_int_equal(stats_counted(read.counters, STATS_bypasses), bypasses);
}

/* A test of one process that is one with threads the second time. */
#define BOTH_WAYS(alone) for (int alone = 1; alone >= 0; alone--)

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

/* ---- what the function does meanwhile -------------------------------------------------------- */

static jmp_buf out;

static void jump_out(double x)
{
    longjmp(out, 1);
}

static bool call_and_jump(double x)
{
    during = jump_out;
    if (setjmp(out) == 0) {
        call_twice(x);
        return false;
    }
    during = NULL;
    return true;
}

/* What was left behind is no computation of this thread any more, in whatever way the next comes.
 */
static void test_jumping_out(void **state)
{
    BOTH_WAYS(alone)
    {
        for (int again = 0; again < 3; again++) {
            begin(again == 2 ? ",\"single_flight\":false" : "", alone);
            for (int i = 0; i < 3; i++) {
                assert_true(call_and_jump(1));
                assert_true(call_and_jump(1 + again));
            }
            call_twice(1);
            call_twice(1);
            call_twice(1 + again);
            expect(again == 0 ? 2 : 1, again == 0 ? 1 : 2, 0, 0);
            assert_int_equal(n_real, 6 + (again == 0 ? 1 : 2));
        }
    }
}

static void call_halves(double x)
{
    if (x > 1) {
        call_twice(x / 2);
        call_twice(x / 2);
    }
}

static void call_itself(double x)
{
    static int depth;

    if (depth++ < 3) {
        call_twice(x);
    }
    depth--;
}

static void test_recursion(void **state)
{
    BOTH_WAYS(alone)
    {
        begin("", alone);
        during = call_halves;
        call_twice(64);
        call_twice(64);
        expect(7, 7, 0, 0);
        begin("", alone);
        during = call_itself;
        call_twice(1);
        expect(0, 1, 0, 3);
        begin(",\"single_flight\":false", alone);
        during = call_itself;
        call_twice(1); /* is there by then */
        call_twice(2);
        expect(0, 8, 0, 0);
        expect_counts(plan, 8, 2, 8);
    }
}

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
        assert_true(plan->quick.fill == NULL);
        call_twice(1);
        call_twice(1);
        expect(1, 1, 0, 0);
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

static int setup_in_memory(void **state)
{
    in_memory = true;
    return call_setup(state);
}

static int teardown_in_memory(void **state)
{
    in_memory = false;
    return call_teardown(state);
}

#define BY_BOTH(test)                                                 \
    cmocka_unit_test_setup_teardown(test, call_setup, call_teardown), \
        cmocka_unit_test_setup_teardown(test, setup_in_memory, teardown_in_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_BOTH(test_errno),
        BY_BOTH(test_flags),
        BY_BOTH(test_rounding),
        BY_BOTH(test_jumping_out),
        BY_BOTH(test_recursion),
        BY_BOTH(test_invalidation),
        BY_BOTH(test_threads_begin_meanwhile),
        BY_BOTH(test_others_are_stored_meanwhile),
        BY_BOTH(test_conditions_and_fences),
        BY_BOTH(test_what_is_due),
        BY_BOTH(test_timed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
