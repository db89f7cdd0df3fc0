// SPDX-License-Identifier: MIT
/* A few instructions that gcc does not choose, where each counts. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdint.h>

/* How many zeroes are below the lowest one of bits, which are not all zeroes. */
static inline uint64_t bits_lowest(uint32_t bits)
{
#if defined(__x86_64__)
    uint64_t n;

    /* As gcc writes it, but that gcc then extends a number that is extended already. */
    __asm__("rep bsfl %1, %k0" : "=r"(n) : "r"(bits) : "cc");
    return n;
#else
    return (uint32_t)__builtin_ctz(bits);
#endif
}

/*
 * The product with a number that is known when this is compiled, of which gcc would make three
 * instructions that are done a little sooner.
 */
static inline __attribute__((always_inline)) uint64_t bits_times(uint64_t number, uint64_t constant)
{
#if defined(__x86_64__) && !defined(__clang__)
    if (__builtin_constant_p(constant) && constant <= INT32_MAX) {
        uint64_t product;

        __asm__("imulq %2, %1, %0" : "=r"(product) : "r"(number), "e"(constant) : "cc");
        return product;
    }
#endif
    return number * constant;
}

#endif
