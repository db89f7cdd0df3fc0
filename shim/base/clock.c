// SPDX-License-Identifier: MIT
/* The system call is the fallback on kernels and emulators that offer no vDSO. */
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Written by clock_use_vdso before any other thread exists. */
static clock_gettime_fn vdso_gettime;

void clock_use_vdso(clock_gettime_fn vdso_clock_gettime)
{
    vdso_gettime = vdso_clock_gettime;
}

static struct timespec read_clock(clockid_t clock)
{
    struct timespec now = {0};

    if (vdso_gettime == NULL || vdso_gettime(clock, &now) != 0) {
        int saved_errno = errno;

        syscall(SYS_clock_gettime, clock, &now);
        errno = saved_errno;
    }
    return now;
}

static uint64_t to_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t clock_coarse_ns(void)
{
    return to_ns(read_clock(CLOCK_MONOTONIC_COARSE));
}

uint64_t clock_precise_ns(void)
{
    return to_ns(read_clock(CLOCK_MONOTONIC));
}

/* Of what the clock tells at most. Linux 6.18 leaves it up to 1.7 behind, others 1. */
#define TICKS_BEHIND 2

uint64_t clock_coarse_lag_ns(void)
{
    static _Atomic uint64_t lag_ns; /* 0: nobody has asked; all who do write the same */
    uint64_t known_ns = atomic_load_explicit(&lag_ns, memory_order_relaxed);

    if (known_ns == 0) {
        struct timespec resolution = {0};
        int saved_errno = errno;

        syscall(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, &resolution);
        errno = saved_errno;
        known_ns = TICKS_BEHIND * to_ns(resolution);
        atomic_store_explicit(&lag_ns, known_ns, memory_order_relaxed);
    }
    return known_ns;
}

struct timespec clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
