// SPDX-License-Identifier: MIT
/*
 * Where "static" results live: one block for each function, or group of functions, and thread, so
 * that a pointer handed
 * out stays good until the thread calls that function again, as with the real one. A block that
 * became too small is kept: a program that looks at an old result finds old text, not a page that
 * is gone. Each is at least twice its predecessor, so the old ones never add up to more than the
 * last.
 *
 * A result may outlive its thread: the real function's buffer does, and a thread may have left it
 * to another. So the blocks of a thread that ends go to the next thread that asks, and never back
 * to the kernel; there are as many sets of them as threads that had one at the same time.
 */
#include "base/guard.h"
#include "base/lock.h"
#include "marshal/marshal_private.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

/* Stands before its data. */
struct thread_block {
    struct thread_block *previous; /* smaller, kept for pointers into it */
    size_t n_bytes;                /* of the mapping, this header included */
};

_Static_assert(sizeof(struct thread_block) % 16 == 0, "data is aligned for any type");

/* The blocks of one thread. */
struct thread_set {
    struct thread_set *next; /* while it is spare */
    struct thread_block *blocks[THREAD_MEMORY_MAX_SLOTS];
};

/* Of this thread; NULL until its first static result, and again after thread_memory_leave. */
static __thread struct thread_set *thread_set;

/* How often thread_memory_leave was called at the end of this thread. */
static __thread unsigned n_end_rounds;

/* Written by thread_memory_init, before other threads exist. */
static pthread_key_t thread_end_key;

/* Written while plans are made, by one thread. */
static uint32_t n_slots;
static const char *groups[THREAD_MEMORY_MAX_SLOTS]; /* by slot; NULL: of one function */

/* Of threads that have ended. */
static struct {
    struct lock lock;
    struct thread_set *first; /* guarded by lock */
} spare = {.lock = LOCK_INITIALIZER(LOCK_RANK_MEMORY)};

/* Lost when the lock is not free soon: one more set will be mapped then. */
static void set_give(struct thread_set *set)
{
    if (lock_acquire(&spare.lock)) {
        set->next = spare.first;
        spare.first = set;
        lock_release(&spare.lock);
    }
}

static void thread_memory_leave(void *set_of_thread)
{
    struct thread_set *set = set_of_thread;

    /*
     * Our key is older than the program's, so this comes before its destructors, which may still
     * look at an old result. The value is set anew until the last round that there is. Memory that
     * such a destructor was the first to ask for may miss that round; then it stays.
     */
    if (++n_end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS &&
        pthread_setspecific(thread_end_key, set) == 0) {
        return;
    }
    if (memoshim_guard != 0) {
        return; /* it ends in a signal handler that came while it held who knows which lock */
    }
    guard_enter(); /* no signal handler comes here while the lock is held */
    thread_set = NULL;
    set_give(set);
    guard_leave();
}

/* One that is spare, or a new one. */
static struct thread_set *set_take(void)
{
    struct thread_set *set = NULL;

    /* In a forked child the lock may be one that nobody will release. */
    if (lock_try_acquire(&spare.lock)) {
        set = spare.first;
        if (set != NULL) {
            spare.first = set->next;
        }
        lock_release(&spare.lock);
    }
    return set != NULL ? set : pages_map(sizeof(*set));
}

int thread_memory_init(void)
{
    return -pthread_key_create(&thread_end_key, thread_memory_leave);
}

uint32_t thread_memory_new_slot(void)
{
    return n_slots < THREAD_MEMORY_MAX_SLOTS ? n_slots++ : THREAD_MEMORY_MAX_SLOTS;
}

uint32_t thread_memory_group_slot(const char *group)
{
    uint32_t slot = 0;

    while (slot < n_slots && (groups[slot] == NULL || strcmp(groups[slot], group) != 0)) {
        slot++;
    }
    if (slot == n_slots) {
        slot = thread_memory_new_slot();
        if (slot != THREAD_MEMORY_MAX_SLOTS) {
            groups[slot] = group;
        }
    }
    return slot;
}

/* Where there is no memory yet, or too little. Keeps errno, since a hit does not look at it. */
__attribute__((noinline)) static void *obtain(uint32_t slot, size_t n_bytes)
{
    size_t page = pages_size(), wanted;
    struct thread_block *block;
    int saved_errno = errno;

    if (thread_set == NULL) {
        struct thread_set *set = set_take();

        if (set == NULL) {
            errno = saved_errno;
            return NULL;
        }
        if (pthread_setspecific(thread_end_key, set) != 0) {
            set_give(set);
            errno = saved_errno;
            return NULL;
        }
        thread_set = set;
    }
    block = thread_set->blocks[slot];
    if (block == NULL || block->n_bytes - sizeof(*block) < n_bytes) {
        wanted = (sizeof(*block) + n_bytes + page - 1) / page * page;
        if (block != NULL && wanted < 2 * block->n_bytes) {
            wanted = 2 * block->n_bytes;
        }
        block = pages_map(wanted);
        errno = saved_errno;
        if (block == NULL) {
            return NULL;
        }
        block->previous = thread_set->blocks[slot];
        block->n_bytes = wanted;
        thread_set->blocks[slot] = block;
    }
    errno = saved_errno;
    return block + 1;
}

void *thread_memory_get(uint32_t slot, size_t n_bytes)
{
    struct thread_block *block = thread_set == NULL ? NULL : thread_set->blocks[slot];

    return __builtin_expect(block != NULL && block->n_bytes - sizeof(*block) >= n_bytes, 1)
               ? block + 1
               : obtain(slot, n_bytes);
}
