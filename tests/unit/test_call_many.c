// SPDX-License-Identifier: MIT
/*
 * The short way of functions of many numbers (quick_many.c) against the long one: two plans of one
 * configuration get the same calls, one through its code, the other through call_handle. Keys of
 * one to five words, of one, two or more arguments each, some across two words; with floating-point
 * numbers and without; under policies that note a use in each of the ways.
 */
#include "call_short.h"

#include "call/call_private.h"
#include "call/quick_wide.h"

#include <fenv.h>

#define N_ROUNDS  3000
#define MAX_TAKEN 6

static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

/* Of each argument: l, i, s, c: an integer of 8, 4, 2 or 1 bytes; d, f; a capital: not in keys. */
static const struct form {
    const char *arguments;
    const char *result;
    bool has_code;
} forms[] = {
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

static const struct form *now; /* the function that is called now */

static uint32_t bytes_of(char argument)
{
    switch (argument | 0x20) {
    case 'l':
    case 'd':
        return 8;
    case 's':
        return 2;
    case 'c':
        return 1;
    default:
        return 4;
    }
}

static bool is_vector(char argument)
{
    return (argument | 0x20) == 'd' || (argument | 0x20) == 'f';
}

static bool is_ignored(char argument)
{
    return argument < 'a';
}

/* Hangs on each bit of each argument that counts, and on its place. */
static uint64_t worth(const uint64_t *integers, const double *vectors)
{
    uint64_t sum = 1, word;

    n_real++;
    for (const char *a = now->arguments; *a != '\0'; a++) {
        memcpy(&word, is_vector(*a) ? (const void *)vectors++ : (const void *)integers++, 8);
        if (!is_ignored(*a)) {
            sum = (sum ^ (word & (UINT64_MAX >> (64 - 8 * bytes_of(*a))))) * 0x9e3779b97f4a7c15;
            sum ^= sum >> 29;
        }
    }
    return sum;
}

static uint64_t to_integer(uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3, uint64_t i4,
                           uint64_t i5, double v0, double v1, double v2, double v3, double v4)
{
    return worth((const uint64_t[]){i0, i1, i2, i3, i4, i5}, (const double[]){v0, v1, v2, v3, v4});
}

static double to_vector(uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3, uint64_t i4,
                        uint64_t i5, double v0, double v1, double v2, double v3, double v4)
{
    uint64_t word = to_integer(i0, i1, i2, i3, i4, i5, v0, v1, v2, v3, v4);
    double value;

    if (now->result[0] == 'f') {
        word &= UINT32_MAX; /* which of a register nobody looks at, but for this test */
    }
    memcpy(&value, &word, sizeof(value));
    return value;
}

static struct call_plan *make(const char *policy, bool has_vector_result)
{
    static const char *const names = "abcdef";
    char entry[600], parameters[200] = "", args[200] = "";

    for (uint32_t i = 0; now->arguments[i] != '\0'; i++) {
        char a = now->arguments[i] | 0x20;
        size_t n = strlen(parameters), n_args = strlen(args);

        snprintf(parameters + n, sizeof(parameters) - n, "%s%s %c", i == 0 ? "" : ", ",
                 a == 'l'   ? "long"
                 : a == 'i' ? "int"
                 : a == 's' ? "short"
                 : a == 'c' ? "signed char"
                 : a == 'd' ? "double"
                            : "float",
                 names[i]);
        if (is_ignored(now->arguments[i])) {
            snprintf(args + n_args, sizeof(args) - n_args, "%s\"%c\":\"ignore\"",
                     n_args == 0 ? "" : ",", names[i]);
        }
    }
    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s f(%s)\",\"args\":{%s},\"policy\":\"%s\",\"max_entries\":64}",
             now->result, parameters, args, policy);
    return make_plan("f", entry, has_vector_result ? (void *)to_vector : (void *)to_integer);
}

/* Calls that differ from many others in one argument only; what does not count differs always. */
static void draw_arguments(uint64_t values[MAX_TAKEN], struct argument arguments[MAX_ARGUMENTS])
{
    uint32_t n = (uint32_t)strlen(now->arguments), k = draw(N_KEYS);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_bytes = bytes_of(now->arguments[i]), value = k / n + 1;

        /* A byte of which those that the argument has hang on the number: the upper ones first. */
        values[i] = 0x0101010101010101u * (i + 1);
        if (k % n == i) {
            values[i] += (uint64_t)value << (8 * n_bytes - 8 - value % n_bytes * 8);
        }
        if (is_ignored(now->arguments[i])) {
            values[i] = draw(UINT32_MAX);
        }
        arguments[i] = (struct argument){&values[i], n_bytes};
    }
}

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

        draw_arguments(values, arguments);
        __libc_single_threaded = i / 500 % 3 != 2;
        a = call_short(by_short, arguments);
        by_code = n_real - before;
        n_long += __libc_single_threaded && by_code == 0 && call_calls_since_tick != n_ticks;
        b = handle(longer, arguments);
        seen = a.integer;
        if (by_short->abi->result_is_vector) {
            memcpy(&seen, &a.vector, sizeof(seen));
        }
        if (now->result[0] == 'f') {
            seen &= UINT32_MAX;
            b &= UINT32_MAX;
        }
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
            bool is_vector_result = forms[i].result[0] == 'd' || forms[i].result[0] == 'f';
            struct call_plan *by_short, *longer;

            now = &forms[i];
            by_short = make(policies[p], is_vector_result);
            longer = make(policies[p], is_vector_result);
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
        plan = make(policies[i / 3], i % 3 == 1);
        assert_non_null(plan->wide->first);
        random_state = 3;
        draw_arguments(values, arguments);
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
