// SPDX-License-Identifier: MIT
/*
 * Counts that threads share, where adding need not be atomic: an atomic addition takes some 5 ns,
 * and while libc says that the process has one thread, a load and a store will do. Nothing comes
 * between the two, because whoever counts holds the re-entrancy guard, so that a signal handler's
 * calls do not reach us; and creating a thread orders what was stored before it.
 */
#ifndef BASE_ALONE_H
#define BASE_ALONE_H

#include "base/foreign_libc.h"
#include <stdatomic.h>
#include <stdint.h>

/*
 * Of what others might be writing, or reading, if there were any. Unlike an atomic load this may
 * become a part of the instruction that uses it.
 */
typedef uint64_t __attribute__((may_alias)) alone_word;
typedef uint32_t __attribute__((may_alias)) alone_half;

static inline uint64_t alone_load(const volatile void *at)
{
    return *(const alone_word *)at;
}

static inline void alone_store(volatile void *at, uint64_t word)
{
    *(alone_word *)at = word;
}

static inline uint32_t alone_load_half(const volatile void *at)
{
    return *(const alone_half *)at;
}

/* Adds (modulo 2^64: subtracts), in no order with anything else. Returns the sum. */
static inline uint64_t alone_add(_Atomic uint64_t *count, uint64_t amount)
{
    uint64_t sum;

    if (!__libc_single_threaded) {
        return atomic_fetch_add_explicit(count, amount, memory_order_relaxed) + amount;
    }
    sum = atomic_load_explicit(count, memory_order_relaxed) + amount;
    atomic_store_explicit(count, sum, memory_order_relaxed);
    return sum;
}

static inline void alone_subtract(_Atomic uint64_t *count, uint64_t amount)
{
    alone_add(count, (uint64_t)0 - amount);
}

#endif
