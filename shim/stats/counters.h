// SPDX-License-Identifier: MIT
/* Reading the counters of one function, for the emitters. Internal to stats. */
#ifndef STATS_COUNTERS_H
#define STATS_COUNTERS_H

#include "stats/stats.h"

/* The stripes added up. While others count, not one instant's picture. */
struct stats_sums {
    uint64_t counters[STATS_COUNTER_COUNT];
    uint64_t bypasses[STATS_BYPASS_COUNT];
    uint64_t real_count, real_sum_ns;
    uint64_t real_p50_ns, real_p99_ns;
};

void stats_counters_read(const struct stats_counters *counters, struct stats_sums *ret_sums);

#endif
