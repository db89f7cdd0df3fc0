// SPDX-License-Identifier: MIT
/* The place of a bit in a register, where a widening of it would be in everybody's way. */
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

#endif
