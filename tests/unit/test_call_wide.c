// SPDX-License-Identifier: MIT
/*
 * The short ways of functions that write, or of many scalars, lives and the like against the long
 * one: two plans of one configuration get the same calls, one through its code, which takes the
 * arguments from registers or from memory, the other through call_handle. Each call
 * must reach the real function by both or by neither, and leave the same in memory, to the byte.
 */
#include "call_short.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#define N_ROUNDS 6000

/* ---- what is handed out ---------------------------------------------------------------------- */

struct odd {
    double d;
    int i;
    char c[3];
};

/* Writes the same whether its pointers lead apart or not, in an order that tells. */
static short outs(void *p, float b, void *q)
{
    int a = (int)b;
    struct odd odd;
    int number = a * 3;

    n_real++;
    memset(&odd, 0x5a, sizeof(odd));
    odd.d = (double)b / 3;
    odd.i = a;
    odd.c[0] = (char)a;
    if (p != NULL) { /* which may be anywhere */
        memcpy(p, &odd, sizeof(odd));
    }
    if (q != NULL) {
        memcpy(q, &number, sizeof(number));
    }
    return (short)-a;
}

#define ODD        "struct odd { double d; int i; char c[3]; };"
#define OUTS_ARGS  "\"args\":{\"p\":{\"out\":\"struct odd\"},\"q\":{\"out\":\"int\"}"
#define OUTS_ENTRY "{\"prototype\":\"short f(struct odd *p, float b, int *q)\"," OUTS_ARGS "}"

/* With an argument more, which nobody looks at, there is no code for their number. */
#define MORE_OUTS_ENTRY                                                                 \
    "{\"prototype\":\"short f(struct odd *p, float b, int *q, int unused)\"," OUTS_ARGS \
    ",\"unused\":\"ignore\"}"

#define ROOM 64

/* Where p and q lead, by number: apart, aligned or not, nowhere, and over one another. */
static void place(uint32_t number, unsigned char *room, void **ret_p, void **ret_q)
{
    static const int8_t places[][2] = {
        {0, 32}, {32, 0}, {1, 33}, {7, 30}, {-1, 8}, {8, -1}, {-1, -1}, {8, 8},
        {8, 12}, {8, 16}, {8, 5},  {8, 20}, {8, 24}, {8, 4},  {8, 23},  {0, 32},
    };
    const int8_t *at = places[number % (sizeof(places) / sizeof(places[0]))];

    *ret_p = at[0] < 0 ? NULL : room + at[0];
    *ret_q = at[1] < 0 ? NULL : room + at[1];
}

static void expect_same_outs(struct call_plan *words, struct call_plan *longer, const char *name)
{
    int n_hits = 0;

    for (int i = 0; i < N_ROUNDS; i++) {
        uint32_t k = draw(N_KEYS);
        int before = n_real, by_words;
        float b = (float)(k % 30) - 15;
        unsigned char room_a[ROOM], room_b[ROOM];
        void *p, *q;
        struct argument arguments[] = {ARGUMENT(p), ARGUMENT(b), ARGUMENT(q), ARGUMENT(k)};
        int64_t result_a, result_b;

        __libc_single_threaded = i / 500 % 2 == 0;
        clock_now_ns += draw(40) * 1000000;
        memset(room_a, (int)draw(256), ROOM);
        memcpy(room_b, room_a, ROOM);
        place(k < 45 ? 0 : k, room_a, &p, &q);
        result_a = (int64_t)call_short(words, arguments).integer;
        by_words = n_real - before;
        place(k < 45 ? 0 : k, room_b, &p, &q);
        result_b = (int64_t)handle(longer, arguments);
        if (n_real - before - by_words != by_words || result_a != result_b ||
            memcmp(room_a, room_b, ROOM) != 0) {
            fail_msg("%s: call %d with %g, place %u: %d real calls, %d the long way; %lld, %lld",
                     name, i, (double)b, k, by_words, n_real - before - by_words,
                     (long long)result_a, (long long)result_b);
        }
        assert_true(result_a == -(int)b);
        n_hits += by_words == 0;
    }
    __libc_single_threaded = 1;
    assert_in_range(n_hits, 100, N_ROUNDS - 30);
    expect_same_counts(words, longer);
}

static const char *const policies[] = {"lru", "sieve", "s3-fifo", "w-tinylfu", "fifo",
                                       "lfu", "mru",   "rr",      "direct"};

static void test_outs_as_the_long_way(void **state)
{
    static const char *const lives[] = {"", ",\"ttl\":\"3s\"", ",\"idle_ttl\":\"700ms\"",
                                        ",\"ttl\":\"9s\",\"idle_ttl\":\"900ms\"",
                                        ",\"ttl\":\"50ms\""};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]) * 10; i++) {
        bool in_registers = i % 2 == 0;
        struct call_plan *words, *longer;
        char entry[400];

        snprintf(entry, sizeof(entry), "%s,\"policy\":\"%s\",\"max_entries\":64%s}",
                 in_registers ? OUTS_ENTRY : MORE_OUTS_ENTRY, policies[i / 10], lives[i / 2 % 5]);
        make_short_and_long(ODD, entry, (void *)outs, in_registers, &words, &longer);
        random_state = 88172645463325252u;
        expect_same_outs(words, longer, entry);
    }
}

/* ---- many scalars ---------------------------------------------------------------------------- */

/* c is a short, and f a signed char: what is above them in a register is not looked at, although
 * callers widen them, and clang relies on it. */
static double many(int a, double b, int c, float d, long e, int f, double g, unsigned h)
{
    n_real++;
    return a + b + (short)c + (double)d + (double)e + (signed char)f + g + h;
}

static double four(int a, int b, int c, int d)
{
    n_real++;
    return a + 10 * b + 100 * c + 1000 * d;
}

/* Each differs in one argument only from many others. */
static void test_many_scalars(void **state)
{
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *words, *longer;
        char entry[400];

        snprintf(entry, sizeof(entry),
                 "{\"prototype\":\"double f(int a, double b, short c, float d, long e, "
                 "signed char f, double g, unsigned h)\",\"policy\":\"%s\",\"max_entries\":64}",
                 policies[p]);
        make_short_and_long("", entry, (void *)many, false, &words, &longer);
        random_state = 4711;
        for (int i = 0; i < N_ROUNDS; i++) {
            uint32_t k = draw(N_KEYS), which = k % 8, value = k / 8;
            int a = which == 0 ? (int)value : -1;
            double b = which == 1 ? value : 0.5, g = which == 6 ? value : -0.0, seen;
            short c = which == 2 ? (short)value : -3;
            float d = which == 3 ? (float)value : 0.25f;
            long e = which == 4 ? (long)value << 40 : -9;
            signed char f = which == 5 ? (signed char)value : -100;
            unsigned h = which == 7 ? value << 28 : 5;
            struct argument arguments[] = {ARGUMENT(a), ARGUMENT(b), ARGUMENT(c), ARGUMENT(d),
                                           ARGUMENT(e), ARGUMENT(f), ARGUMENT(g), ARGUMENT(h)};

            __libc_single_threaded = i / 500 % 2 == 0;
            seen = call_both(words, longer, arguments);
            n_real = 0;
            assert_true(seen == many(a, b, c, d, e, f, g, h));
        }
        __libc_single_threaded = 1;
        expect_same_counts(words, longer);
    }
}

static void test_four_ints(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(int a, int b, int c, int d)\"}", (void *)four);

    assert_non_null(call_plan_words(plan));
    random_state = 3;
    for (int i = 0; i < 2000; i++) {
        int a = i % 2 ? -1 : 1, b = i / 2 % 3, c = i / 6 % 3, d = i / 18 % 4;
        struct argument arguments[] = {ARGUMENT(a), ARGUMENT(b), ARGUMENT(c), ARGUMENT(d)};

        assert_true(call_short(plan, arguments).vector == a + 10 * b + 100 * c + 1000 * d);
    }
    expect_counts(plan, 2000, 72, 72);
}

/* ---- near enough ----------------------------------------------------------------------------- */

static double half(double x, float y)
{
    n_real++;
    return x / 2 + (double)y;
}

static void test_approximate_keys(void **state)
{
    static const char *const args[] = {
        "\"x\":{\"round\":0.5}",
        "\"x\":{\"drop_bits\":44},\"y\":{\"round\":1}",
        "\"y\":{\"drop_bits\":18}",
    };
    static const double odd[] = {0.0, -0.0, NAN, -NAN, INFINITY, -INFINITY, 5e-324, 1e300};

    for (size_t k = 0; k < sizeof(args) / sizeof(args[0]); k++) {
        struct call_plan *words, *longer;
        char entry[300];

        snprintf(entry, sizeof(entry),
                 "{\"prototype\":\"double f(double x, float y)\",\"args\":{%s},"
                 "\"policy\":\"sieve\",\"max_entries\":64}",
                 args[k]);
        make_short_and_long("", entry, (void *)half, false, &words, &longer);
        random_state = 88172645463325252u;
        for (int i = 0; i < N_ROUNDS; i++) {
            double x = draw(10) == 0 ? odd[draw(8)] : draw(300) / 60.0;
            float y = (float)draw(200) / 40;
            struct argument arguments[] = {ARGUMENT(x), ARGUMENT(y)};

            __libc_single_threaded = i / 500 % 2 == 0;
            call_both(words, longer, arguments);
        }
        __libc_single_threaded = 1;
        expect_same_counts(words, longer);
    }
}

/* ---- errno ----------------------------------------------------------------------------------- */

static int set_errno(int x)
{
    n_real++;
    if (x % 3 != 0) {
        errno = x % 3 == 1 ? ERANGE : EDOM;
    }
    return x;
}

static void test_errno_is_set_again(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"int f(int x)\",\"errno\":true}", (void *)set_errno);

    expect_way(plan, true);
    random_state = 3;
    for (int i = 0; i < 600; i++) {
        int x = i / 2 % 30;
        struct argument arguments[] = {ARGUMENT(x)};

        __libc_single_threaded = i / 100 % 2 == 0;
        errno = ENOTTY;
        assert_int_equal((int)call_short(plan, arguments).integer, x);
        assert_int_equal(errno, x % 3 == 0 ? ENOTTY : x % 3 == 1 ? ERANGE : EDOM);
    }
    __libc_single_threaded = 1;
    expect_counts(plan, 600, 30, 30);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static sigjmp_buf back;
static uint32_t guard_at_fault;

static void note_fault(int signal)
{
    guard_at_fault = memoshim_guard;
    siglongjmp(back, 1);
}

/* As one in the real function: with the guard not set, and nothing left behind. */
static void faults_are_the_callers(const char *entry, bool in_registers)
{
    struct call_plan *plan = make_typed_plan(ODD, "f", entry, (void *)outs);
    void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_handler = note_fault}, former;
    struct odd odd;
    void *p = &odd, *q;
    int number;
    float b = 5;
    struct argument arguments[] = {ARGUMENT(p), ARGUMENT(b), ARGUMENT(q), ARGUMENT(number)};

    n_real = 0;
    expect_way(plan, in_registers);
    assert_true(nowhere != MAP_FAILED);
    random_state = 3;
    q = &number;
    call_short(plan, arguments);
    expect_counts(plan, 1, 1, 1);
    assert_int_equal(sigaction(SIGSEGV, &action, &former), 0);
    for (int i = 0; i < 4; i++) {
        __libc_single_threaded = i % 2 == 0;
        q = nowhere;
        guard_at_fault = 7;
        if (sigsetjmp(back, 1) == 0) {
            call_short(plan, arguments);
            fail_msg("there is no fault");
        }
        assert_int_equal(guard_at_fault, 0);
        q = &number;
        number = 0;
        call_short(plan, arguments);
        assert_int_equal(number, 15);
        assert_int_equal(n_real, 1);
    }
    __libc_single_threaded = 1;
    sigaction(SIGSEGV, &former, NULL);
    munmap(nowhere, 4096);
}

static void test_faults_are_the_callers(void **state)
{
    faults_are_the_callers(OUTS_ENTRY ",\"policy\":\"sieve\"}", true);
    faults_are_the_callers(MORE_OUTS_ENTRY ",\"policy\":\"sieve\"}", false);
}

/* ---- what else decides ----------------------------------------------------------------------- */

static void test_rounding_and_invalidation(void **state)
{
    for (int single_threaded = 0; single_threaded < 2; single_threaded++) {
        struct call_plan *plan = make_plan(
            "f", "{\"prototype\":\"double f(int a, int b, int c, int d)\"}", (void *)four);
        int a = 1, b = 2, c = 3, d = 4;
        struct argument arguments[] = {ARGUMENT(a), ARGUMENT(b), ARGUMENT(c), ARGUMENT(d)};

        n_real = 0;
        random_state = 3;
        __libc_single_threaded = (char)single_threaded;
        call_short(plan, arguments);
        call_short(plan, arguments);
        expect_counts(plan, 2, 1, 1);
        fesetround(FE_UPWARD);
        call_short(plan, arguments);
        fesetround(FE_TONEAREST);
        expect_counts(plan, 3, 1, 2);
        guard_enter();
        call_plan_invalidate(plan);
        guard_leave();
        call_short(plan, arguments);
        call_short(plan, arguments);
        expect_counts(plan, 5, 1, 3);
        call_plan_bypass(plan);
        call_short(plan, arguments);
        expect_counts(plan, 6, 1, 4);
        __libc_single_threaded = 1;
    }
}

static double worth(const char *text, int k)
{
    n_real++;
    return text[0] + k;
}

static void test_rounding_counts_beside_texts(void **state)
{
    struct call_plan *plan = make_plan(
        "f", "{\"prototype\":\"double f(const char *s, int k)\",\"args\":{\"s\":\"string\"}}",
        (void *)worth);
    const char *text = "text";
    int k = 3;
    struct argument arguments[] = {ARGUMENT(text), ARGUMENT(k)};

    expect_way(plan, false);
    random_state = 3;
    for (int i = 0; i < 4; i++) {
        __libc_single_threaded = i % 2 == 0;
        call_short(plan, arguments);
        assert_int_equal(n_real, 1 + i);
        fesetround(FE_UPWARD);
        call_short(plan, arguments);
        fesetround(FE_TONEAREST);
        assert_int_equal(n_real, 2 + i);
    }
    __libc_single_threaded = 1;
}

static unsigned n_ticks;

static void fail_to_write(void)
{
    errno = EIO;
    n_ticks++;
}

static void test_hits_look_at_what_is_due(void **state)
{
    struct call_plan *plan =
        make_plan("f", "{\"prototype\":\"double f(int a, int b, int c, int d)\"}", (void *)four);
    int a = 1, b = 2, c = 3, d = 4;
    struct argument arguments[] = {ARGUMENT(a), ARGUMENT(b), ARGUMENT(c), ARGUMENT(d)};

    call_init(&(struct call_hooks){.tick = fail_to_write});
    random_state = 3;
    for (int single_threaded = 0; single_threaded < 2; single_threaded++) {
        n_ticks = 0;
        __libc_single_threaded = (char)single_threaded;
        for (int i = 0; i < 2560; i++) {
            errno = ENOTTY;
            call_short(plan, arguments);
            assert_int_equal(errno, ENOTTY);
        }
        assert_in_range(n_ticks, 9, 11);
    }
    call_init(&(struct call_hooks){0});
}

/* For these they would leave something out. */
static void test_others_have_none(void **state)
{
    static const char *const entries[] = {
        "{\"prototype\":\"int f(int a, int b, int c, int d)\",\"mode\":\"verify\"}",
        "{\"prototype\":\"int f(int a, int b, int c, int d)\",\"mode\":\"observe\"}",
        "{\"prototype\":\"int f(int a, int b, int c, int d)\",\"verify_sample\":0.5}",
        "{\"prototype\":\"int f(int a, int b, int c, int d)\",\"key_also\":[\"thread\"]}",
        "{\"prototype\":\"int f(int a, int b, int c, int d)\",\"per_instance\":\"b\"}",
        "{\"prototype\":\"int f(int a, int b, int c, int d)\","
        "\"invalidate\":[{\"file\":\"/etc/passwd\"}]}",
        "{\"prototype\":\"double f(double x)\",\"ttl\":\"9s\",\"refresh\":{\"early\":1.0}}",
        "{\"prototype\":\"double f(double x)\",\"ttl\":\"9s\",\"key_also\":[\"rounding\"]}",
        "{\"prototype\":\"int f(const char *s, int *p)\","
        "\"args\":{\"s\":\"string\",\"p\":{\"out\":\"int\"}}}",
        "{\"prototype\":\"int f(const char *s)\",\"key_also\":[\"locale\"],"
        "\"args\":{\"s\":\"string\"}}",
        "{\"prototype\":\"int f(const char *s)\","
        "\"args\":{\"s\":{\"in\":\"string\",\"secret\":true}}}",
        "{\"prototype\":\"int f(const wchar_t *s)\",\"args\":{\"s\":\"string\"}}",
        "{\"prototype\":\"int f(int x, int *p)\","
        "\"args\":{\"p\":{\"out\":\"int\",\"secret\":true}}}",
        "{\"prototype\":\"int f(int x, int *p)\","
        "\"args\":{\"p\":{\"out\":\"int\",\"count\":\"x\"}}}",
        "{\"prototype\":\"int f(int x, int *p)\",\"args\":{\"p\":{\"inout\":\"int\"}}}",
        "{\"prototype\":\"int f(int x, int *p)\",\"args\":{\"p\":{\"out\":\"int\",\"count\":17}}}",
        "{\"prototype\":\"int f(int x, int *p)\","
        "\"args\":{\"p\":{\"out\":\"int\",\"when\":\"return == 0\"}}}",
        "{\"prototype\":\"long double _Complex f(int x, int y, int z, int u)\"}",
    };

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct call_plan *plan = make_plan("f", entries[i], (void *)four);

        if (call_plan_words(plan) != NULL || call_plan_quick(plan) != NULL) {
            fail_msg("there is a short way for %s", entries[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_outs_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_many_scalars, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_four_ints, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_approximate_keys, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_errno_is_set_again, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_faults_are_the_callers, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_rounding_and_invalidation, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_rounding_counts_beside_texts, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_look_at_what_is_due, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_others_have_none, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
