// SPDX-License-Identifier: MIT
#include "stats/histogram.h"

uint32_t histogram_step_of(uint64_t ns)
{
    uint32_t exponent, step;

    if (ns < 8) {
        return (uint32_t)ns;
    }
    exponent = 63 - (uint32_t)__builtin_clzll(ns);
    step = 8 + (exponent - 3) * 8 + (uint32_t)((ns >> (exponent - 3)) & 7);
    return step < HISTOGRAM_STEP_COUNT ? step : HISTOGRAM_STEP_COUNT - 1;
}

uint64_t histogram_step_middle(uint32_t step)
{
    uint32_t shift;

    if (step < 8) {
        return step;
    }
    shift = (step - 8) / 8; /* a step is 2^shift wide */
    return ((uint64_t)(8 + step % 8) << shift) + (((uint64_t)1 << shift) >> 1);
}

static uint64_t step_count(const histogram_stripe *stripes, uint32_t n_stripes, uint32_t step)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < n_stripes; i++) {
        n += atomic_load_explicit(&stripes[i][step], memory_order_relaxed);
    }
    return n;
}

uint64_t histogram_quantile(const histogram_stripe *stripes, uint32_t n_stripes, double p)
{
    uint64_t total = 0, below = 0, rank;
    uint32_t last = 0;

    for (uint32_t step = 0; step < HISTOGRAM_STEP_COUNT; step++) {
        total += step_count(stripes, n_stripes, step);
    }
    rank = (uint64_t)(p * (double)total);
    if ((double)rank < p * (double)total) {
        rank++;
    }
    /* Counts may only have grown since they were added up: the rank is reached. */
    for (uint32_t step = 0; step < HISTOGRAM_STEP_COUNT && below < rank; step++) {
        below += step_count(stripes, n_stripes, step);
        last = step;
    }
    return histogram_step_middle(last);
}
