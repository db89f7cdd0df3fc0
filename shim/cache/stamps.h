// SPDX-License-Identifier: MIT
/*
 * Stamps of uses: numbers from a clock, one for all of a shard for as long as that lives, whatever
 * its table. Hits take them without the lock, so each is given once, and a use that was over before
 * another began has the smaller one.
 *
 * They come in eras: 1, 2, 3 ... in one half of all numbers, then in the other half, and so on. At
 * the end of each all live entries get new ones, of the next (order.h). So an entry's stamp that
 * was read before that is no entry's afterwards, and whoever still has it at hand changes nothing.
 */
#ifndef CACHE_STAMPS_H
#define CACHE_STAMPS_H

#include "base/foreign_libc.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The newest stamp. With threads anybody may be adding to it. */
typedef _Atomic uint32_t stamp_clock;

#define STAMP_ERA 0x80000000u /* whose half */

/*
 * No stamp of an era is this far from its beginning, and the clock never comes to the end of the
 * half: who finds that the era is over sets it back, unless others are just finding that, too.
 */
#define STAMP_END 0x7ff00000u

/* Before the first of its era. */
static inline uint32_t stamp_era(uint32_t stamp)
{
    return stamp & STAMP_ERA;
}

/* The era is over: this is nobody's. */
static inline bool stamp_is_spent(uint32_t stamp)
{
    return __builtin_expect((stamp & ~STAMP_ERA) >= STAMP_END, 0);
}

/* False: the era is over, and what was written is no stamp. */
static inline bool stamp_take_alone(stamp_clock *clock, uint32_t *ret_stamp)
{
    *ret_stamp = atomic_load_explicit(clock, memory_order_relaxed) + 1;
    if (stamp_is_spent(*ret_stamp)) {
        return false;
    }
    atomic_store_explicit(clock, *ret_stamp, memory_order_relaxed);
    return true;
}

static inline bool stamp_take_beside(stamp_clock *clock, uint32_t *ret_stamp)
{
    uint32_t stamp = atomic_fetch_add_explicit(clock, 1, memory_order_seq_cst) + 1;

    *ret_stamp = stamp;
    if (stamp_is_spent(stamp)) {
        atomic_compare_exchange_strong_explicit(clock, &stamp, stamp - 1, memory_order_relaxed,
                                                memory_order_relaxed);
        return false;
    }
    return true;
}

static inline bool stamp_take(stamp_clock *clock, uint32_t *ret_stamp)
{
    return __libc_single_threaded ? stamp_take_alone(clock, ret_stamp)
                                  : stamp_take_beside(clock, ret_stamp);
}

#endif
