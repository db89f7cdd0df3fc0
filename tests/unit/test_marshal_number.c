// SPDX-License-Identifier: MIT
/*
 * marshal: numbers of any type in order, against the compiler's own comparison in long double, and
 * that no floating-point unit has part in it.
 */
#include "unit.h"

#include "draws.h"
#include "marshal/number.h"
#include "types.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* A number, and the same for the compiler. */
struct sample {
    struct number number;
    long double value;
};

static struct sample of_integer(__int128 integer)
{
    return (struct sample){number_of_integer(integer), (long double)integer};
}

static struct sample of_float(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return (struct sample){number_of_real(&type_float, &bits), value};
}

static struct sample of_double(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return (struct sample){number_of_real(&type_double, &bits), value};
}

static struct sample of_long_double(long double value)
{
    return (struct sample){number_of_real(&type_long_double, &value), value};
}

static void compare(struct sample a, struct sample b)
{
    assert_int_equal(a.number.is_nan, isnan(a.value));
    assert_int_equal(b.number.is_nan, isnan(b.value));
    if (!isnan(a.value) && !isnan(b.value)) {
        assert_int_equal(number_order(&a.number, &b.number),
                         a.value < b.value ? -1 : a.value > b.value);
    }
}

#define MAX_SAMPLES 128

/* Where the formats have their ends, of both signs, and what lies beside them. */
static uint32_t collect(struct sample *ret_samples)
{
    static const double doubles[] = {0,         1,        1.5,      2,       77,      0x1p53,
                                     0x1p63,    0x1p64,   FLT_MIN,  FLT_MAX, DBL_MIN, DBL_MAX,
                                     0x1p-1074, 0x1p-149, INFINITY, NAN};
    static const int64_t integers[] = {0, 1, 2, 77, 1 << 24, INT32_MAX, INT64_MAX - 1, INT64_MAX};
    uint32_t n = 0;

    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
            double value = sign * doubles[i];
            float single = (float)value;
            uint32_t single_bits;
            uint64_t bits;

            memcpy(&bits, &value, sizeof(bits));
            memcpy(&single_bits, &single, sizeof(single_bits));
            ret_samples[n++] = of_double(bits);
            ret_samples[n++] = of_float(single_bits);
            ret_samples[n++] = of_long_double(value);
        }
        for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
            ret_samples[n++] = of_integer(sign * (__int128)integers[i]);
        }
    }
    ret_samples[n++] = of_integer(INT64_MIN);
    ret_samples[n++] = of_integer(UINT64_MAX);
    ret_samples[n++] = of_long_double(LDBL_MAX);
    ret_samples[n++] = of_long_double(-LDBL_MAX);
    ret_samples[n++] = of_long_double(LDBL_MIN);
    ret_samples[n++] = of_long_double(LDBL_MIN * LDBL_EPSILON);
    ret_samples[n++] = of_long_double(1 + LDBL_EPSILON);
    ret_samples[n++] = of_long_double(0x1p63L + 0.5L);
    assert_true(n <= MAX_SAMPLES);
    return n;
}

static void test_ends(void **state)
{
    struct sample samples[MAX_SAMPLES];
    uint32_t n = collect(samples);

    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            compare(samples[i], samples[k]);
        }
    }
}

/* Of any kind; bits so few that two are now and then near each other, or one. */
static struct sample draw(uint64_t *random)
{
    uint64_t bits = draw_bits(random), kind = draw_bits(random) % 5;
    uint64_t n_cleared = draw_bits(random) % 64;

    bits = bits >> n_cleared << n_cleared;
    switch (kind) {
    case 0:
        return of_float((uint32_t)(bits >> 32));
    case 1:
        return of_double(bits);
    case 2:
        return of_long_double((long double)bits * 0x1p-30L);
    case 3:
        return of_integer((int64_t)bits >> n_cleared);
    default:
        return of_integer(bits >> n_cleared);
    }
}

static void test_any_bits(void **state)
{
    uint64_t random = 1;

    for (int i = 0; i < 200000; i++) {
        struct sample a = draw(&random), b = draw(&random);

        compare(a, b);
        compare(a, a);
        b.number = number_of_double((double)a.value);
        b.value = (double)a.value;
        compare(a, b);
    }
}

/* As all traps are set, the first that computed would end this. */
static void test_nothing_computes(void **state)
{
    static const uint32_t signalling = 0x7f800001, tiny = 1;
    static const uint64_t tiny_double = 1;
    struct number numbers[3];

    feclearexcept(FE_ALL_EXCEPT);
#if defined(__x86_64__)
    assert_int_equal(feenableexcept(FE_ALL_EXCEPT), 0);
#endif
    numbers[0] = number_of_real(&type_float, &signalling);
    numbers[1] = number_of_real(&type_float, &tiny);
    numbers[2] = number_of_real(&type_double, &tiny_double);
    fedisableexcept(FE_ALL_EXCEPT);
    assert_true(numbers[0].is_nan);
    assert_int_equal(number_order(&numbers[1], &numbers[2]), 1);
    assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
}

#if LDBL_MANT_DIG == 64
/* The x87's encodings without their first bit are numbers no longer, if they are not subnormal. */
static void test_x87_encodings(void **state)
{
    static const struct {
        uint64_t significand;
        uint16_t upper;
        bool is_nan;
    } cases[] = {
        {0x4000000000000000, 0x3fff, true}, /* unnormal */
        {0, 0x7fff, true},                  /* pseudo-infinity */
        {1, 0x7fff, true},                  /* pseudo-NaN */
        {0x8000000000000000, 0x7fff, false},
        {0x8000000000000001, 0x7fff, true},
        {0x8000000000000000, 0, false}, /* pseudo-subnormal: the smallest normal number */
        {0x7fffffffffffffff, 0, false},
    };
    struct number numbers[sizeof(cases) / sizeof(cases[0])], smallest, infinity;
    long double value = LDBL_MIN;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[10];

        memcpy(bytes, &cases[i].significand, 8);
        memcpy(bytes + 8, &cases[i].upper, 2);
        numbers[i] = number_of_real(&type_long_double, bytes);
        assert_int_equal(numbers[i].is_nan, cases[i].is_nan);
    }
    smallest = number_of_real(&type_long_double, &value);
    infinity = number_of_double(INFINITY);
    assert_int_equal(number_order(&numbers[3], &infinity), 0);
    assert_int_equal(number_order(&numbers[5], &smallest), 0);
    assert_int_equal(number_order(&numbers[6], &smallest), -1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_any_bits),
        cmocka_unit_test(test_nothing_computes),
#if LDBL_MANT_DIG == 64
        cmocka_unit_test(test_x87_encodings),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
