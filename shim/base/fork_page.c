// SPDX-License-Identifier: MIT
#include "base/fork_page.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/foreign_libc.h"
#include "base/lock.h"
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

/* Until fork_page_init has run there is nothing to detect. */
static _Atomic uint32_t no_page[FORK_PAGE_WORDS] = {FORK_PAGE_SETTLED};

/* Written by fork_page_init, before other threads exist. */
_Atomic uint32_t *fork_page_word = no_page;

static _Atomic uint32_t settled_limit; /* written by fork_page_set_limit */

static void put_limit(uint32_t limit)
{
    atomic_store_explicit(fork_page_word + FORK_PAGE_LIMIT, limit, memory_order_relaxed);
}

void fork_page_set_limit(uint32_t limit)
{
    atomic_store_explicit(&settled_limit, limit, memory_order_relaxed);
    if (!fork_page_is_new_child()) {
        put_limit(limit);
    }
}

/* Of those behind the first two so many are taken; n_room: there are no more. */
static _Atomic uint32_t n_taken;

static uint32_t n_room(void)
{
    return (uint32_t)(pages_size() / sizeof(uint64_t)) - 1;
}

static _Atomic uint64_t *word_at(uint32_t i)
{
    return (_Atomic uint64_t *)(void *)(fork_page_word + FORK_PAGE_WORDS) + i;
}

_Atomic uint64_t *fork_page_take_word(void)
{
    uint32_t i = atomic_load_explicit(&n_taken, memory_order_relaxed);

    do {
        if (fork_page_word == no_page || i == n_room()) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&n_taken, &i, i + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return word_at(i);
}

static void wipe_in_child(void)
{
    for (uint32_t i = 0; i < atomic_load_explicit(&n_taken, memory_order_relaxed); i++) {
        atomic_store_explicit(word_at(i), 0, memory_order_relaxed);
    }
    put_limit(0);
    atomic_store_explicit(fork_page_word, FORK_PAGE_NEW, memory_order_relaxed);
}

int fork_page_init(void)
{
    size_t n_bytes = pages_size();
    _Atomic uint32_t *word = pages_map(n_bytes);
    int saved_errno = errno, error;
    bool is_wiped;

    if (word == NULL) {
        return -ENOMEM;
    }
    is_wiped = madvise((void *)word, n_bytes, MADV_WIPEONFORK) == 0;
    errno = saved_errno;
    /* In any case: emulators of the kernel say yes and do nothing. */
    error = __register_atfork(NULL, NULL, wipe_in_child, NULL);
    if (error != 0 && !is_wiped) {
        pages_unmap((void *)word, n_bytes);
        return -error;
    }
    atomic_store_explicit(word, FORK_PAGE_SETTLED, memory_order_relaxed);
    fork_page_word = word;
    put_limit(atomic_load_explicit(&settled_limit, memory_order_relaxed));
    return 0;
}

static _Atomic uint64_t began_ns; /* to put the house in order; written before the word */
static __thread bool is_settling; /* this thread does */

bool fork_page_acknowledge(void)
{
    for (;;) {
        uint32_t state = atomic_load_explicit(fork_page_word, memory_order_acquire);
        uint64_t now_ns = clock_precise_ns();
        bool was_settling = is_settling;

        if (state == FORK_PAGE_SETTLED) {
            return false;
        }
        if (state != FORK_PAGE_NEW) {
            uint64_t passed_ns = now_ns - atomic_load_explicit(&began_ns, memory_order_relaxed);

            if (passed_ns < FORK_PAGE_PATIENCE_NS) {
                if (is_settling) {
                    return false;
                }
                futex_wait(fork_page_word, state, FORK_PAGE_PATIENCE_NS - passed_ns);
                continue;
            }
        }
        atomic_store_explicit(&began_ns, now_ns, memory_order_relaxed);
        is_settling = true; /* for a handler that comes at once */
        if (atomic_compare_exchange_strong_explicit(
                fork_page_word, &state, state == FORK_PAGE_NEW ? FORK_PAGE_SETTLING : state + 1,
                memory_order_acq_rel, memory_order_relaxed)) {
            return true;
        }
        is_settling = was_settling;
    }
}

void fork_page_settle(void)
{
    is_settling = false;
    put_limit(atomic_load_explicit(&settled_limit, memory_order_relaxed));
    atomic_store_explicit(fork_page_word, FORK_PAGE_SETTLED, memory_order_release);
    if (!__libc_single_threaded) {
        futex_wake(fork_page_word, INT_MAX);
    }
}
