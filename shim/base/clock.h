// SPDX-License-Identifier: MIT
/*
 * The shim's two clocks. They are read through the kernel's vDSO, or by system call, never through
 * the program's clock_gettime: a preloaded libfaketime must not bend the life of an entry.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

typedef int (*clock_gettime_fn)(clockid_t clock, struct timespec *ret_time);

/* The vDSO's clock_gettime, found by whoever can read ELF; NULL: system calls. Called once. */
void clock_use_vdso(clock_gettime_fn vdso_clock_gettime);

/*
 * Nanoseconds of CLOCK_MONOTONIC_COARSE (6 to 8 ns to read, up to two ticks of at most 10 ms
 * behind): the clock of lives and expiry.
 */
uint64_t clock_coarse_ns(void);

/* Nanoseconds of CLOCK_MONOTONIC (28 ns to read): how long a real call took. */
uint64_t clock_precise_ns(void);

/* How far clock_coarse_ns may be behind: two ticks. */
uint64_t clock_coarse_lag_ns(void);

/* Seconds and nanoseconds since 1970, for people. */
struct timespec clock_wall(void);

#endif
