// SPDX-License-Identifier: MIT
/*
 * What quick_rows.c and quick_outs.c share: keys of one or two words from registers, a look at
 * where such a key belongs, and what becomes of calls that are not answered there.
 */
#ifndef CALL_QUICK_ROWS_H
#define CALL_QUICK_ROWS_H

#include "call/quick_wide.h"

/* What a look in a row has come to. */
enum row_end {
    ROW_HIT,
    ROW_FURTHER, /* the entry may lie elsewhere, or there are threads: quick_rows_further */
    ROW_MISS,    /* quick_rows_miss */
};

/* In a process without threads, there is nothing to be seen to but a hit. */
static inline __attribute__((always_inline)) bool row_is_quiet(struct call_plan *plan)
{
    const _Atomic uint64_t *hits = stats_hits_alone(plan->counters);

    return !fork_page_is_new_child() &&
           !is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1);
}

/* What a part of an argument is to a key of so many words, which is known when this is compiled. */
static inline __attribute__((always_inline)) void row_add(const struct quick_part *part,
                                                          uint32_t n_words, uint64_t word,
                                                          uint64_t *low, uint64_t *high)
{
    uint64_t turned;

    word &= part->mask;
    if (n_words == 1) {
        *low |= word << part->shift;
        return;
    }
    turned = word << part->shift | word >> (-part->shift & 63);
    *low |= turned & part->in_low;
    *high |= turned & ~part->in_low;
}

/*
 * quick_miss_rows.c: a hit that is not found at the first look, or a miss of the short way, in a
 * process without threads. What there is not of the arguments is anything.
 */
struct quick_computed quick_ask_row(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                    double v0, double v1);

/* The arguments: what there is not is anything. Neither is for calls with the guard set. */
struct abi_both quick_rows_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                   double v0, double v1);
struct abi_both quick_rows_miss(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                double v0, double v1);

#endif
