// SPDX-License-Identifier: MIT
/*
 * Random numbers for what need not be unpredictable: splitmix64 (Steele, Lea and Flood 2014), so
 * that a seed repeats a run.
 */
#ifndef BASE_DRAW_H
#define BASE_DRAW_H

#include <stdint.h>

#define DRAW_STEP 0x9e3779b97f4a7c15u /* what a draw adds to the state */

/* Uniform. state begins as 0, for which the seed stands, and belongs to the caller. */
static inline uint32_t draw_next(uint64_t *state, uint64_t seed)
{
    uint64_t drawn;

    *state = (*state == 0 ? seed : *state) + DRAW_STEP;
    drawn = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9u;
    drawn = (drawn ^ drawn >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((drawn ^ drawn >> 31) >> 32);
}

#endif
