// SPDX-License-Identifier: MIT
/* See real.h. */
#include "call/real.h"

#include "abi/abi.h"
#include "base/alone.h"
#include "base/clock.h"
#include "base/errno_here.h"
#include "base/guard.h"
#include "base/lock.h"
#include "call/call_private.h"

#include <errno.h>

/* Bounds of a wait that follows measured times: four times the p99, but within these. */
#define WAIT_SHORTEST_NS 100000000u
#define WAIT_LONGEST_NS  10000000000u

/*
 * Waiters follow what real calls take, unless the configuration fixed it, and so does how many of
 * them are timed.
 */
static void adapt(struct call_plan *plan)
{
    uint64_t n_measured = alone_add(&plan->n_measured, 1);
    uint32_t shield;
    uint64_t wait_ns;

    /* A quantile walks the histogram: at powers of two, then now and then. */
    if ((n_measured & (n_measured - 1)) != 0 && n_measured % 256 != 0) {
        return;
    }
    measure_adapt_real(plan, n_measured);
    if (plan->function->single_flight_timeout_ns != 0) {
        return;
    }
    shield = float_shield_begin();
    wait_ns = stats_real_quantile_ns(plan->counters, 0.99);
    float_shield_end(shield);
    wait_ns = wait_ns > WAIT_LONGEST_NS / 4 ? WAIT_LONGEST_NS : wait_ns * 4;
    if (wait_ns < WAIT_SHORTEST_NS) {
        wait_ns = WAIT_SHORTEST_NS;
    }
    atomic_store_explicit(&plan->wait_timeout_ns, wait_ns, memory_order_relaxed);
}

uint64_t real_note_time(struct call_plan *plan, uint64_t took_ns, uint64_t way_ns)
{
    took_ns = took_ns > way_ns ? took_ns - way_ns : 0;
    stats_add_real_ns(plan->counters, took_ns);
    adapt(plan);
    return took_ns;
}

/* Not inlined: nesting sees a frame below that of whoever handles the call. */
__attribute__((noinline)) struct real_outcome real_run(struct call_plan *plan, bool is_timed,
                                                       void *result, void **arguments)
{
    struct real_outcome outcome = {.set_errno = MARSHAL_ERRNO_UNTOUCHED};
    struct nesting_frame nesting = nesting_enter(__builtin_frame_address(0));
    uint64_t way_ns = is_timed ? measure_way_to_real_ns(plan, result, arguments) : 0;
    uint64_t began_ns = is_timed ? clock_precise_ns() : 0;
    struct float_watch watch = {0};
    int *errno_before = errno_here(), *errno_at;

    lock_assert_none_held();
    if (plan->uses_float) {
        float_watch_begin(&watch);
    }
    guard_leave();
    *errno_before = 0;

    abi_call_real(plan->abi, plan->original, result, arguments);

    errno_at = errno_here();
    outcome.has_moved = errno_at != errno_before;
    if (*errno_at != 0 || outcome.has_moved) {
        outcome.set_errno = *errno_at;
    }
    guard_enter();
    if (plan->uses_float) {
        outcome.raised = float_watch_end(&watch);
    }
    nesting_leave(&nesting);
    call_come_back();
    if (is_timed) {
        outcome.took_ns = real_note_time(plan, clock_precise_ns() - began_ns, way_ns);
    }
    return outcome;
}

int real_errno(const struct real_outcome *outcome, int caller_errno)
{
    return outcome->set_errno != MARSHAL_ERRNO_UNTOUCHED ? outcome->set_errno : caller_errno;
}
