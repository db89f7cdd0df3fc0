// SPDX-License-Identifier: MIT
/*
 * One timed call of the real function from inside the shim: outside the guard and every lock, with
 * an eye on errno and on floating-point flags.
 */
#ifndef CALL_REAL_H
#define CALL_REAL_H

#include "call/call.h"
#include <stdbool.h>
#include <stdint.h>

struct real_outcome {
    int32_t set_errno; /* what the call set errno to, or MARSHAL_ERRNO_UNTOUCHED */
    bool raised;       /* a floating-point flag beyond INEXACT */
    bool has_moved;    /* into another thread, whose errno set_errno is, whoever set that */
    uint64_t took_ns;  /* of the function itself; 0 when it was not timed */
};

/*
 * Runs it. The guard is set on entry and on return, but not during the call, which may never
 * return. errno is 0 during the call, so that whatever it sets can be told from what stood there:
 * no library function sets errno to 0 (C11 7.5 p3). If is_timed, counts the call's time, and lets
 * waiters' time follow it.
 */
struct real_outcome real_run(struct call_plan *plan, bool is_timed, void *result, void **arguments);

/*
 * A real call was timed, the way to it and back included, which takes so long: counts what is left,
 * and returns it.
 */
uint64_t real_note_time(struct call_plan *plan, uint64_t took_ns, uint64_t way_ns);

/* What errno must be for the caller. */
int real_errno(const struct real_outcome *outcome, int caller_errno);

#endif
