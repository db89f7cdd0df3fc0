// SPDX-License-Identifier: MIT
/*
 * A log-linear histogram of times: exact up to 8 ns, then 8 equal steps to each power of two, so
 * that a step is never wider than an eighth of what it holds. This file knows the steps; who adds
 * and where the counts lie is the business of counters.c.
 */
#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* 2^43 ns and more (2 h 26 min) share the last steps; longer times fall into the very last. */
#define HISTOGRAM_MAX_EXPONENT 43
#define HISTOGRAM_STEP_COUNT   (8 + (HISTOGRAM_MAX_EXPONENT - 3 + 1) * 8)

/* The step that holds ns: 0 <= result < HISTOGRAM_STEP_COUNT. */
uint32_t histogram_step_of(uint64_t ns);

/* The middle of a step, in ns. */
uint64_t histogram_step_middle(uint32_t step);

/* Counts that several threads add to; readers add up the stripes. */
typedef _Atomic uint64_t histogram_stripe[HISTOGRAM_STEP_COUNT];

/*
 * The p-quantile, 0 < p <= 1, of all stripes together: the middle of the step that holds the value
 * of rank ceil(p * n) of n. 0 when there is none. Takes next to no stack: it may run on a small
 * signal stack.
 */
uint64_t histogram_quantile(const histogram_stripe *stripes, uint32_t n_stripes, double p);

#endif
