// SPDX-License-Identifier: MIT
#include "base/fork_page.h"

#include "base/arena.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

/* Until fork_page_init has run there is nothing to detect. */
static _Atomic uint32_t no_page = 1;

/* Written by fork_page_init, before other threads exist. */
_Atomic uint32_t *fork_page_word = &no_page;

static void wipe_in_child(void)
{
    atomic_store_explicit(fork_page_word, 0, memory_order_relaxed);
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
    error = pthread_atfork(NULL, NULL, wipe_in_child);
    if (error != 0 && !is_wiped) {
        pages_unmap((void *)word, n_bytes);
        return -error;
    }
    atomic_store_explicit(word, 1, memory_order_relaxed);
    fork_page_word = word;
    return 0;
}

bool fork_page_acknowledge(void)
{
    uint32_t expected = 0;

    return atomic_compare_exchange_strong_explicit(fork_page_word, &expected, 1,
                                                   memory_order_acq_rel, memory_order_relaxed);
}
