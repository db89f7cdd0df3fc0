// SPDX-License-Identifier: MIT
/*
 * Time stands until the test lets it pass. So nobody loses patience because the machine is slow:
 * with another thread that holds a lock, or computes what is waited for.
 */
#ifndef TESTS_UNIT_STANDING_CLOCK_H
#define TESTS_UNIT_STANDING_CLOCK_H

#include "base/clock.h"

#include <stdatomic.h>

static _Atomic uint64_t standing_ns = UINT64_C(1000) * 1000000000;

static inline int standing_gettime(clockid_t clock, struct timespec *ret_time)
{
    uint64_t now_ns = atomic_load(&standing_ns);

    *ret_time = (struct timespec){.tv_sec = (time_t)(now_ns / 1000000000),
                                  .tv_nsec = (long)(now_ns % 1000000000)};
    return 0;
}

/* For all clocks at once. Who sleeps until then sees it when its real time is over. */
static inline void let_time_pass(uint64_t ns)
{
    atomic_fetch_add(&standing_ns, ns);
}

/* What a group of tests begins with, or a test that had another clock ends with. */
static inline int let_time_stand(void **state)
{
    clock_use_vdso(standing_gettime);
    return 0;
}

#endif
