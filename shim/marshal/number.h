// SPDX-License-Identifier: MIT
/*
 * Numbers of any type in order, without a floating-point unit: what is computed is sign, exponent
 * and significand as integers. So no flag is raised and nothing traps, whatever the program has set
 * and whatever the bytes are, and no long double has to be loaded, around which the x87's state
 * would have to be saved for a hundred cycles. Internal to the module.
 */
#ifndef MARSHAL_NUMBER_H
#define MARSHAL_NUMBER_H

#include "abi/abi.h"

#include <stdbool.h>
#include <stdint.h>

/* significand * 2^exponent. */
struct number {
    bool is_nan; /* then the rest says nothing */
    bool is_negative;
    int32_t exponent;
    unsigned __int128 significand; /* 0, or with its highest bit set */
};

struct number number_of_integer(__int128 integer);
struct number number_of_double(double value);

/* type: CTYPE_FLOAT, CTYPE_DOUBLE or CTYPE_LONG_DOUBLE, at any address. */
struct number number_of_real(const struct ctype *type, const void *at);

/* Below, equal, above zero. Neither is NaN. -0 equals 0. */
int number_order(const struct number *a, const struct number *b);

#endif
