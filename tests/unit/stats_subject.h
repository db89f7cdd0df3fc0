// SPDX-License-Identifier: MIT
/*
 * What the tests of stats share: counters on the heap, a snapshot of one function, and a sink that
 * keeps what is written. To be included after unit.h.
 */
#ifndef TESTS_STATS_SUBJECT_H
#define TESTS_STATS_SUBJECT_H

#include "stats/stats.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static inline struct stats_counters *new_counters(void)
{
    size_t n_bytes = (stats_counters_bytes() + 63) / 64 * 64;
    struct stats_counters *counters = aligned_alloc(64, n_bytes);

    assert_non_null(counters);
    memset(counters, 0, n_bytes);
    stats_counters_init(counters);
    return counters;
}

/* One function whose counters are handed over, as a snapshot. */
static inline void read_one(void *context, size_t i, struct stats_function *ret_function)
{
    assert_int_equal(i, 0);
    *ret_function = (struct stats_function){
        .name = "f", .mode = "memoize", .policy = "lru", .counters = context};
}

static inline struct stats_snapshot snapshot_of(struct stats_counters *counters)
{
    return (struct stats_snapshot){.program = "prog",
                                   .pid = 42,
                                   .n_functions = 1,
                                   .read_function = read_one,
                                   .context = counters};
}

struct text {
    char bytes[65536];
    size_t n_bytes;
    size_t n_withheld; /* so many at the end are not to be had: -ENOSPC */
};

/* A sink's write, to a struct text. */
static inline int append(void *context, const char *text, size_t n_bytes)
{
    struct text *to = context;

    if (n_bytes >= sizeof(to->bytes) - to->n_withheld - to->n_bytes) {
        return -ENOSPC;
    }
    memcpy(to->bytes + to->n_bytes, text, n_bytes);
    to->n_bytes += n_bytes;
    to->bytes[to->n_bytes] = '\0';
    return 0;
}

#endif
