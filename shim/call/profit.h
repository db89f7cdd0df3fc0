// SPDX-License-Identifier: MIT
/*
 * Whether remembering a function pays: the arithmetic of the guard, on counts and costs that others
 * counted and measured. No clock, no state of its own. Costs are picoseconds, since a hit may take
 * a few nanoseconds only.
 */
#ifndef CALL_PROFIT_H
#define CALL_PROFIT_H

#include <stdbool.h>
#include <stdint.h>

struct profit_costs {
    uint64_t hit_ps, miss_ps, bypass_ps; /* memoshim's own part of such a call */
    uint64_t real_ps;                    /* the real function, in the mean */
};

/* What happened since the last judgement. */
struct profit_window {
    uint64_t n_hits, n_misses, n_bypasses;
    struct profit_costs costs;
    bool is_growing; /* nothing had to make room: what missed now may hit later */
};

enum profit_verdict {
    PROFIT_PAYS,
    PROFIT_DOUBTFUL, /* it does not, but that may be the cold start or an accident: look again */
    PROFIT_LOSES,
};

/*
 * n_doubts: how many windows before this one were doubtful, without one between that pays.
 * is_probe: the function was let go of already and is tried again; then one window decides.
 */
enum profit_verdict profit_judge(const struct profit_window *window, uint32_t n_doubts,
                                 bool is_probe);

/* How long to leave a function alone that was found not to pay n_times (at least 1) in a row. */
uint64_t profit_rest_ns(uint32_t n_times);

/* The median of n values (at most 32), which it sorts; 0 without any. */
uint32_t profit_median(uint32_t *values, uint32_t n);

#endif
