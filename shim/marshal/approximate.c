// SPDX-License-Identifier: MIT
/*
 * Approximate keys: a floating-point input stands in the key as the nearest multiple of a number,
 * or with the low bits of its significand cleared. Infinities and NaN stand as they are.
 *
 * Rounding is to even where two multiples are equally near (under another mode than the default,
 * which only "rounding" lets through, as that mode says), and zero has no sign afterwards. A value
 * so large that it has no bits below the multiple stands as it is, and so does one whose nearest
 * multiple is beyond the type's largest number: that would be the key of infinity.
 */
#include "marshal/marshal_private.h"

#include <float.h>
#include <string.h>

/* From here on every value of the type is an integer, and adding it rounds to one. */
#define DOUBLE_INTEGERS      (1.0 / DBL_EPSILON)
#define LONG_DOUBLE_INTEGERS (1.0L / LDBL_EPSILON)

static double round_double(double value, double unit)
{
    volatile double multiple = value / unit; /* volatile: neither reordered nor kept wider */
    double magic = multiple < 0 ? -DOUBLE_INTEGERS : DOUBLE_INTEGERS;

    if (!(multiple > -DOUBLE_INTEGERS / 4 && multiple < DOUBLE_INTEGERS / 4)) {
        return value; /* NaN, infinite or huge */
    }
    multiple = multiple + magic;
    multiple = multiple - magic;
    multiple = multiple == 0 ? 0 : multiple * unit;
    return __builtin_isinf(multiple) ? value : multiple;
}

static long double round_long_double(long double value, long double unit)
{
    volatile long double multiple = value / unit;
    long double magic = multiple < 0 ? -LONG_DOUBLE_INTEGERS : LONG_DOUBLE_INTEGERS;

    if (!(multiple > -LONG_DOUBLE_INTEGERS / 4 && multiple < LONG_DOUBLE_INTEGERS / 4)) {
        return value;
    }
    multiple = multiple + magic;
    multiple = multiple - magic;
    multiple = multiple == 0 ? 0 : multiple * unit;
    return __builtin_isinf(multiple) ? value : multiple;
}

/* The nearest multiple may be a double, and no float. */
static float round_float(float value, double unit)
{
    float multiple = (float)round_double(value, unit);

    return __builtin_isinf(multiple) ? value : multiple;
}

static void round_packed(const struct ctype *type, double unit, unsigned char *at)
{
    float f;
    double d;
    long double ld = 0;
    struct float_x87 shield;

    switch (type->kind) {
    case CTYPE_FLOAT:
    case CTYPE_COMPLEX_FLOAT:
        memcpy(&f, at, sizeof(f));
        f = round_float(f, unit);
        memcpy(at, &f, sizeof(f));
        break;
    case CTYPE_DOUBLE:
    case CTYPE_COMPLEX_DOUBLE:
        memcpy(&d, at, sizeof(d));
        d = round_double(d, unit);
        memcpy(at, &d, sizeof(d));
        break;
    default:
        float_x87_shield_begin(&shield);
        memcpy(&ld, at, MARSHAL_LONG_DOUBLE_BYTES);
        ld = round_long_double(ld, unit);
        memcpy(at, &ld, MARSHAL_LONG_DOUBLE_BYTES);
        float_x87_shield_end(&shield);
        break;
    }
}

/* The exponent is all ones: clearing bits could make an infinity of a NaN. */
static bool is_finite(const struct ctype *type, const unsigned char *at)
{
    float f;
    double d;
    uint16_t high;

    switch (type->kind) {
    case CTYPE_FLOAT:
    case CTYPE_COMPLEX_FLOAT:
        memcpy(&f, at, sizeof(f));
        return __builtin_isfinite(f);
    case CTYPE_DOUBLE:
    case CTYPE_COMPLEX_DOUBLE:
        memcpy(&d, at, sizeof(d));
        return __builtin_isfinite(d);
    default:
        memcpy(&high, at + MARSHAL_LONG_DOUBLE_BYTES - sizeof(high), sizeof(high));
        return (high & 0x7fff) != 0x7fff;
    }
}

/* Little-endian: the significand's low bits come first. */
static void drop_packed(const struct ctype *type, uint32_t n_bits, unsigned char *at)
{
    if (is_finite(type, at)) {
        memset(at, 0, n_bits / 8);
        at[n_bits / 8] &= (unsigned char)(0xffu << n_bits % 8);
    }
}

void marshal_approximate(const struct config_description *description, const struct ctype *type,
                         unsigned char *packed)
{
    bool is_complex = type->kind == CTYPE_COMPLEX_FLOAT || type->kind == CTYPE_COMPLEX_DOUBLE ||
                      type->kind == CTYPE_COMPLEX_LONG_DOUBLE;
    uint32_t n_bytes = abi_value_bytes(type) / (is_complex ? 2 : 1);
    uint32_t shield = float_shield_begin();

    for (int i = 0; i < (is_complex ? 2 : 1); i++) {
        if (description->drop_bits != 0) {
            drop_packed(type, description->drop_bits, packed + (size_t)i * n_bytes);
        } else {
            round_packed(type, description->round, packed + (size_t)i * n_bytes);
        }
    }
    float_shield_end(shield);
}
