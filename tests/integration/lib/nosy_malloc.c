// SPDX-License-Identifier: MIT
/*
 * An allocator for LD_PRELOAD that calls memoized functions each time it is asked for memory: from
 * the loader, before main, inside other functions, and inside memoshim's own start. counted_fail
 * is not memoized and tells how often. The memory is libc's.
 */
#include "counted.h"

#include <math.h>
#include <stddef.h>

/* libc's own; declared by no header. */
void *__libc_malloc(size_t n_bytes);
void *__libc_calloc(size_t n, size_t n_bytes);
void *__libc_realloc(void *block, size_t n_bytes);

void *malloc(size_t n_bytes);
void *calloc(size_t n, size_t n_bytes);
void *realloc(void *block, size_t n_bytes);

static void be_nosy(size_t n_bytes)
{
    long x = (long)(n_bytes % 16);

    counted_fail(0);
    if (counted_square(x) != x * x || counted_length("nosy") != 4 || j0((double)x) > 1) {
        __builtin_trap();
    }
}

void *malloc(size_t n_bytes)
{
    be_nosy(n_bytes);
    return __libc_malloc(n_bytes);
}

void *calloc(size_t n, size_t n_bytes)
{
    be_nosy(n * n_bytes);
    return __libc_calloc(n, n_bytes);
}

void *realloc(void *block, size_t n_bytes)
{
    be_nosy(n_bytes);
    return __libc_realloc(block, n_bytes);
}
