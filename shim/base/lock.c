// SPDX-License-Identifier: MIT
/*
 * Three-state futex mutex (U. Drepper, "Futexes Are Tricky", mutex 2): state 2 is set by whoever
 * goes to sleep, so that an uncontended release is one exchange and no system call.
 */
#include "base/lock.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __thread char thread_identity;

const void *thread_self(void)
{
    return &thread_identity;
}

bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec relative = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                                .tv_nsec = (long)(timeout_ns % 1000000000u)};
    int saved_errno = errno;
    long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                          timeout_ns == UINT64_MAX ? NULL : &relative, NULL, 0);
    bool timed_out = result != 0 && errno == ETIMEDOUT;

    errno = saved_errno;
    return !timed_out;
}

void futex_wake(_Atomic uint32_t *word, int n_waiters)
{
    int saved_errno = errno;

    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n_waiters, NULL, NULL, 0);
    errno = saved_errno;
}

#if MEMOSHIM_CHECKS
/* Bit r: this thread holds a lock of rank r. */
static __thread uint32_t held_ranks;

static void note_acquired(struct lock *lock)
{
    uint32_t bit = 1u << lock->rank;

    assert((held_ranks & ~(bit - 1)) == 0 && "a lock of this rank or an inner one is held");
    held_ranks |= bit;
    lock->owner = thread_self();
}

static void note_releasing(struct lock *lock)
{
    assert(lock->owner == thread_self() && "released by a thread that does not hold it");
    lock->owner = NULL;
    held_ranks &= ~(1u << lock->rank);
}

void lock_assert_held(const struct lock *lock)
{
    assert(lock->owner == thread_self());
}

void lock_assert_none_held(void)
{
    assert(held_ranks == 0);
}
#else
static void note_acquired(struct lock *lock)
{
}

static void note_releasing(struct lock *lock)
{
}

void lock_assert_held(const struct lock *lock)
{
}

void lock_assert_none_held(void)
{
}
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
    atomic_store_explicit(&lock->state, 0, memory_order_relaxed);
#if MEMOSHIM_CHECKS
    lock->rank = rank;
    lock->owner = NULL;
#endif
}

bool lock_try_acquire(struct lock *lock)
{
    uint32_t expected = 0;

    if (!atomic_compare_exchange_strong_explicit(&lock->state, &expected, 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return false;
    }
    note_acquired(lock);
    return true;
}

void lock_acquire(struct lock *lock)
{
    uint32_t expected = 0;

    if (!atomic_compare_exchange_strong_explicit(&lock->state, &expected, 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0) {
            futex_wait(&lock->state, 2, UINT64_MAX);
        }
    }
    note_acquired(lock);
}

void lock_release(struct lock *lock)
{
    note_releasing(lock);
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) {
        futex_wake(&lock->state, 1);
    }
}

bool lock_is_held(const struct lock *lock)
{
    return atomic_load_explicit(&lock->state, memory_order_relaxed) != 0;
}
