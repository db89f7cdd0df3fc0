// SPDX-License-Identifier: MIT
/*
 * The blocks that are out: a table of fixed size in which an address has a place in one group of
 * places, found by its hash. A group that is full takes no more. There is no lock: a place is taken
 * and emptied by one exchange, so that signal handlers, and a child that was forked while another
 * thread was at it, find the table whole; the worst that is lost is a place.
 */
#include "marshal/handed_out.h"
#include "base/arena.h"

#include <errno.h>
#include <stdatomic.h>

#define N_GROUPS   4096
#define GROUP_SIZE 32

#define PLACE_BUSY 1 /* no block has this address: being filled or emptied */

/* 1 KiB; the addresses, which every search reads, lie together. */
struct group {
    _Atomic uintptr_t addresses[GROUP_SIZE]; /* 0: free */
    struct handed_out blocks[GROUP_SIZE];    /* of him who has made the address busy */
};

static struct group *groups;      /* N_GROUPS, or NULL; written by handed_out_init */
static _Atomic uint64_t n_blocks; /* about: an exchange and its count are two steps */

int handed_out_init(void)
{
    if (groups == NULL) {
        groups = pages_map(N_GROUPS * sizeof(*groups));
    }
    return groups == NULL ? -ENOMEM : 0;
}

static struct group *group_of(const void *block)
{
    return &groups[((uint64_t)(uintptr_t)block * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
}

_Static_assert(N_GROUPS == 1 << (64 - 52), "a hash of the upper bits names a group");

/* Makes the place that holds `found` busy; GROUP_SIZE when there is none. */
static uint32_t take_place(struct group *group, uintptr_t found)
{
    for (uint32_t i = 0; i < GROUP_SIZE; i++) {
        uintptr_t expected = found;

        if (atomic_load_explicit(&group->addresses[i], memory_order_relaxed) == found &&
            atomic_compare_exchange_strong_explicit(&group->addresses[i], &expected, PLACE_BUSY,
                                                    memory_order_acquire, memory_order_relaxed)) {
            return i;
        }
    }
    return GROUP_SIZE;
}

bool handed_out_take(void *block, struct handed_out *ret_block)
{
    struct group *group;
    uint32_t i;

    if (block == NULL || handed_out_count() == 0) {
        return false;
    }
    group = group_of(block);
    i = take_place(group, (uintptr_t)block);
    if (i == GROUP_SIZE) {
        return false;
    }
    *ret_block = group->blocks[i];
    atomic_store_explicit(&group->addresses[i], 0, memory_order_release);
    atomic_fetch_sub_explicit(&n_blocks, 1, memory_order_relaxed);
    return true;
}

void handed_out_forget(void *context, void *block)
{
    struct handed_out forgotten;

    handed_out_take(block, &forgotten);
}

int handed_out_add(void *context, const struct config_lifetime *lifetime,
                   const struct config_pointee *pointee, void *block, uint64_t n_elements)
{
    struct group *group = group_of(block);
    uint32_t i;

    handed_out_forget(NULL, block);
    i = take_place(group, 0);
    if (i == GROUP_SIZE) {
        return -ENOSPC;
    }
    /* Before it can be found, so that a count of 0 always means that there is none. */
    atomic_fetch_add_explicit(&n_blocks, 1, memory_order_seq_cst);
    group->blocks[i] = (struct handed_out){lifetime, pointee, n_elements};
    atomic_store_explicit(&group->addresses[i], (uintptr_t)block, memory_order_release);
    return 0;
}

uint64_t handed_out_count(void)
{
    return atomic_load_explicit(&n_blocks, memory_order_relaxed);
}
