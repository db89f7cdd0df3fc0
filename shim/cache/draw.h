// SPDX-License-Identifier: MIT
/* The draws of policies: splitmix64 (Steele, Lea and Flood 2014), so that a seed repeats a run. */
#ifndef CACHE_DRAW_H
#define CACHE_DRAW_H

#include <stdint.h>

/* Uniform. state begins as 0 and belongs to the policy. */
static inline uint32_t draw_next(uint64_t *state, uint64_t seed)
{
    uint64_t drawn;

    *state = (*state == 0 ? seed : *state) + 0x9e3779b97f4a7c15u;
    drawn = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9u;
    drawn = (drawn ^ drawn >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((drawn ^ drawn >> 31) >> 32);
}

#endif
