// SPDX-License-Identifier: MIT
/* The logarithm by repeated squaring, one binary digit at a time: 32 multiplications. */
#include "cache/refresh.h"

#define LN_2        UINT64_C(2977044472) /* ln 2 in units of 2^-32 */
#define PACKED_BITS 27

uint64_t refresh_exponential(uint32_t random)
{
    uint64_t u = (uint64_t)random + 1;
    unsigned shift = (unsigned)__builtin_clzll(u);
    uint64_t mantissa = u << shift;               /* from 1 to 2 in units of 2^-63 */
    uint64_t log2 = (uint64_t)(63 - shift) << 32; /* of u, in units of 2^-32 */

    for (uint32_t digit = 1u << 31; digit != 0; digit >>= 1) {
        unsigned __int128 square = (unsigned __int128)mantissa * mantissa;

        if (square >> 127 != 0) {
            mantissa = (uint64_t)(square >> 64);
            log2 += digit;
        } else {
            mantissa = (uint64_t)(square >> 63);
        }
    }
    return (uint64_t)((unsigned __int128)((UINT64_C(32) << 32) - log2) * LN_2 >> 32);
}

static uint64_t times(uint64_t ns, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)ns * factor >> 32);
}

bool refresh_is_due(uint64_t left_ns, uint64_t mean_ns, uint32_t random)
{
    /* Most draws are far off; the number of leading zeroes says so. */
    unsigned n_octaves = (unsigned)__builtin_clzll((uint64_t)random + 1) - 31;

    return left_ns <= times(mean_ns, n_octaves * LN_2) &&
           left_ns <= times(mean_ns, refresh_exponential(random));
}

uint32_t refresh_pack(uint64_t ns)
{
    uint32_t exponent = 0;

    while (ns >> PACKED_BITS != 0) {
        ns >>= 1;
        exponent++;
    }
    return exponent > 31 ? UINT32_MAX : exponent << PACKED_BITS | (uint32_t)ns;
}

uint64_t refresh_unpack(uint32_t packed)
{
    return (uint64_t)(packed & ((1u << PACKED_BITS) - 1)) << (packed >> PACKED_BITS);
}
