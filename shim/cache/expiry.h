// SPDX-License-Identifier: MIT
/*
 * Which entry dies next: a binary heap of slots by the time each expires, whatever the policy does.
 * A heap and not a list, so that the first to expire is exact too when every entry has a life of
 * its own, or when the clock was set back. With one life for all, a new entry expires last and
 * adding it moves nothing. Only caches with lives have one.
 *
 * Not locked: the shard's lock guards it.
 */
#ifndef CACHE_EXPIRY_H
#define CACHE_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a slot of a cache with lives keeps what belongs here. */
struct slot_life {
    uint64_t expires_ns; /* visible while now < expires_ns */
    uint32_t heap_at;    /* its place in the heap */
    uint32_t spare;
};

struct expiry {
    char *slots;
    uint32_t slot_bytes;
    uint32_t life_at; /* offset of slot_life in a slot */
    uint32_t n;
    uint32_t *heap; /* slots, the first to expire in front; room for every slot */
};

static inline struct slot_life *expiry_life(const struct expiry *expiry, uint32_t slot)
{
    return (struct slot_life *)(void *)(expiry->slots + (size_t)slot * expiry->slot_bytes +
                                        expiry->life_at);
}

void expiry_add(struct expiry *expiry, uint32_t slot, uint64_t expires_ns);
void expiry_remove(struct expiry *expiry, uint32_t slot);

/* When the first entry expires; UINT64_MAX when there is none. */
uint64_t expiry_next_ns(const struct expiry *expiry);

/* The slot that expires first, if it has expired at now_ns. */
bool expiry_first_expired(const struct expiry *expiry, uint64_t now_ns, uint32_t *ret_slot);

/* 0, or -EUCLEAN when the heap is out of order or points to the wrong slots. */
int expiry_check(const struct expiry *expiry);

#endif
