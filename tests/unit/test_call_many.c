// SPDX-License-Identifier: MIT
/*
 * The short way of functions of many numbers (quick_many.c) against the long one: two plans of one
 * configuration get the same calls, one through its code, the other through call_handle. Keys of
 * one to five words, of one, two or more arguments each, some across two words; with floating-point
 * numbers and without; under policies that note a use in each of the ways.
 */
#include "call_forms.h"

#include "call/call_private.h"
#include "call/quick_wide.h"

#include <fenv.h>

#define N_ROUNDS 3000
#define BOUND    ",\"max_entries\":64"

static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

static const struct form forms[] = {
    {"lIII", "long", true},   {"iIIL", "int", true},      {"iiLL", "int", true},
    {"sIIi", "short", true},  {"lDDL", "double", true},   {"fFfF", "float", true},
    {"dIII", "double", true}, {"iiii", "int", true},      {"llII", "long", true},
    {"ilII", "int", true},    {"ffff", "float", true},    {"ddDD", "double", true},
    {"didI", "double", true}, {"iddI", "double", true},   {"lllI", "long", true},
    {"illI", "int", true},    {"dddD", "double", true},   {"ddii", "double", true},
    {"lil", "long", true},    {"llll", "long", true},     {"illl", "int", true},
    {"dddd", "double", true}, {"lliiii", "long", true},   {"dlid", "double", true},
    {"dfld", "double", true}, {"ccci", "int", false},     {"iccl", "long", false},
    {"lllli", "long", false}, {"ddddd", "double", false}, {"iiiiic", "signed char", true},
};

static void compare(struct call_plan *by_short, struct call_plan *longer, const char *policy)
{
    uint64_t values[MAX_TAKEN];
    struct argument arguments[MAX_ARGUMENTS];
    int n_hits = 0, n_long = 0;

    random_state = 88172645463325252u;
    for (int i = 0; i < N_ROUNDS; i++) {
        int before = n_real, by_code;
        uint32_t n_ticks = call_calls_since_tick; /* which the long way moves */
        struct abi_both a;
        uint64_t b, seen;

        make_arguments(draw(N_KEYS), values, arguments);
        __libc_single_threaded = i / 500 % 3 != 2;
        a = call_short(by_short, arguments);
        by_code = n_real - before;
        n_long += __libc_single_threaded && by_code == 0 && call_calls_since_tick != n_ticks;
        b = handle(longer, arguments);
        seen = seen_of(by_short, a);
        b = now->result[0] == 'f' ? b & UINT32_MAX : b;
        if (n_real - before - by_code != by_code || seen != b) {
            fail_msg("%s, %s: call %d: %d real calls, %d the long way; %llx, %llx", now->arguments,
                     policy, i, by_code, n_real - before - by_code, (unsigned long long)seen,
                     (unsigned long long)b);
        }
        n_hits += by_code == 0;
    }
    __libc_single_threaded = 1;
    if (by_short->wide != NULL) {
        assert_in_range(n_long, 0, N_ROUNDS / 20); /* looks that are due */
    }
    assert_in_range(n_hits, N_ROUNDS / 5, N_ROUNDS - 20);
    expect_same_counts(by_short, longer);
}

static void test_each_form(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            struct call_plan *by_short, *longer;

            now = &forms[i];
            by_short = make_form(policies[p], BOUND);
            longer = make_form(policies[p], BOUND);
            if (call_plan_words(by_short) != NULL &&
                (by_short->wide->first != NULL) != forms[i].has_code) {
                fail_msg("%s: there is code for it, or not", now->arguments);
            }
            compare(by_short, longer, policies[p]);
        }
    }
}

/* Where floating-point numbers come in or go out, and only there. */
static void test_rounding_and_invalidation(void **state)
{
    static const struct form asked[] = {
        {"llll", "long", true}, {"llll", "double", true}, {"dddd", "long", true}};

    for (size_t i = 0; i < 3 * sizeof(policies) / sizeof(policies[0]); i++) {
        uint64_t values[MAX_TAKEN];
        struct argument arguments[MAX_ARGUMENTS];
        struct call_plan *plan;
        bool hangs_on_it = i % 3 != 0;
        int before;

        now = &asked[i % 3];
        plan = make_form(policies[i / 3], BOUND);
        assert_non_null(plan->wide->first);
        random_state = 3;
        make_arguments(draw(N_KEYS), values, arguments);
        call_short(plan, arguments);
        before = n_real;
        call_short(plan, arguments);
        assert_int_equal(n_real, before);
        fesetround(FE_UPWARD);
        call_short(plan, arguments);
        fesetround(FE_TONEAREST);
        assert_int_equal(n_real, before + hangs_on_it);
        guard_enter();
        call_plan_invalidate(plan);
        guard_leave();
        call_short(plan, arguments);
        assert_int_equal(n_real, before + hangs_on_it + 1);
        call_short(plan, arguments);
        assert_int_equal(n_real, before + hangs_on_it + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_form, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_rounding_and_invalidation, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
