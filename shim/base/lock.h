// SPDX-License-Identifier: MIT
/*
 * The one kind of lock: four bytes, a futex, about 5 ns uncontended (a pthread_mutex takes 11). It
 * sleeps under contention and never spins for long, because the holder may be preempted inside
 * somebody else's real-time thread. Waiting is not a cancellation point and leaves errno alone.
 *
 * Every lock has a rank from lock_ranks.def. Builds with MEMOSHIM_CHECKS verify the order and the
 * owner; others pay nothing for it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

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
const void *thread_self(void);

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

/*
 * Waits for the lock. False when its holder seems to be gone: a thread that was interrupted inside
 * the shim by a handler which left with siglongjmp, or that was cancelled asynchronously. The first
 * to find out waits LOCK_PATIENCE_NS, everybody after it not at all. The caller does without what
 * the lock guards; should the holder release after all, the lock is as good as new.
 */
__attribute__((warn_unused_result)) bool lock_acquire(struct lock *lock);
__attribute__((warn_unused_result)) bool lock_try_acquire(struct lock *lock);
void lock_release(struct lock *lock);

/* True while anybody holds it. In a forked child: true means that the holder did not survive. */
bool lock_is_held(const struct lock *lock);

/* First statement of every function named *_locked. */
void lock_assert_held(const struct lock *lock);

/* No lock is held by this thread: asserted before the program's code is called. */
void lock_assert_none_held(void);

/*
 * Sleeps while *word holds expected, at most timeout_ns (UINT64_MAX: no bound). Returns false only
 * when the time ran out; may return true early, so test your condition again. futex_wake wakes up
 * to n_waiters sleepers of this process.
 */
bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void futex_wake(_Atomic uint32_t *word, int n_waiters);

#endif
