// SPDX-License-Identifier: MIT
/*
 * The short way of a hit against the long one: two plans of one configuration get the same calls,
 * one through its quick code, the other through call_handle. Each call must reach the real function
 * by both or by neither, whatever the policy, also when entries have to make way, and with threads.
 */
#include "quick_subject.h"

#include "call/call_private.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>

/* ---- one double ------------------------------------------------------------------------------ */

static double third(double x)
{
    n_real++;
    return x / 4;
}

static double call_third(struct call_plan *plan, double x)
{
    return ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, x).vector;
}

static double handle_third(struct call_plan *plan, double x)
{
    void *arguments[] = {&x};
    double result = 0;

    call_handle(plan, &result, arguments);
    return result;
}

static void test_same_as_the_long_way(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "s3-fifo", "fifo",
                                           "lfu", "rr",    "direct"};
    static const double odd[] = {0.0, -0.0, NAN, -NAN, INFINITY, 5e-324, 1.0, -1.0};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        for (int shards = 1; shards <= 4; shards += 3) {
            struct call_plan *quick, *longer;
            char entry[300];
            int n_hits = 0;

            snprintf(
                entry, sizeof(entry),
                "{\"prototype\":\"double f(double x)\",\"policy\":\"%s\",\"max_entries\":64%s}",
                policies[p], shards == 4 && p != 6 ? ",\"shards\":4" : "");
            make_both(entry, (void *)third, &quick, &longer);
            random_state = 88172645463325252u;
            for (int i = 0; i < N_CALLS; i++) {
                uint32_t k = draw(N_KEYS);
                double x = k < 8 ? odd[k] : k, a, b;
                int before = n_real, by_quick;

                __libc_single_threaded = i / 1000 % 2 == 0;
                a = call_third(quick, x);
                by_quick = n_real - before;
                b = handle_third(longer, x);
                if (n_real - before - by_quick != by_quick || memcmp(&a, &b, sizeof(a)) != 0) {
                    fail_msg("%s: call %d of %a: %d real calls, %d the long way; %a and %a",
                             policies[p], i, x, by_quick, n_real - before - by_quick, a, b);
                }
                n_hits += by_quick == 0;
                assert_int_equal(memoshim_guard, 0);
            }
            __libc_single_threaded = 1;
            assert_in_range(n_hits, N_CALLS / 5, N_CALLS - N_KEYS);
            expect_same_counts(quick, longer);
        }
    }
}

/* What is no key by the bound on bytes is none by any way. */
static void test_keys_beyond_the_bytes(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(double x)\",\"max_bytes\":7}", (void *)third);
    struct stats_function read;

    if (call_plan_quick(plan) != NULL) {
        call_third(plan, 1);
    } else {
        handle_third(plan, 1);
    }
    call_plan_read(plan, &read);
    assert_int_equal(stats_counted(read.counters, STATS_misses), 0);
    assert_int_equal(stats_counted(read.counters, STATS_bypasses), 1);
}

/* ---- parts of a key -------------------------------------------------------------------------- */

/*
 * f(signed char, float, int). It gets the registers as the caller left them, as it would without a
 * shim, and narrows them itself: some compilers leave that to the caller.
 */
static short mixed(uint64_t a, float b, uint64_t c)
{
    n_real++;
    return (short)((signed char)a + (int)b + (int)c);
}

typedef struct abi_both (*mixed_fn)(uint64_t a, uint64_t c, struct call_plan *plan, double b);

/*
 * Bytes that are not of the arguments are anything, but callers widen a small one to an int: some
 * compilers' functions rely on that.
 */
static int64_t call_mixed(struct call_plan *plan, signed char a, float b, int c)
{
    uint64_t dirt = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX), bits = 0;
    double vector;

    memcpy(&bits, &b, sizeof(b));
    bits |= dirt << 32;
    memcpy(&vector, &bits, sizeof(vector));
    return (int64_t)((mixed_fn)call_plan_quick(plan))((uint32_t)(int)a | dirt << 32,
                                                      (uint32_t)c | dirt << 32, plan, vector)
        .integer;
}

static void test_only_the_arguments_count(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"short f(signed char a, float b, int c)\"}", (void *)mixed);

    assert_non_null(call_plan_quick(plan));
    random_state = 5;
    for (int round = 0; round < 3; round++) {
        for (int a = -2; a < 3; a++) {
            for (int b = -2; b < 3; b++) {
                for (int c = -2; c < 3; c++) {
                    assert_int_equal(call_mixed(plan, (signed char)a, (float)b, c), a + b + c);
                }
            }
        }
        expect_counts(plan, 125 * (uint64_t)(round + 1), 125, 125);
    }
}

static uint64_t of_address(const void *p, unsigned ignored, unsigned long x)
{
    n_real++;
    return (uintptr_t)p + 2 * x;
}

static void test_two_words_and_one_that_is_ignored(void **state)
{
    struct call_plan *plan =
        make_plan("f",
                  "{\"prototype\":\"unsigned long f(const void *p, unsigned i, unsigned long x)\","
                  "\"args\":{\"p\":\"address\",\"i\":\"ignore\"}}",
                  (void *)of_address);
    struct abi_both (*code)(uint64_t, uint64_t, uint64_t, struct call_plan *) =
        (struct abi_both(*)(uint64_t, uint64_t, uint64_t, struct call_plan *))call_plan_quick(plan);

    assert_non_null(code);
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t p = i % 4 << 60, x = i / 4 % 4 << 61;

        assert_true(code(p, i, x, plan).integer == p + 2 * x);
    }
    expect_counts(plan, 400, 16, 16);
}

static uint64_t of_two(unsigned long x, unsigned long y, int ignored)
{
    n_real++;
    return x + 2 * y;
}

/* Behind all bits of a key. */
static void test_one_that_is_ignored_behind_two_words(void **state)
{
    struct call_plan *plan =
        make_plan("f",
                  "{\"prototype\":\"unsigned long f(unsigned long x, unsigned long y, int i)\","
                  "\"args\":{\"i\":\"ignore\"}}",
                  (void *)of_two);
    struct abi_both (*code)(uint64_t, uint64_t, uint64_t, struct call_plan *) =
        (struct abi_both(*)(uint64_t, uint64_t, uint64_t, struct call_plan *))call_plan_quick(plan);

    assert_non_null(code);
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t x = i % 4 << 60, y = i / 4 % 4 << 61;

        assert_true(code(x, y, i, plan).integer == x + 2 * y);
    }
    expect_counts(plan, 400, 16, 16);
}

/* ---- what else decides ----------------------------------------------------------------------- */

/* In a process with threads as in one without. */
static void test_rounding_and_invalidation(void **state)
{
    for (int single_threaded = 0; single_threaded < 2; single_threaded++) {
        struct call_plan *plan = make_plan(
            "f", "{\"prototype\":\"double f(double x)\",\"policy\":\"sieve\"}", (void *)third);

        n_real = 0;
        __libc_single_threaded = (char)single_threaded;
        call_third(plan, 1);
        call_third(plan, 1);
        expect_counts(plan, 2, 1, 1);
        fesetround(FE_UPWARD);
        call_third(plan, 1);
        fesetround(FE_TONEAREST);
        expect_counts(plan, 3, 1, 2);
        guard_enter();
        call_plan_invalidate(plan);
        guard_leave();
        call_third(plan, 1);
        call_third(plan, 1);
        expect_counts(plan, 5, 1, 3);
        call_plan_bypass(plan);
        call_third(plan, 1);
        call_third(plan, 1);
        expect_counts(plan, 7, 1, 5);
        __libc_single_threaded = 1;
    }
}

/*
 * A call that had begun before may put its result in after all was dropped: it does not answer,
 * not even when the share of calls that are timed changes.
 */
static void expect_real(struct call_plan *plan, bool is_real)
{
    int n_before = n_real;

    assert_true(call_third(plan, 3) == 0.75);
    assert_int_equal(n_real - n_before, is_real);
}

/* Once as this processor tells it, once by MXCSR, for which there is code of its own. */
static void test_each_way_of_noting_a_mode(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

    float_probe_init();
    for (int way = 0; way < 2; way++) {
        for (int i = 0; i < 4; i++) {
            char entry[100];
            struct call_plan *plan;

            snprintf(entry, sizeof(entry),
                     "{\"prototype\":\"double f(double x)\",\"policy\":\"%s\"}", policies[i]);
            plan = make_plan("f", entry, (void *)third);
            expect_real(plan, true);
            for (int mode = 0; mode < 3; mode++) {
                expect_real(plan, false);
                fesetround(modes[mode]);
                expect_real(plan, true);
                fesetround(FE_TONEAREST);
            }
            expect_real(plan, feenableexcept(FE_INEXACT) != -1); /* some processors have no traps */
            fedisableexcept(FE_INEXACT);
            expect_real(plan, false);
#if defined(__x86_64__)
            if (!float_mode_probes()) { /* which alone tells of a trap in MXCSR alone */
                uint32_t mxcsr = mxcsr_read();

                mxcsr_write(mxcsr & ~MXCSR_MASK_INEXACT);
                expect_real(plan, true);
                mxcsr_write(mxcsr);
            }
#endif
        }
#if defined(__x86_64__)
        float_probe_stop();
        assert_false(float_mode_probes());
#endif
    }
    float_probe_init();
}

static void test_what_is_not_followed_does_not_answer(void **state)
{
    for (int single_threaded = 0; single_threaded < 2; single_threaded++) {
        struct call_plan *plan = make_plan(
            "f", "{\"prototype\":\"double f(double x)\",\"policy\":\"sieve\"}", (void *)third);

        n_real = 0;
        __libc_single_threaded = (char)single_threaded;
        call_third(plan, 1);
        call_third(plan, 1);
        expect_counts(plan, 2, 1, 1);
        atomic_store(&plan->is_unfollowed, true); /* call_plan_bypass, but what it drops */
        quick_stop(plan);
        for (int i = 0; i < 4; i++) {
            call_third(plan, 1);
            quick_follow_share(plan, i == 0 ? 1 : 0);
        }
        assert_int_equal(n_real, 5);
        __libc_single_threaded = 1;
    }
}

static short negate(short x)
{
    n_real++;
    return (short)-x;
}

static void test_narrow_results_are_widened(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"short f(short x)\",\"policy\":\"sieve\"}", (void *)negate);
    struct abi_both (*code)(uint64_t, struct call_plan *);

    code = (struct abi_both(*)(uint64_t, struct call_plan *))call_plan_quick(plan);
    for (int i = 0; i < 6; i++) {
        __libc_single_threaded = i % 2 == 0;
        /* Callers leave anything in the upper bytes. */
        assert_true((int64_t)code(0xdead0005 + ((uint64_t)i << 16), plan).integer == -5);
    }
    __libc_single_threaded = 1;
    expect_counts(plan, 6, 1, 1);
}

/* Hits take no lock in a process with threads, but where the policy stamps. */
static void test_hits_beside_others_take_no_lock(void **state)
{
    static const char *const policies[] = {"sieve", "s3-fifo", "fifo", "lfu", "rr", "direct"};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *plan;
        char entry[100];

        snprintf(entry, sizeof(entry), "{\"prototype\":\"double f(double x)\",\"policy\":\"%s\"}",
                 policies[p]);
        plan = make_plan("f", entry, (void *)third);
        n_real = 0;
        __libc_single_threaded = 0;
        call_third(plan, 1);
#if MEMOSHIM_CHECKS
        uint64_t n_locks = lock_count_acquired();
#endif
        for (int i = 0; i < 1000; i++) {
            assert_true(call_third(plan, 1) == 0.25);
        }
#if MEMOSHIM_CHECKS
        assert_int_equal(lock_count_acquired(), n_locks);
#endif
        __libc_single_threaded = 1;
        expect_counts(plan, 1001, 1, 1);
    }
}

static unsigned n_ticks;

static void note_tick(void)
{
    n_ticks++;
}

static void test_hits_look_at_what_is_due(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(double x)\"}", (void *)third);

    call_init(&(struct call_hooks){.tick = note_tick});
    n_ticks = 0;
    for (int i = 0; i < 2560; i++) {
        call_third(plan, 1);
    }
    assert_in_range(n_ticks, 9, 11);
    call_init(&(struct call_hooks){0});
}

static void fail_to_write(void)
{
    errno = EIO;
    n_ticks++;
}

/* Whatever else becomes of a call: statistics that are written, calls that are timed. */
static void test_hits_leave_errno_alone(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(double x)\"}", (void *)third);

    call_init(&(struct call_hooks){.tick = fail_to_write});
    for (int single_threaded = 0; single_threaded < 2; single_threaded++) {
        n_ticks = 0;
        __libc_single_threaded = (char)single_threaded;
        for (int i = 0; i < 1000; i++) {
            errno = ENOTTY;
            call_third(plan, 1);
            assert_int_equal(errno, ENOTTY);
        }
        assert_true(n_ticks > 0);
    }
    call_init(&(struct call_hooks){0});
}

static void *call_as_a_child(void *plan)
{
    __libc_single_threaded = 1;
    for (int i = 0; i < 2560; i++) {
        call_third(plan, 1);
    }
    return NULL;
}

/* A process without threads need not be of the thread that counted first: it may have been forked
 * by another. */
static void test_hits_of_a_thread_that_forked(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(double x)\"}", (void *)third);
    pthread_t thread;

    __libc_single_threaded = 0;
    call_third(plan, 1);
    call_init(&(struct call_hooks){.tick = note_tick});
    n_ticks = 0;
    assert_int_equal(pthread_create(&thread, NULL, call_as_a_child, plan), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    __libc_single_threaded = 1;
    assert_in_range(n_ticks, 9, 11);
    expect_counts(plan, 2561, 1, 1);
    call_init(&(struct call_hooks){0});
}

#define SECRET_ENTRY                                                              \
    "{\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":{\"in\":\"string\"," \
    "\"secret\":true}}}"

/* For these the short way would leave something out. */
static void test_others_have_none(void **state)
{
    static const char *const entries[] = {
        "{\"prototype\":\"double f(double x)\",\"mode\":\"observe\"}",
        "{\"prototype\":\"double f(double x)\",\"mode\":\"verify\"}",
        "{\"prototype\":\"double f(double x)\",\"verify_sample\":0.5}",
        "{\"prototype\":\"double f(double x)\",\"key_also\":[\"thread\"]}",
        "{\"prototype\":\"double f(double x)\",\"key_also\":[\"rounding\"]}",
        "{\"prototype\":\"double f(double x)\",\"args\":{\"x\":{\"round\":0.5}}}",
        "{\"prototype\":\"double f(double x)\",\"invalidate\":[{\"file\":\"/etc/passwd\"}]}",
        "{\"prototype\":\"double f(double x, int k)\",\"per_instance\":\"k\"}",
        "{\"prototype\":\"double f(double x, const char *s)\",\"args\":{\"s\":\"string\"}}",
        "{\"prototype\":\"double f(const char *s)\",\"args\":{\"s\":\"path\"}}",
        SECRET_ENTRY,
        "{\"prototype\":\"double f(const wchar_t *s)\",\"args\":{\"s\":\"string\"}}",
        "{\"prototype\":\"double f(double x, double y, int z)\"}",
        "{\"prototype\":\"double f(int x, int y, int z, int u)\"}",
        "{\"prototype\":\"long double f(double x)\"}",
        "{\"prototype\":\"double f(long double x)\"}",
        "{\"prototype\":\"double f(void)\"}",
    };

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (call_plan_quick(make_plan("f", entries[i], (void *)third)) != NULL) {
            fail_msg("there is a short way for %s", entries[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_keys_beyond_the_bytes, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_only_the_arguments_count, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_ignored_behind_two_words, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_two_words_and_one_that_is_ignored, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_rounding_and_invalidation, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_each_way_of_noting_a_mode, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_followed_does_not_answer, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_narrow_results_are_widened, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_beside_others_take_no_lock, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_look_at_what_is_due, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_leave_errno_alone, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_of_a_thread_that_forked, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_others_have_none, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
