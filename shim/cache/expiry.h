// SPDX-License-Identifier: MIT
/*
 * Which entry dies next: a binary heap of slots by the time each expires, whatever the policy does.
 * A heap, so that the first to expire is exact too when every entry has a life of its own, or when
 * the clock was set back. It takes 8 bytes for an entry, as the links of a timer wheel would; to
 * take the first and add another costs 45 ns at 1,024 entries with one life for all, 60 with lives
 * that differ, 125 at 32,768, beside a real call. Only caches with lives have one.
 *
 * An entry whose life is renewed by use has its place by an end that it has outlived perhaps: a hit
 * writes down its time and nothing else, and whoever looks for what has expired finds out and moves
 * it back. So that is bounded, and a hit moves nothing.
 *
 * Not locked: the shard's lock guards it. The atomic words are also read, and used_ns written, by
 * hits.
 */
#ifndef CACHE_EXPIRY_H
#define CACHE_EXPIRY_H

#include "cache/cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a slot of a cache with lives keeps what belongs here. */
struct slot_life {
    _Atomic uint64_t expires_ns; /* seen while now < expires_ns; of idle lives, at least so long */
    uint32_t heap_at : 31;       /* its place in the heap */
    uint32_t is_failure : 1;     /* of no use once it has expired */
    _Atomic uint32_t early;      /* refresh_pack of delta * beta; 0: not refreshed early */
};

/* Behind it in a cache whose entries also end so long after their last use. */
struct slot_use {
    _Atomic uint64_t used_ns;
    _Atomic uint64_t end_ns; /* however often it is used */
};

struct expiry {
    char *slots;
    uint32_t slot_bytes;
    uint32_t life_at;  /* offset of slot_life in a slot */
    uint64_t idle_ns;  /* 0: slots have no slot_use */
    uint64_t stale_ns; /* how long after its end an entry may still be of use */
    uint32_t n;
    uint32_t *heap; /* slots, the first to expire in front; room for every slot */
};

static inline struct slot_life *expiry_life(const struct expiry *expiry, uint32_t slot)
{
    return (struct slot_life *)(void *)(expiry->slots + (size_t)slot * expiry->slot_bytes +
                                        expiry->life_at);
}

static inline struct slot_use *expiry_use(const struct expiry *expiry, uint32_t slot)
{
    return (struct slot_use *)(expiry_life(expiry, slot) + 1);
}

/* When the entry expires, as things stand. */
uint64_t expiry_end_ns(const struct expiry *expiry, uint32_t slot);

/* When it expires however often it is used. */
static inline uint64_t expiry_last_ns(const struct expiry *expiry, uint32_t slot)
{
    return expiry->idle_ns != 0
               ? atomic_load_explicit(&expiry_use(expiry, slot)->end_ns, memory_order_relaxed)
               : atomic_load_explicit(&expiry_life(expiry, slot)->expires_ns, memory_order_relaxed);
}

static inline bool expiry_is_alive(const struct expiry *expiry, uint32_t slot, uint64_t now_ns)
{
    return now_ns <
               atomic_load_explicit(&expiry_life(expiry, slot)->expires_ns, memory_order_relaxed) ||
           (expiry->idle_ns != 0 && now_ns < expiry_end_ns(expiry, slot));
}

/* The entry is used. A clock that is set back takes nothing off a life. */
static inline void expiry_note_use(const struct expiry *expiry, uint32_t slot, uint64_t now_ns)
{
    if (expiry->idle_ns != 0) {
        _Atomic uint64_t *used_ns = &expiry_use(expiry, slot)->used_ns;

        if (atomic_load_explicit(used_ns, memory_order_relaxed) < now_ns) {
            atomic_store_explicit(used_ns, now_ns, memory_order_relaxed);
        }
    }
}

void expiry_add(struct expiry *expiry, uint32_t slot, uint64_t now_ns,
                const struct cache_life *life);
void expiry_remove(struct expiry *expiry, uint32_t slot);

/* No entry expires before that; UINT64_MAX when there is none. */
uint64_t expiry_next_ns(const struct expiry *expiry);

/*
 * The slot that expires first, if it has expired at now_ns. Finds out about at most max_outlived
 * entries that they were used, and then says that there is none.
 */
bool expiry_first_expired(struct expiry *expiry, uint64_t now_ns, uint32_t max_outlived,
                          uint32_t *ret_slot);

/* Of an entry that has expired: it is of no use any more. */
bool expiry_is_spent(const struct expiry *expiry, uint32_t slot, uint64_t now_ns);

/* 0, or -EUCLEAN when the heap is out of order or points to the wrong slots. */
int expiry_check(const struct expiry *expiry);

#endif
