// SPDX-License-Identifier: MIT
/*
 * Which calls are timed: a share of them, at irregular distances, so that no rhythm of the program
 * meets that of the sample. A pace belongs to one thread, whatever it calls; it is advanced by the
 * share of the function that is called, so that functions of different shares come out right.
 */
#ifndef CALL_PACE_H
#define CALL_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_ALL 65536 /* as a share: every call */

struct pace {
    int32_t credit;
    uint32_t random;
};

/* After a draw the way to the next begins half a distance before or behind, at random. */
static inline void pace_restart(struct pace *pace)
{
    pace->random = pace->random * 1664525 + 1013904223; /* Numerical Recipes' generator */
    pace->credit = (int32_t)(pace->random >> 16) - PACE_ALL / 2;
}

/* share: at most PACE_ALL; 0: never. */
static inline bool pace_draws(struct pace *pace, uint32_t share)
{
    pace->credit += (int32_t)share;
    if (__builtin_expect(pace->credit < PACE_ALL && share < PACE_ALL, 1)) {
        return false;
    }
    pace_restart(pace);
    return true;
}

#endif
