// SPDX-License-Identifier: MIT
/*
 * The one kind of lock: four bytes, a futex, about 5 ns and no call uncontended (a pthread_mutex
 * takes 11), and less while libc says that the process has one thread (alone.h). It
 * sleeps under contention and never spins for long, because the holder may be preempted inside
 * somebody else's real-time thread. Waiting is not a cancellation point and leaves errno alone.
 *
 * Every lock has a rank from lock_ranks.def. Builds with MEMOSHIM_CHECKS verify the order and the
 * owner; others pay nothing for it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/foreign_libc.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
#define LOCK_RANK(name, text) LOCK_RANK_##name,
#include "base/lock_ranks.def"
#undef LOCK_RANK
    LOCK_RANK_COUNT
};

enum lock_state {
    LOCK_FREE,
    LOCK_HELD,
    LOCK_CONTENDED, /* held, and somebody may sleep */
    LOCK_ABANDONED, /* held by a thread that left our code half-way; until it releases after all */
};

/* So long nobody holds a lock: critical sections take microseconds, the longest some 10 ms. */
#define LOCK_PATIENCE_NS 1000000000u

struct lock {
    _Atomic uint32_t state; /* enum lock_state */
#if MEMOSHIM_CHECKS
    enum lock_rank rank;
    const void *owner; /* thread_self() of the holder; guarded by the lock itself */
#endif
};

/* Identity of the calling thread: an address that no other live thread of the process has. */
extern __thread char lock_thread_identity;

static inline const void *thread_self(void)
{
    return &lock_thread_identity;
}

/* A free lock, for static storage. */
#if MEMOSHIM_CHECKS
#define LOCK_INITIALIZER(lock_rank) \
    {                               \
        .rank = (lock_rank)         \
    }
#else
#define LOCK_INITIALIZER(lock_rank) \
    {                               \
        0                           \
    }
#endif

/* A free lock. Also what a forked child does to every lock, since its holder is gone. */
void lock_init(struct lock *lock, enum lock_rank rank);

/* What lock_acquire and lock_release do when others are there as well. */
bool lock_acquire_contended(struct lock *lock);
void lock_wake(struct lock *lock);

#if MEMOSHIM_CHECKS
void lock_note_acquired(struct lock *lock);
void lock_note_releasing(struct lock *lock);

/* How often this thread has acquired a lock: what a test holds against a path that takes none. */
uint64_t lock_count_acquired(void);
#else
static inline void lock_note_acquired(struct lock *lock)
{
}

static inline void lock_note_releasing(struct lock *lock)
{
}
#endif

__attribute__((warn_unused_result)) static inline bool lock_try_acquire(struct lock *lock)
{
    uint32_t expected = LOCK_FREE;

    if (__libc_single_threaded) {
        if (atomic_load_explicit(&lock->state, memory_order_relaxed) != LOCK_FREE) {
            return false;
        }
        atomic_store_explicit(&lock->state, LOCK_HELD, memory_order_relaxed);
    } else if (!atomic_compare_exchange_strong_explicit(&lock->state, &expected, LOCK_HELD,
                                                        memory_order_acquire,
                                                        memory_order_relaxed)) {
        return false;
    }
    lock_note_acquired(lock);
    return true;
}

/*
 * Waits for the lock. False when its holder seems to be gone: a thread that was interrupted inside
 * the shim by a handler which left with siglongjmp, or that was cancelled asynchronously. The first
 * to find out waits LOCK_PATIENCE_NS, everybody after it not at all. The caller does without what
 * the lock guards; should the holder release after all, the lock is as good as new.
 */
__attribute__((warn_unused_result)) static inline bool lock_acquire(struct lock *lock)
{
    return lock_try_acquire(lock) || lock_acquire_contended(lock);
}

static inline void lock_release(struct lock *lock)
{
    lock_note_releasing(lock);
    if (__libc_single_threaded &&
        atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_HELD) {
        atomic_store_explicit(&lock->state, LOCK_FREE, memory_order_release);
        return;
    }
    if (atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) == LOCK_CONTENDED) {
        lock_wake(lock);
    }
}

/* True while anybody holds it. In a forked child: true means that the holder did not survive. */
static inline bool lock_is_held(const struct lock *lock)
{
    return atomic_load_explicit(&lock->state, memory_order_relaxed) != LOCK_FREE;
}

/* First statement of every function named *_locked. */
#if MEMOSHIM_CHECKS
void lock_assert_held(const struct lock *lock);
#else
static inline void lock_assert_held(const struct lock *lock)
{
}
#endif

/* No lock is held by this thread: asserted before the program's code is called. */
#if MEMOSHIM_CHECKS
void lock_assert_none_held(void);
#else
static inline void lock_assert_none_held(void)
{
}
#endif

/*
 * Sleeps while *word holds expected, at most timeout_ns (UINT64_MAX: no bound). Returns false only
 * when the time ran out; may return true early, so test your condition again. futex_wake wakes up
 * to n_waiters sleepers of this process.
 */
bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void futex_wake(_Atomic uint32_t *word, int n_waiters);

#endif
