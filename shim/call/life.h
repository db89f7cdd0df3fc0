// SPDX-License-Identifier: MIT
/*
 * What a finished call's result says of its own fate: whether it is kept, for how long, and whether
 * the real function failed so that an expired answer is better.
 */
#ifndef CALL_LIFE_H
#define CALL_LIFE_H

#include "call/call_private.h"
#include "call/real.h"

struct life_verdict {
    bool is_kept;
    bool is_failure;  /* stale_if_error.if holds */
    uint64_t life_ns; /* of what is kept, from now on; CACHE_NO_END: without end */
};

/*
 * Evaluates the configuration's conditions, in their order, and reads the result's life. set_errno:
 * what the call did to errno.
 */
struct life_verdict life_judge(const struct call_plan *plan, void *const *arguments,
                               const void *result, int32_t set_errno);

/*
 * The clock of lives may be behind. An entry is dated as it says, a look-up by the latest that the
 * time can be: so nothing is ever served beyond its life, and a life may end two ticks early.
 */
uint64_t life_latest_ns(const struct call_plan *plan);

/* For cache_insert: the verdict's life, a share of it taken off at random, from now on. */
struct cache_life life_begin(struct call_plan *plan, const struct life_verdict *verdict,
                             const struct real_outcome *outcome);

/* What the cache and the plan need to know of lives, from the configuration. */
void life_configure(struct call_plan *plan, struct cache_options *options);

#endif
