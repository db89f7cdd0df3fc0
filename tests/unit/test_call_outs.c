// SPDX-License-Identifier: MIT
/*
 * The short way of functions of one or two numbers that write a few bytes (quick_outs.c) against
 * the long one: two plans of one configuration get the same calls, one through its code, the other
 * through call_handle. Each call must reach the real function by both or by neither, and leave the
 * same in memory, to the byte, and the same result. Every size that there is code for, and others
 * beside them, with a result and without, under policies that note a use in each of the ways.
 */
#include "call_short.h"

#include "call/call_private.h"
#include "call/quick_wide.h"

#include <fenv.h>

#define N_ROUNDS 1500
#define ROOM     96

static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

/* The function that is called now: what it writes, and of its first number what counts. */
static uint32_t n_written;
static uint32_t n_number_bytes;

/* All bytes hang on the numbers. */
static void write_out(uint64_t seed, unsigned char *out, uint32_t n_bytes)
{
    for (uint32_t i = 0; out != NULL && i < n_bytes; i++) {
        out[i] = (unsigned char)(seed >> i % 8 * 8) ^ (unsigned char)(i * 29);
    }
}

static uint64_t cut(uint64_t number)
{
    return n_number_bytes == 8 ? number : number & 0xffffffff;
}

/* By the registers: integers, then floating-point numbers, then pointers. */
static int64_t of_integer(uint64_t x, unsigned char *p)
{
    n_real++;
    write_out(cut(x) * 0x9e3779b97f4a7c15, p, n_written);
    return (int64_t)(cut(x) * 77) * -1;
}

static int64_t of_two(uint64_t x, uint64_t y, unsigned char *p)
{
    n_real++;
    write_out((cut(x) + 1) * 0x9e3779b97f4a7c15 ^ (uint32_t)y * 0x8ebc6af09c88c6e3, p, n_written);
    return (int64_t)(cut(x) + ((uint32_t)y << 8)) * -1;
}

static double of_double(unsigned char *p, double x)
{
    uint64_t bits;

    n_real++;
    memcpy(&bits, &x, sizeof(bits));
    write_out((bits + 1) * 0x9e3779b97f4a7c15, p, n_written);
    return x / -4;
}

static double of_doubles(unsigned char *p, double x, double y)
{
    uint64_t bits[2];

    n_real++;
    memcpy(&bits[0], &x, sizeof(x));
    memcpy(&bits[1], &y, sizeof(y));
    write_out((bits[0] + 1) * 0x9e3779b97f4a7c15 ^ (bits[1] + 1) * 0x8ebc6af09c88c6e3, p,
              n_written);
    return x / -4 + y;
}

static double of_double_to_two(unsigned char *p, unsigned char *q, double x)
{
    uint64_t bits;

    n_real++;
    memcpy(&bits, &x, sizeof(bits));
    write_out((bits + 1) * 0x9e3779b97f4a7c15, p, n_written);
    write_out((bits + 2) * 0x8ebc6af09c88c6e3, q, n_written);
    return x / -4;
}

static const struct {
    const char *parameters, *function_of; /* of the latter: i, ii, v, vv */
    uint32_t n_number_bytes;
    const char *result;
    bool has_code; /* for the sizes in `known` */
} cases[] = {
    {"int x, %s *p", "i", 4, "int", true},
    {"int x, %s *p", "i", 4, "short", true},
    {"unsigned x, %s *p", "i", 4, "void", true},
    {"long x, %s *p", "i", 8, "signed char", true},
    {"long x, %s *p", "i", 8, "void", true},
    {"int x, int y, %s *p", "ii", 4, "long", true},
    {"int x, int y, %s *p", "ii", 4, "void", true},
    {"long x, int y, %s *p", "ii", 8, "int", true},
    {"long x, int y, %s *p", "ii", 8, "void", true},
    {"double x, %s *p", "v", 8, "double", true},
    {"double x, %s *p", "v", 8, "void", true},
    {"double x, double y, %s *p", "vv", 8, "double", true},
    {"double x, double y, %s *p", "vv", 8, "void", true},
    {"%s *p, double x", "v", 8, "double", false}, /* the number lies across words of the key */
};

static const struct {
    const char *type, *as;
    uint32_t n_bytes;
    bool known;
} outs[] = {
    {"int", "\"int\"", 4, true},
    {"float", "\"float\"", 4, true},
    {"double", "\"double\"", 8, true},
    {"struct ints4", "\"struct ints4\"", 16, true},
    {"struct doubles2", "\"struct doubles2\"", 16, true},
    {"struct longs3", "\"struct longs3\"", 24, true},
    {"struct doubles4", "\"struct doubles4\"", 32, true},
    {"struct ints3", "\"struct ints3\"", 12, false},
    {"struct chars9", "\"struct chars9\"", 9, false},
    {"struct chars15", "\"struct chars15\"", 15, false},
    {"short", "\"short\"", 2, false},
    {"struct longs5", "\"struct longs5\"", 40, false},
};

#define TYPES                                                                     \
    "struct ints4 { int a[4]; };\",\"struct doubles2 { double a, b; };\","        \
    "\"struct longs3 { long a, b, c; };\",\"struct doubles4 { double a[4]; };\"," \
    "\"struct chars9 { char a[9]; };\",\"struct chars15 { char a[15]; };\","      \
    "\"struct ints3 { int a, b, c; };\",\"struct longs5 { long a[5]; };"

static struct call_plan *make(const char *prototype, const char *args, const char *policy,
                              void *function)
{
    char entry[500];

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s\",\"args\":{%s},\"policy\":\"%s\",\"max_entries\":64}", prototype,
             args, policy);
    return make_typed_plan(TYPES, "f", entry, function);
}

/* Where p leads, by number: aligned or not, or nowhere. */
static unsigned char *place(uint32_t number, unsigned char *room)
{
    return number % 16 == 15 ? NULL : room + 16 + number % 8 * (number % 3);
}

static bool same_results(const struct call_plan *plan, const char *result, struct abi_both a,
                         uint64_t b)
{
    double vector;

    if (result[0] == 'v') {
        return true;
    }
    memcpy(&vector, &b, sizeof(vector));
    return plan->abi->result_is_vector ? memcmp(&a.vector, &vector, sizeof(vector)) == 0
                                       : a.integer == b;
}

static void compare(struct call_plan *by_short, struct call_plan *longer, const char *of,
                    const char *result, bool pointer_first, const char *name)
{
    int n_hits = 0, n_long = 0;

    random_state = 88172645463325252u;
    for (int i = 0; i < N_ROUNDS; i++) {
        uint32_t n_ticks = call_calls_since_tick; /* which the long way moves */
        uint32_t k = draw(N_KEYS), at = k < 60 ? k % 15 : k;
        int before = n_real, by_code;
        uint64_t number = (uint64_t)(int64_t)((int32_t)k - 30) * 0x100000001u;
        double x = k == 3 ? -0.0 : (double)k / 8, other = (double)(k % 5) - 2;
        int y = (int)(k % 7) - 3;
        unsigned char room_a[ROOM], room_b[ROOM], *p;
        struct argument arguments[3];
        struct abi_both a;
        uint64_t b;
        uint32_t n = 0;

        if (of[0] == 'v' && of[1] == 'v') {
            arguments[0] = (struct argument)ARGUMENT(x);
            arguments[1] = (struct argument)ARGUMENT(other);
            arguments[2] = (struct argument)ARGUMENT(p);
        } else if (of[0] == 'v') {
            arguments[pointer_first] = (struct argument)ARGUMENT(x);
            arguments[!pointer_first] = (struct argument)ARGUMENT(p);
        } else {
            arguments[n++] = (struct argument){&number, n_number_bytes};
            if (of[1] == 'i') {
                arguments[n++] = (struct argument)ARGUMENT(y);
            }
            arguments[n] = (struct argument)ARGUMENT(p);
        }
        __libc_single_threaded = i / 300 % 3 != 2;
        memset(room_a, (int)draw(256), ROOM);
        memcpy(room_b, room_a, ROOM);
        p = place(at, room_a);
        a = call_short(by_short, arguments);
        by_code = n_real - before;
        n_long +=
            __libc_single_threaded && by_code == 0 && p != NULL && call_calls_since_tick != n_ticks;
        p = place(at, room_b);
        b = handle(longer, arguments);
        if (n_real - before - by_code != by_code || memcmp(room_a, room_b, ROOM) != 0 ||
            !same_results(by_short, result, a, b)) {
            fail_msg("%s: call %d of key %u: %d real calls, %d the long way; %llx, %llx", name, i,
                     k, by_code, n_real - before - by_code, (unsigned long long)a.integer,
                     (unsigned long long)b);
        }
        n_hits += by_code == 0;
    }
    __libc_single_threaded = 1;
    if (quick_outs_code(by_short) != NULL) {
        assert_in_range(n_long, 0, N_ROUNDS / 20); /* looks that are due */
    }
    assert_in_range(n_hits, N_ROUNDS / 5, N_ROUNDS - 60);
    expect_same_counts(by_short, longer);
}

static void *function_of(const char *of)
{
    if (of[1] == 'v') {
        return (void *)of_doubles;
    }
    return of[0] == 'v' ? (void *)of_double : of[1] == 'i' ? (void *)of_two : (void *)of_integer;
}

static void test_each_form(void **state)
{
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        for (size_t o = 0; o < sizeof(outs) / sizeof(outs[0]); o++) {
            for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
                char prototype[200], parameters[100], args[100];
                struct call_plan *by_short, *longer;
                void *function = function_of(cases[c].function_of);

                snprintf(parameters, sizeof(parameters), cases[c].parameters, outs[o].type);
                snprintf(prototype, sizeof(prototype), "%s f(%s)", cases[c].result, parameters);
                snprintf(args, sizeof(args), "\"p\":{\"out\":%s}", outs[o].as);
                n_written = outs[o].n_bytes;
                n_number_bytes = cases[c].n_number_bytes;
                by_short = make(prototype, args, policies[p], function);
                longer = make(prototype, args, policies[p], function);
                if ((quick_outs_code(by_short) != NULL) != (outs[o].known && cases[c].has_code)) {
                    fail_msg("%s: there is code for it, or not", prototype);
                }
                compare(by_short, longer, cases[c].function_of, cases[c].result,
                        cases[c].parameters[0] == '%', prototype);
            }
        }
    }
}

static void test_two_outs(void **state)
{
    for (size_t i = 0; i < 2 * sizeof(policies) / sizeof(policies[0]); i++) {
        const char *prototype = i % 2 == 0 ? "double f(double x, double *p, double *q)"
                                           : "void f(double x, double *p, double *q)";
        const char *args = "\"p\":{\"out\":\"double\"},\"q\":{\"out\":\"double\"}";
        struct call_plan *by_short =
            make(prototype, args, policies[i / 2], (void *)of_double_to_two);
        struct call_plan *longer = make(prototype, args, policies[i / 2], (void *)of_double_to_two);
        int n_hits = 0;

        assert_true(quick_outs_code(by_short) == call_plan_quick(by_short));
        n_written = 8;
        random_state = 7;
        for (int k = 0; k < N_ROUNDS; k++) {
            uint32_t at = draw(24), other = draw(24);
            double x = draw(70);
            int before = n_real, by_code;
            unsigned char room_a[ROOM], room_b[ROOM], *p, *q;
            struct argument arguments[] = {ARGUMENT(x), ARGUMENT(p), ARGUMENT(q)};
            struct abi_both a;
            uint64_t b;

            if (draw(3) > 0) { /* or over one another, as it comes, or nowhere */
                at = 0, other = 40;
            }
            __libc_single_threaded = k / 300 % 3 != 2;
            memset(room_a, (int)draw(256), ROOM);
            memcpy(room_b, room_a, ROOM);
            p = at == 9 ? NULL : room_a + at;
            q = other == 9 ? NULL : room_a + other;
            a = call_short(by_short, arguments);
            by_code = n_real - before;
            p = at == 9 ? NULL : room_b + at;
            q = other == 9 ? NULL : room_b + other;
            b = handle(longer, arguments);
            assert_int_equal(n_real - before - by_code, by_code);
            assert_memory_equal(room_a, room_b, ROOM);
            assert_true(same_results(by_short, prototype, a, b));
            n_hits += by_code == 0;
        }
        __libc_single_threaded = 1;
        assert_in_range(n_hits, 200, N_ROUNDS - 70);
        expect_same_counts(by_short, longer);
    }
}

/* Floating-point numbers in, or only in what is written: both hang on the rounding mode. */
static void test_rounding(void **state)
{
    static const struct {
        const char *prototype, *as;
        void *function;
        bool hangs_on_it;
    } asked[] = {
        {"int f(int x, struct doubles2 *p)", "struct doubles2", (void *)of_integer, true},
        {"int f(int x, struct ints4 *p)", "struct ints4", (void *)of_integer, false},
        {"double f(double x, int *p)", "int", (void *)of_double, true},
    };

    for (size_t i = 0; i < 3 * sizeof(policies) / sizeof(policies[0]); i++) {
        char args[100];
        struct call_plan *plan;
        unsigned char room[32], *p = room;
        int before, number = 3;
        double x = 3;
        struct argument arguments[] = {{&number, sizeof(number)}, ARGUMENT(p)};

        if (i % 3 == 2) {
            arguments[0] = (struct argument)ARGUMENT(x);
        }
        snprintf(args, sizeof(args), "\"p\":{\"out\":\"%s\"}", asked[i % 3].as);
        n_written = i % 3 == 2 ? 4 : 16;
        n_number_bytes = 4;
        plan = make(asked[i % 3].prototype, args, policies[i / 3], asked[i % 3].function);
        assert_true(quick_outs_code(plan) == call_plan_quick(plan));
        random_state = 3;
        call_short(plan, arguments);
        before = n_real;
        call_short(plan, arguments);
        assert_int_equal(n_real, before);
        fesetround(FE_UPWARD);
        call_short(plan, arguments);
        fesetround(FE_TONEAREST);
        assert_int_equal(n_real, before + asked[i % 3].hangs_on_it);
        guard_enter();
        call_plan_invalidate(plan);
        guard_leave();
        call_short(plan, arguments);
        assert_int_equal(n_real, before + 1 + asked[i % 3].hangs_on_it);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_form, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_two_outs, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_rounding, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
