// SPDX-License-Identifier: MIT
#include "weighed.h"

static long n_first, n_steps;

static long real_first(long x)
{
    n_first++;
    for (long i = 0; i < n_steps; i++) {
        __asm__ volatile("" ::: "memory");
    }
    return 3 * x;
}

long weighed_first(long x) __attribute__((alias("real_first")));

long weighed_second(long x)
{
    for (long i = 0; i < 10000; i++) {
        __asm__ volatile("" ::: "memory");
    }
    return 5 * x;
}

void weighed_set_steps(long steps)
{
    n_steps = steps;
}

long weighed_count_first(void)
{
    return n_first;
}

weighed_fn weighed_real_first(void)
{
    return real_first;
}
