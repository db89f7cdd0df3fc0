// SPDX-License-Identifier: MIT
/*
 * Futex mutex after U. Drepper, "Futexes Are Tricky", mutex 2: "contended" is set by whoever goes
 * to sleep, so that an uncontended release is one exchange and no system call. Ours adds a state
 * for a lock whose holder will not come back, which must never hang the program.
 */
#include "base/lock.h"

#include "base/clock.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__thread char lock_thread_identity;

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
static __thread uint64_t n_acquired;

void lock_note_acquired(struct lock *lock)
{
    uint32_t bit = 1u << lock->rank;

    assert((held_ranks & ~(bit - 1)) == 0 && "a lock of this rank or an inner one is held");
    held_ranks |= bit;
    lock->owner = thread_self();
    n_acquired++;
}

uint64_t lock_count_acquired(void)
{
    return n_acquired;
}

void lock_note_releasing(struct lock *lock)
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
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
    atomic_store_explicit(&lock->state, LOCK_FREE, memory_order_relaxed);
#if MEMOSHIM_CHECKS
    lock->rank = rank;
    lock->owner = NULL;
#endif
}

static bool lock_wait(struct lock *lock)
{
    uint64_t deadline_ns = clock_precise_ns() + LOCK_PATIENCE_NS;

    for (;;) {
        uint32_t state = LOCK_FREE;
        uint64_t now_ns;

        /* Taken as contended, since others may sleep that this thread knows nothing of. */
        if (atomic_compare_exchange_strong_explicit(&lock->state, &state, LOCK_CONTENDED,
                                                    memory_order_acquire, memory_order_relaxed)) {
            return true;
        }
        if (state == LOCK_ABANDONED) {
            return false;
        }
        if (state == LOCK_HELD &&
            !atomic_compare_exchange_strong_explicit(&lock->state, &state, LOCK_CONTENDED,
                                                     memory_order_relaxed, memory_order_relaxed)) {
            continue;
        }
        now_ns = clock_precise_ns();
        if (now_ns < deadline_ns) {
            futex_wait(&lock->state, LOCK_CONTENDED, deadline_ns - now_ns);
            continue;
        }
        state = LOCK_CONTENDED;
        if (atomic_compare_exchange_strong_explicit(&lock->state, &state, LOCK_ABANDONED,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            futex_wake(&lock->state, INT_MAX);
            return false;
        }
    }
}

bool lock_acquire_contended(struct lock *lock)
{
    if (!lock_wait(lock)) {
        return false;
    }
    lock_note_acquired(lock);
    return true;
}

void lock_wake(struct lock *lock)
{
    futex_wake(&lock->state, 1);
}
