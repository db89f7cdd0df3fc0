// SPDX-License-Identifier: MIT
/*
 * What remembering saves: each hit a real call. What it costs: its own part of each call. The costs
 * are handed in such that an accident speaks for the function: medians of memoshim's part, which a
 * preempted thread does not move, but the mean of the real calls, which it does, and in which the
 * rare slow call counts that makes up for all others.
 */
#include "call/profit.h"

/* A loss within this share of what the real calls take is none: so exact no measurement is. */
#define TOLERANCE 100

/* Doubtful windows, this one among them, that end it; more while the cache is being filled. */
#define DOUBTS_ALLOWED         2
#define DOUBTS_ALLOWED_GROWING 4

#define SHORTEST_REST_NS 1000000000u
#define MAX_DOUBLINGS    10 /* 17 minutes */

typedef __int128 wide; /* a function of an hour, a million times */

enum profit_verdict profit_judge(const struct profit_window *window, uint32_t n_doubts,
                                 bool is_probe)
{
    const struct profit_costs *costs = &window->costs;
    wide n_calls = (wide)window->n_hits + window->n_misses + window->n_bypasses;
    wide saved = (wide)window->n_hits * costs->real_ps;
    wide spent = (wide)window->n_hits * costs->hit_ps + (wide)window->n_misses * costs->miss_ps +
                 (wide)window->n_bypasses * costs->bypass_ps;
    wide tolerated = is_probe ? 0 : n_calls * costs->real_ps / TOLERANCE;

    if (spent <= saved + tolerated) {
        return PROFIT_PAYS;
    }
    /* Not even if every call were a hit. */
    if (is_probe || (window->n_hits > 0 && costs->hit_ps > costs->real_ps + costs->real_ps / 8)) {
        return PROFIT_LOSES;
    }
    return n_doubts + 1 >= (window->is_growing ? DOUBTS_ALLOWED_GROWING : DOUBTS_ALLOWED)
               ? PROFIT_LOSES
               : PROFIT_DOUBTFUL;
}

uint64_t profit_rest_ns(uint32_t n_times)
{
    uint32_t n_doublings = n_times - 1 < MAX_DOUBLINGS ? n_times - 1 : MAX_DOUBLINGS;

    return (uint64_t)SHORTEST_REST_NS << n_doublings;
}

uint32_t profit_median(uint32_t *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t value = values[i], at = i;

        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    return n == 0 ? 0 : values[n / 2];
}
