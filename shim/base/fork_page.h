// SPDX-License-Identifier: MIT
/*
 * Tells a forked child that it is one. fork runs handlers, but _Fork, raw clone and other preloads
 * do not; the kernel wipes a MADV_WIPEONFORK page for all of them alike. vfork and clone(CLONE_VM)
 * share the parent's memory, so their child is, rightly, not told.
 */
#ifndef BASE_FORK_PAGE_H
#define BASE_FORK_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The word on the page: 1 in a process that has acknowledged itself, 0 in a new child. */
extern _Atomic uint32_t *fork_page_word __attribute__((visibility("hidden")));

/* Maps the page; 0 or -errno. On kernels before 4.14 a fork handler takes the kernel's place. */
int fork_page_init(void);

/* True in a child that nobody has acknowledged yet. One load on the path of every call. */
static inline bool fork_page_is_new_child(void)
{
    return atomic_load_explicit(fork_page_word, memory_order_relaxed) == 0;
}

/* Of several threads of a new child, exactly one is told true and must put the house in order. */
bool fork_page_acknowledge(void);

#endif
