// SPDX-License-Identifier: MIT
/*
 * The formats are those of IEEE 754 (3.4), of which long double on AArch64 is binary128, and the
 * x87's, which writes the significand's first bit out (Intel SDM 1, 4.2.2).
 */
#include "marshal/number.h"

#include <float.h>
#include <string.h>

/* A number's bytes: sign, exponent, fraction, from the highest bit on. */
struct format {
    uint32_t n_fraction_bits, n_exponent_bits;
};

static const struct format format_float = {FLT_MANT_DIG - 1, 8};
static const struct format format_double = {DBL_MANT_DIG - 1, 11};
#if LDBL_MANT_DIG == 64
#define N_LONG_DOUBLE_BYTES 10
static const struct format format_long_double = {LDBL_MANT_DIG, 15};
#elif LDBL_MANT_DIG == 113
#define N_LONG_DOUBLE_BYTES 16
static const struct format format_long_double = {LDBL_MANT_DIG - 1, 15};
#else
#error "number.c: this long double is not described yet"
#endif

static uint32_t leading_zeroes(unsigned __int128 bits)
{
    uint64_t upper = (uint64_t)(bits >> 64);

    return upper != 0 ? (uint32_t)__builtin_clzl(upper)
                      : 64 + (uint32_t)__builtin_clzl((uint64_t)bits);
}

/* Of a significand that is not there yet in full height. */
static struct number make(bool is_negative, int32_t exponent, unsigned __int128 significand)
{
    uint32_t shift = significand == 0 ? 0 : leading_zeroes(significand);

    return (struct number){.is_negative = is_negative,
                           .exponent = exponent - (int32_t)shift,
                           .significand = significand << shift};
}

struct number number_of_integer(__int128 integer)
{
    unsigned __int128 bits = (unsigned __int128)integer;

    return make(integer < 0, 0, integer < 0 ? -bits : bits);
}

static struct number take_apart(unsigned __int128 bits, struct format format, bool has_first_bit)
{
    const unsigned __int128 one = 1;
    const uint32_t sign_at = format.n_fraction_bits + format.n_exponent_bits;
    const uint32_t highest = (1u << format.n_exponent_bits) - 1; /* infinity, or NaN */
    const uint32_t n_behind_point = format.n_fraction_bits - has_first_bit;
    const unsigned __int128 first_bit = one << n_behind_point;
    const int32_t bias = (int32_t)(highest >> 1);
    uint32_t exponent = (uint32_t)(bits >> format.n_fraction_bits) & highest;
    unsigned __int128 significand = bits & ((one << format.n_fraction_bits) - 1);
    bool is_negative = (bits >> sign_at & 1) != 0;

    if (has_first_bit && exponent != 0 && (significand & first_bit) == 0) {
        return (struct number){.is_nan = true}; /* no number since the 80387 */
    }
    if (exponent == highest) {
        if ((significand & ~first_bit) != 0) {
            return (struct number){.is_nan = true};
        }
        return make(is_negative, INT32_MAX, one << 127);
    }
    if (exponent == 0) {
        exponent = 1; /* a subnormal number, or 0 */
    } else {
        significand |= first_bit;
    }
    return make(is_negative, (int32_t)exponent - bias - (int32_t)n_behind_point, significand);
}

struct number number_of_double(double value)
{
    unsigned __int128 bits = 0;

    memcpy(&bits, &value, sizeof(value)); /* filled up with zeroes: little-endian */
    return take_apart(bits, format_double, false);
}

struct number number_of_real(const struct ctype *type, const void *at)
{
    unsigned __int128 bits = 0;

    switch (type->kind) {
    case CTYPE_FLOAT:
        memcpy(&bits, at, sizeof(float));
        return take_apart(bits, format_float, false);
    case CTYPE_DOUBLE:
        memcpy(&bits, at, sizeof(double));
        return take_apart(bits, format_double, false);
    default:
        memcpy(&bits, at, N_LONG_DOUBLE_BYTES);
        return take_apart(bits, format_long_double, LDBL_MANT_DIG == 64);
    }
}

static int order_of_sizes(const struct number *a, const struct number *b)
{
    if (a->significand == 0 || b->significand == 0 || a->exponent == b->exponent) {
        return a->significand < b->significand ? -1 : a->significand > b->significand;
    }
    return a->exponent < b->exponent ? -1 : 1;
}

int number_order(const struct number *a, const struct number *b)
{
    bool a_is_below = a->is_negative && a->significand != 0;
    bool b_is_below = b->is_negative && b->significand != 0;

    if (a_is_below != b_is_below) {
        return a_is_below ? -1 : 1;
    }
    return a_is_below ? order_of_sizes(b, a) : order_of_sizes(a, b);
}
