// SPDX-License-Identifier: MIT
/*
 * Hits that do not spare the real call: in the modes observe and verify, and the share of hits that
 * verify_sample asks for.
 */
#ifndef CALL_VERIFY_H
#define CALL_VERIFY_H

#include "cache/cache.h"
#include "call/call_private.h"
#include "marshal/marshal.h"

/* True when this hit of a memoized function is one of the sample. */
bool verify_draws(const struct call_plan *plan);

/* A hit, and what was seen before it. */
struct verify_hit {
    const struct cache_key *key;
    const struct marshal_call *call;
    uint64_t n_changes_before; /* plan->n_changes, before the look-up */
};

/*
 * The real call beside what is remembered, which it compares: counts the hit as verified or a
 * mismatch, and reports a mismatch. Answers that differ prove nothing when something was
 * invalidated since the look-up, or what the key holds has changed: then it is neither. The program
 * gets the real call's answer, which may never come: remembered is the caller's own copy. Returns
 * what errno must be for the caller.
 */
int verify_hit(struct call_plan *plan, const struct verify_hit *hit, struct bytes remembered,
               void *result, void **arguments, int caller_errno);

/* The real call where a hit would have spared it. Returns what errno must be for the caller. */
int verify_observe(struct call_plan *plan, void *result, void **arguments, int caller_errno);

#endif
