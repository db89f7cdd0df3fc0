// SPDX-License-Identifier: MIT
/*
 * Structs, unions, complex numbers and long double that are arguments or results, by the short ways
 * against the long one: two plans of one configuration get the same calls, in which all that is no
 * part of a value is anything, within structs, behind them in a register, and in registers of
 * nobody. Which registers those are, the compiler says in test_signatures.c.
 */
#include "call_values.h"

#include <complex.h>
#include <fenv.h>

#if defined(__x86_64__)

#define N_ROUNDS 2000

/* ---- the functions --------------------------------------------------------------------------- */

struct narrow {
    char a;
    int b;
};
struct odd {
    unsigned char c[3];
};
struct mixed {
    int i;
    double d;
};
struct swapped {
    float f;
    long l;
};
struct floats {
    float x, y, z;
};
struct pair {
    long a, b;
};
struct large {
    double x;
    short y;
    double z;
};
union either {
    double d;
    int i[3];
};
struct tail {
    long a;
    char c;
};
struct head {
    short h;
    double d;
};
struct wrapped {
    long double x;
};

#define TYPES                                                                              \
    "struct narrow { char a; int b; }; struct odd { unsigned char c[3]; };"                \
    "struct mixed { int i; double d; }; struct swapped { float f; long l; };"              \
    "struct floats { float x, y, z; }; struct pair { long a, b; };"                        \
    "struct large { double x; short y; double z; }; union either { double d; int i[3]; };" \
    "struct tail { long a; char c; }; struct head { short h; double d; };"                 \
    "struct wrapped { long double x; };"

static uint64_t of_narrow(uint64_t sum, struct narrow v)
{
    n_real++;
    return MIX(MIX(sum, v.a), v.b);
}

static uint64_t of_mixed(uint64_t sum, struct mixed v)
{
    n_real++;
    return MIX(MIX(sum, v.i), v.d);
}

static double number(uint64_t sum)
{
    return (double)(sum >> 12);
}

static long narrow_to_long(struct narrow v)
{
    return (long)of_narrow(1, v);
}

static double odd_to_double(struct odd v, float f)
{
    n_real++;
    return number(MIX(MIX(1, v.c), f));
}

static int mixed_to_int(struct mixed v)
{
    return (int)of_mixed(1, v);
}

static short two_to_short(struct mixed v, struct narrow w)
{
    uint64_t sum = of_narrow(of_mixed(1, v), w);

    n_real--;
    return (short)sum;
}

static float floats_to_float(struct floats v)
{
    n_real++;
    return (float)(MIX(MIX(MIX(1, v.x), v.y), v.z) >> 44);
}

static struct narrow swapped_to_narrow(struct swapped v, int n)
{
    uint64_t sum = MIX(MIX(MIX(1, v.f), v.l), n);

    n_real++;
    return (struct narrow){(char)sum, (int)(sum >> 8)};
}

static struct narrow pair_to_narrow(struct pair v)
{
    uint64_t sum = MIX(MIX(1, v.a), v.b);

    n_real++;
    return (struct narrow){(char)sum, (int)(sum >> 8)};
}

static double large_to_double(struct large v)
{
    n_real++;
    return number(MIX(MIX(MIX(1, v.x), v.y), v.z));
}

static double complex_to_double(double complex z)
{
    n_real++;
    return number(MIX(1, z));
}

static float complex either_to_complex(union either v)
{
    uint64_t sum = mix(1, &v, sizeof(v));

    n_real++;
    return (float)(sum & 0xffff) + (float)(sum >> 44) * (float complex)I;
}

static double many_to_double(struct pair v, int a, int b, int c, int d, struct narrow w)
{
    n_real++;
    return number(MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(1, v.a), v.b), a), b), c), d), w.a), w.b));
}

static int wide_to_int(long double x, int n)
{
    n_real++;
    return (int)mix(MIX(1, n), &x, 10);
}

static struct mixed mixed_to_mixed(struct mixed v)
{
    uint64_t sum = of_mixed(1, v);

    return (struct mixed){(int)sum, number(sum)};
}

static struct swapped mixed_to_swapped(struct mixed v, struct narrow w)
{
    uint64_t sum = of_narrow(of_mixed(1, v), w);

    n_real--;
    return (struct swapped){(float)(sum >> 44), (long)sum};
}

static struct floats floats_to_floats(struct floats v)
{
    uint64_t sum = MIX(MIX(MIX(1, v.x), v.y), v.z);

    n_real++;
    return (struct floats){(float)(sum & 0xffff), (float)(sum >> 44), (float)(sum >> 20 & 0xffff)};
}

static struct pair swapped_to_pair(struct swapped v, int n)
{
    uint64_t sum = MIX(MIX(MIX(1, v.f), v.l), n);

    n_real++;
    return (struct pair){(long)sum, (long)(sum * 3)};
}

static struct tail int_to_tail(int n)
{
    uint64_t sum = MIX(1, n);

    n_real++;
    return (struct tail){(long)sum, (char)(sum >> 7)};
}

static struct head many_to_head(int a, double b, int c, double d, float e, long f, long g, long h)
{
    uint64_t sum = MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(1, a), b), c), d), e), f), g), h);

    n_real++;
    return (struct head){(short)sum, number(sum)};
}

static double complex complex_to_complex(double complex z)
{
    uint64_t sum = MIX(1, z);

    n_real++;
    return number(sum) + number(sum * 3) * I;
}

static long double wide_to_wide(long double x)
{
    n_real++;
    return (long double)(long)(mix(1, &x, 10) >> 1) * 0x1p-200L;
}

static struct wrapped wide_to_wrapped(long double x)
{
    return (struct wrapped){wide_to_wide(x)};
}

static long double many_to_wide(struct pair v, int a, int b, int c, int d, struct narrow w)
{
    n_real++;
    return (long double)(long)MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(1, v.a), v.b), a), b), c), d), w.a),
                                  w.b);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const struct form {
    const char *prototype;
    void *real;
    bool has_way; /* a short one */
} forms[] = {
    {"long f(struct narrow v)", (void *)narrow_to_long, true},
    {"double f(struct odd v, float f)", (void *)odd_to_double, true},
    {"int f(struct mixed v)", (void *)mixed_to_int, true},
    {"short f(struct mixed v, struct narrow w)", (void *)two_to_short, true},
    {"float f(struct floats v)", (void *)floats_to_float, true},
    {"struct narrow f(struct swapped v, int n)", (void *)swapped_to_narrow, false},
    {"struct narrow f(struct pair v)", (void *)pair_to_narrow, false},
    {"double f(struct large v)", (void *)large_to_double, true},
    {"double f(double _Complex z)", (void *)complex_to_double, true},
    {"float _Complex f(union either v)", (void *)either_to_complex, true},
    {"double f(struct pair v, int a, int b, int c, int d, struct narrow w)", (void *)many_to_double,
     true},
    {"int f(long double x, int n)", (void *)wide_to_int, true},
    {"struct mixed f(struct mixed v)", (void *)mixed_to_mixed, true},
    {"struct swapped f(struct mixed v, struct narrow w)", (void *)mixed_to_swapped, true},
    {"struct floats f(struct floats v)", (void *)floats_to_floats, true},
    {"struct pair f(struct swapped v, int n)", (void *)swapped_to_pair, true},
    {"struct tail f(int n)", (void *)int_to_tail, true},
    {"struct head f(int a, double b, int c, double d, float e, long f, long g, long h)",
     (void *)many_to_head, true},
    {"double _Complex f(double _Complex z)", (void *)complex_to_complex, true},
    {"long double f(long double x)", (void *)wide_to_wide, true},
    {"struct wrapped f(long double x)", (void *)wide_to_wrapped, true},
    {"long double f(struct pair v, int a, int b, int c, int d, struct narrow w)",
     (void *)many_to_wide, true},
};

static const char *const policies[] = {
    "\"lru\"", "\"sieve\"", "\"fifo\"", "\"direct\"", "\"lfu\"", "\"lru\",\"ttl\":\"1h\"",
};

/* The values of arguments number k, and anything in their padding. */
static void draw_values(const struct prototype *prototype, uint32_t k, struct taken *ret_taken)
{
    struct abi_piece pieces[8];

    for (size_t i = 0; i < sizeof(*ret_taken); i++) {
        ((unsigned char *)ret_taken)[i] = (unsigned char)draw(256);
    }
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;
        uint32_t n = abi_value_pieces(type, pieces, 8), n_seen = 0;

        assert_true(n > 0 && type->size_bytes <= 32);
        for (uint32_t j = 0; j < n; j++) {
            for (uint32_t b = 0; b < pieces[j].n_bytes; b++, n_seen++) {
                /* Keys differ in one byte of one argument, whichever that is. */
                ret_taken->bytes[i][pieces[j].at + b] =
                    (unsigned char)(17 * i + n_seen +
                                    (k % prototype->n_parameters == i &&
                                             n_seen == k % abi_value_bytes(type)
                                         ? 1 + k / 16
                                         : 0));
            }
        }
    }
}

static void call_long(struct call_plan *plan, const struct taken *taken, void *ret_value)
{
    void *arguments[8];

    for (uint32_t i = 0; i < 8; i++) {
        arguments[i] = (void *)taken->bytes[i];
    }
    call_handle(plan, ret_value, arguments);
}

static void set_x87_control(uint16_t control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}

static void compare(const struct form *form, const char *policy)
{
    char entry[300];
    struct call_plan *by_short, *longer;
    _Alignas(16) unsigned char seen[16], wanted[16];
    struct taken taken;

    snprintf(entry, sizeof(entry), "{\"prototype\":\"%s\",\"policy\":%s,\"max_entries\":64}",
             form->prototype, policy);
    by_short = make_typed_plan(TYPES, "f", entry, form->real);
    longer = make_typed_plan(TYPES, "f", entry, form->real);
    if ((call_plan_words(by_short) != NULL || call_plan_quick(by_short) != NULL) != form->has_way) {
        fail_msg("a short way: %s", entry);
    }
    assert_true(call_plan_abi(by_short)->is_typed);
    for (int round = 0; round < N_ROUNDS && form->has_way; round++) {
        const struct prototype *prototype = &by_short->function->prototype;
        uint32_t odd = draw(32), k = draw(N_KEYS);
        int before = n_real, n_short;

        fesetround(odd == 0 ? FE_UPWARD : FE_TONEAREST);
        set_x87_control(odd == 1 ? 0x027f : odd == 0 ? 0x0b7f : 0x037f);
        draw_values(prototype, k, &taken);
        call_by_short(by_short, &taken, seen);
        n_short = n_real - before;
        draw_values(prototype, k, &taken);
        call_long(longer, &taken, wanted);
        set_x87_control(0x037f);
        fesetround(FE_TONEAREST);
        if (n_real - before - n_short != n_short ||
            !abi_equal_values(prototype->result, seen, wanted)) {
            fail_msg("%s: call %d, key %u", entry, round, k);
        }
    }
    expect_same_counts(by_short, longer);
}

static void test_short_ways_do_as_the_long_one(void **state)
{
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            compare(&forms[f], policies[p]);
        }
    }
}

/* ---- with something written besides ---------------------------------------------------------- */

static void narrow_out(struct narrow v, double *out)
{
    *out = number(of_narrow(1, v));
}

static void large_out(struct large v, double x, double *out)
{
    *out = large_to_double(v) + x;
}

static int wide_out(long double x, long double *out)
{
    int n = wide_to_int(x, 1);

    *out = n * 0x1p-40L; /* not of x, which is any bits: no number, perhaps */
    return n;
}

static void int_to_wide(int n, long double *out)
{
    n_real++;
    *out = n * 0x1.000000000000002p-30L;
}

/*
 * The pointer comes last, to a number of this type, of so many bytes. The first argument is one
 * value, and then others that differ from it in one byte each; what is no part of them is anything
 * each time. Under another precision of the x87 nothing is remembered that has to do with numbers.
 */
static void expect_written(const char *text, void *real, uint32_t n_others, const char *type,
                           size_t n_bytes)
{
    char entry[300];
    const struct prototype *prototype;
    struct call_plan *plan;
    struct taken taken;
    uint32_t n;

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s\",\"args\":{\"p\":{\"out\":\"%s\"}},\"guard\":false}", text,
             type);
    plan = make_typed_plan(TYPES, "f", entry, real);
    assert_true(call_plan_words(plan) != NULL || call_plan_quick(plan) != NULL);
    prototype = &plan->function->prototype;
    n = prototype->n_parameters;
    n_real = 0;
    for (uint32_t k = 0; k <= n_others; k++) {
        long double outs[3] = {0, 0, 0}, *out;
        uint64_t value[2];

        for (int i = 0; i < 3; i++) {
            draw_values(prototype, k == 0 ? n - 1 : n * (k - 1), &taken);
            out = &outs[i];
            memcpy(taken.bytes[n - 1], &out, sizeof(out));
            call_by_short(plan, &taken, value);
        }
        assert_int_equal(n_real, 2 * k + 1);
        assert_memory_equal(&outs[0], &outs[1], n_bytes);
        assert_memory_equal(&outs[0], &outs[2], n_bytes);
        set_x87_control(0x027f);
        call_by_short(plan, &taken, value);
        set_x87_control(0x037f);
        assert_int_equal(n_real, 2 * k + 2);
    }
}

static void test_structs_and_something_written(void **state)
{
    expect_written("void f(struct narrow v, double *p)", (void *)narrow_out, 5, "double", 8);
    expect_written("void f(struct large v, double x, double *p)", (void *)large_out, 6, "double",
                   8);
    expect_written("int f(long double x, long double *p)", (void *)wide_out, 5, "long double", 10);
    expect_written("void f(int n, long double *p)", (void *)int_to_wide, 2, "long double", 10);
}

#if MEMOSHIM_CHECKS

static uint64_t n_long(const struct call_plan *plan)
{
    return atomic_load(&plan->ways.n[CALL_WAY_LONG]);
}

/* But for the few that are looked at, misses and hits never come to call_handle. */
static void test_short_ways_are_taken(void **state)
{
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        char entry[300];
        _Alignas(16) unsigned char value[16];
        struct call_plan *plan;
        struct taken taken;

        if (!forms[f].has_way) {
            continue;
        }
        snprintf(entry, sizeof(entry), "{\"prototype\":\"%s\",\"guard\":false}",
                 forms[f].prototype);
        plan = make_typed_plan(TYPES, "f", entry, forms[f].real);
        n_real = 0;
        for (uint32_t k = 0; k < 3000; k++) {
            draw_values(&plan->function->prototype, k % N_KEYS, &taken);
            call_by_short(plan, &taken, value);
        }
        assert_in_range(n_real, 1, N_KEYS);
        if (n_long(plan) > 1000) {
            fail_msg("%s: %u of 3000 calls the long way", forms[f].prototype,
                     (unsigned)n_long(plan));
        }
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_short_ways_do_as_the_long_one, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_structs_and_something_written, call_setup,
                                        call_teardown),
#if MEMOSHIM_CHECKS
        cmocka_unit_test_setup_teardown(test_short_ways_are_taken, call_setup, call_teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return skip_all("on this processor such calls go through libffi");
}

#endif
