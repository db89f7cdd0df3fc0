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

static double call_third(struct call_plan *plan, double x)
{
    return ((struct abi_both(*)(struct call_plan *, double))call_plan_quick(plan))(plan, x).vector;
}

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
static bool is_real_after_look(struct call_plan *plan)
{
    int n_before = n_real;

    atomic_store(&plan->quick.look_mask, 0);
    assert_true(call_third(plan, 3) == 0.75);
    return n_real != n_before;
}

/* Who looks at what is due is answered all the same, and not the long way, unless that must be. */
static void test_who_looks_is_answered(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
    char entry[100];

    for (int i = 0; i < 4; i++) {
        struct call_plan *plan;
        uint64_t n_long_before;

        snprintf(entry, sizeof(entry), "{\"prototype\":\"double f(double x)\",\"policy\":\"%s\"}",
                 policies[i]);
        plan = make_plan("f", entry, (void *)third);
        n_real = 0;
        call_third(plan, 3);
        atomic_store(&plan->measure.share, 0);
        n_long_before = n_long(plan);
        assert_false(is_real_after_look(plan));
        assert_false(is_real_after_look(plan));
        assert_true(n_long(plan) == n_long_before);
        expect_counts(plan, 3, 1, 1);

        fesetround(FE_UPWARD);
        assert_true(is_real_after_look(plan));
        fesetround(FE_TONEAREST);
        assert_false(is_real_after_look(plan));

        /* Those that are timed are to be real ones. */
        n_long_before = n_long(plan);
        atomic_store(&plan->measure.n_real_wanted, 1);
        is_real_after_look(plan);
#if MEMOSHIM_CHECKS
        assert_true(n_long(plan) == n_long_before + 1);
#endif
        atomic_store(&plan->measure.n_real_wanted, 0);

        /* What the look itself has made invalid does not answer. */
        to_invalidate = plan;
        call_init(&(struct call_hooks){.tick = invalidate_it});
        call_calls_since_tick = UINT16_MAX;
        assert_true(is_real_after_look(plan));
        call_init(&(struct call_hooks){0});

        atomic_store(&plan->is_unfollowed, true);
        assert_true(is_real_after_look(plan));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_looks_is_answered, call_setup, call_teardown),
    };

    return cmocka_run_group_tests_name("call_looks", tests, NULL, NULL);
}
