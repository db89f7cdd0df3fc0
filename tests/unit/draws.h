// SPDX-License-Identifier: MIT
/* Random numbers that are the same in every run, and what is drawn in an order. */
#ifndef TESTS_UNIT_DRAWS_H
#define TESTS_UNIT_DRAWS_H

#include <stdint.h>

/* xorshift64 (G. Marsaglia, 2003). The state is not 0, and becomes what is returned. */
static inline uint64_t draw_bits(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* For qsort. */
static inline int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

#endif
