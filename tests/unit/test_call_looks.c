// SPDX-License-Identifier: MIT
/*
 * One hit in many looks at what is due, statistics and calls to be timed: what becomes of that call
 * itself.
 */
#include "quick_subject.h"

#include "call/call_private.h"

#include <fenv.h>
#include <stdio.h>

static double third(double x)
{
    n_real++;
    return x / 4;
}

static int third_out(int x, double *ret_third)
{
    n_real++;
    *ret_third = x / 4.0;
    return -x;
}

static double fifth(double a, double b, double c, double d, double e)
{
    n_real++;
    return a + b + c + d + e;
}

static void call_third(struct call_plan *plan)
{
    assert_true(
        ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, 3).vector ==
        0.75);
}

static void call_third_out(struct call_plan *plan)
{
    struct abi_both (*code)(uint64_t, uint64_t, struct call_plan *) =
        (struct abi_both(*)(uint64_t, uint64_t, struct call_plan *))call_plan_quick(plan);
    double out[2] = {1, 1};

    assert_int_equal((int)code(3, (uintptr_t)out, plan).integer, -3);
    assert_true(out[0] == 0.75 && out[1] == 1);
}

/* Its arguments come in memory. */
static void call_fifth(struct call_plan *plan)
{
    struct abi_words words;
    double number = 0.25;

    memset(&words, 0, sizeof(words));
    for (int i = 0; i < 5; i++) {
        memcpy(&words.vectors[i], &number, sizeof(number));
    }
    assert_true(call_plan_words(plan)(plan, &words).vector == 1.25);
}

static const struct subject {
    const char *entry;
    void *function;
    void (*call)(struct call_plan *plan);
} subjects[] = {
    {"\"prototype\":\"double f(double x)\"", (void *)third, call_third},
    {"\"prototype\":\"int f(int x, double *p)\",\"args\":{\"p\":{\"out\":\"double\"}}",
     (void *)third_out, call_third_out},
    {"\"prototype\":\"double f(double a, double b, double c, double d, double e)\"", (void *)fifth,
     call_fifth},
};

static struct call_plan *to_invalidate;

static void invalidate_it(void)
{
    call_plan_invalidate(to_invalidate);
}

static uint64_t n_long(struct call_plan *plan)
{
#if MEMOSHIM_CHECKS
    return atomic_load(&plan->ways.n[CALL_WAY_LONG]);
#else
    return 0;
#endif
}

/* A hit after which a look is due; whether the real function was called. */
static bool is_real_after_look(const struct subject *subject, struct call_plan *plan)
{
    int n_before = n_real;

    atomic_store(&plan->quick.look_mask, 0);
    subject->call(plan);
    return n_real != n_before;
}

/* Who looks at what is due is answered all the same, and not the long way, unless that must be. */
static void expect_answered(const struct subject *subject)
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
    char entry[200];

    for (int i = 0; i < 4; i++) {
        struct call_plan *plan;
        uint64_t n_long_before;

        snprintf(entry, sizeof(entry), "{%s,\"policy\":\"%s\"}", subject->entry, policies[i]);
        plan = make_plan("f", entry, subject->function);
        n_real = 0;
        subject->call(plan);
        atomic_store(&plan->measure.share, 0);
        n_long_before = n_long(plan);
        assert_false(is_real_after_look(subject, plan));
        assert_false(is_real_after_look(subject, plan));
        assert_true(n_long(plan) == n_long_before);
        expect_counts(plan, 3, 1, 1);

        fesetround(FE_UPWARD);
        assert_true(is_real_after_look(subject, plan));
        fesetround(FE_TONEAREST);
        assert_false(is_real_after_look(subject, plan));

        /* Those that are timed are to be real ones. */
        n_long_before = n_long(plan);
        atomic_store(&plan->measure.n_real_wanted, 1);
        is_real_after_look(subject, plan);
#if MEMOSHIM_CHECKS
        assert_true(n_long(plan) == n_long_before + 1);
#endif
        atomic_store(&plan->measure.n_real_wanted, 0);

        /* What the look itself has made invalid does not answer. */
        to_invalidate = plan;
        call_init(&(struct call_hooks){.tick = invalidate_it});
        call_calls_since_tick = UINT16_MAX;
        assert_true(is_real_after_look(subject, plan));
        call_init(&(struct call_hooks){0});

        atomic_store(&plan->is_unfollowed, true);
        assert_true(is_real_after_look(subject, plan));
    }
}

static void test_who_looks_is_answered(void **state)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        expect_answered(&subjects[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_looks_is_answered, call_setup, call_teardown),
    };

    return cmocka_run_group_tests_name("call_looks", tests, NULL, NULL);
}
