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

/* What the word on the page says. */
enum {
    FORK_PAGE_NEW,
    FORK_PAGE_SETTLED,
    FORK_PAGE_SETTLING, /* this and all above: a thread of the child puts the house in order */
};

/*
 * The second word is a limit, for whoever compares a number with one anyway and so asks both at
 * once: no number is below it in a child that is new.
 */
extern _Atomic uint32_t *fork_page_word __attribute__((visibility("hidden")));

#define FORK_PAGE_WORDS 2
#define FORK_PAGE_LIMIT 1 /* which of them */

/* What the limit is otherwise; until then nothing is below it. */
void fork_page_set_limit(uint32_t limit);

/*
 * A word on the page for somebody who keeps what a child that is new must not find: 0 until he
 * writes it, and in such a child again. NULL: there is no page yet, or no more room on it. It is
 * taken for good.
 */
_Atomic uint64_t *fork_page_take_word(void);

/* Maps the page; 0 or -errno. On kernels before 4.14 a fork handler takes the kernel's place. */
int fork_page_init(void);

/* True in a child whose house is not in order yet. One load on the path of every call. */
static inline bool fork_page_is_new_child(void)
{
    return atomic_load_explicit(fork_page_word, memory_order_relaxed) != FORK_PAGE_SETTLED;
}

/*
 * Of several threads of a new child, exactly one is told true, must put the house in order, and
 * says so with fork_page_settle; the others wait until then. A thread that has left half-way is
 * waited for no longer than FORK_PAGE_PATIENCE_NS: another one is told true then. Called again by
 * who was told true, as from a signal handler, it is false meanwhile.
 */
bool fork_page_acknowledge(void);
void fork_page_settle(void);

#define FORK_PAGE_PATIENCE_NS 1000000000u /* it takes microseconds */

#endif
