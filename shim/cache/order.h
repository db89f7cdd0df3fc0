// SPDX-License-Identifier: MIT
/*
 * Who was used when: every live slot carries the stamp of its last use, and the oldest is found
 * exactly, without lists. A hit costs two stores near data it has read anyway; whoever must evict
 * collects the oldest sixth or so of the slots and then takes them one by one for as long as their
 * stamps still say what they said: whatever was used or added since is younger than all of them, so
 * the first candidate that still holds is the oldest entry.
 *
 * Policies that need no stamps keep something else in their place. Not locked: the shard's lock, or
 * the only thread, guards it, but for the stamps of entries that are there, which hits give without
 * the lock (beside.h). Key bytes are not seen here.
 */
#ifndef CACHE_ORDER_H
#define CACHE_ORDER_H

#include "cache/stamps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The first words of every slot. Hits without the lock read the hash, and may count in the mark
 * (policy.h) or stamp it; what the lock's holder does is atomic for them, and may undo that. Of a
 * place (table.h) they are one word, the generation, whose upper half is the mark.
 */
struct slot_head {
    uint32_t hash; /* the upper half of the key's hash */
    uint32_t mark; /* the stamp of the last use, or what the policy says; 0: the slot is free */
};

/* At the end of every place there is so much for the policy to link entries. */
#define PLACE_LINKS_BYTES 8

struct order {
    char *slots; /* n_slots times slot_bytes, each beginning with a slot_head */
    uint32_t slot_bytes;
    uint32_t n_slots;
    stamp_clock *clock;      /* of the shard: it outlives the table */
    uint32_t era;            /* how often stamps were given anew */
    uint32_t max_candidates; /* room in candidates */
    uint32_t n_candidates;
    uint32_t next_candidate;
    uint32_t n_sorted;     /* of the candidates; those behind lie in buckets, which ascend */
    uint32_t bucket_shift; /* of one bucket are those that are equal beyond so many bits */
    uint32_t bound;       /* how far the last collection went: nobody is left up to there when it is
                             used up */
    uint32_t width;       /* so much further there are as many as are wanted; 0: not known */
    uint64_t *candidates; /* stamp in the upper half, slot in the lower; or a run */
    uint32_t run_first;   /* the stamp of the run's first place */
    uint32_t n_run, next_in_run; /* of its places; 0: candidates are no run */
    char *stamps;       /* the first slot's; 0 in a slot that is free. NULL: there are none */
    size_t stamp_bytes; /* from one stamp to the next */
    uint32_t *shares;   /* one word for each slot, of policies that have them */
    void *state;        /* the policy's, of this table */
    uint64_t seed;      /* of the policy's draws */
};

/*
 * A quarter of the slots, and at least two: 2 bytes of memory for each slot. A run has a place of
 * half as much for each stamp from its first one on, with the slot that had it, plus one, or 0.
 */
static inline uint32_t order_max_candidates(uint32_t n_slots)
{
    return n_slots / 4 + 2;
}

static inline struct slot_head *order_slot(const struct order *order, uint32_t slot)
{
    return (struct slot_head *)(void *)(order->slots + (size_t)slot * order->slot_bytes);
}

/* The hash, beside hits without the lock, which write it with the stamp, and how it is set. */
static inline uint32_t order_shared_hash(const char *slot)
{
    return __atomic_load_n(&((const struct slot_head *)(const void *)slot)->hash, __ATOMIC_RELAXED);
}

static inline void order_set_hash(struct slot_head *head, uint32_t hash)
{
    __atomic_store_n(&head->hash, hash, __ATOMIC_RELAXED);
}

static inline uint32_t slot_mark(const struct slot_head *head)
{
    return __atomic_load_n(&head->mark, __ATOMIC_RELAXED);
}

static inline void slot_set_mark(struct slot_head *head, uint32_t mark)
{
    __atomic_store_n(&head->mark, mark, __ATOMIC_RELAXED);
}

static inline uint32_t order_mark(const struct order *order, uint32_t slot)
{
    return slot_mark(order_slot(order, slot));
}

static inline void order_set_mark(struct order *order, uint32_t slot, uint32_t mark)
{
    slot_set_mark(order_slot(order, slot), mark);
}

/* In an order that has stamps; 0: the slot is free. */
static inline uint32_t order_stamp_at(const char *stamp)
{
    return __atomic_load_n((const uint32_t *)(const void *)stamp, __ATOMIC_RELAXED);
}

static inline uint32_t order_stamp_of(const struct order *order, uint32_t slot)
{
    return order_stamp_at(order->stamps + slot * order->stamp_bytes);
}

static inline void order_set_stamp(struct order *order, uint32_t slot, uint32_t stamp)
{
    char *at = order->stamps + slot * order->stamp_bytes;

    __atomic_store_n((uint32_t *)(void *)at, stamp, __ATOMIC_RELAXED);
}

/* Of a table whose entries were moved to a larger one: where the entry of this slot is now. */
static inline uint32_t order_moved_to(const struct order *from, uint32_t slot)
{
    return order_shared_hash((const char *)order_slot(from, slot));
}

/*
 * Gives the first stamps of the next era to the live slots in the order of theirs: every 2^31 uses.
 * With threads only within a change, as order_oldest.
 */
void order_renumber(struct order *order);

/* Ascending, in place; qsort may call malloc. */
void order_sort(uint64_t *values, uint32_t n);

/* The next stamp, within a change. */
static inline uint32_t order_next_stamp(struct order *order)
{
    uint32_t stamp;

    while (!stamp_take(order->clock, &stamp)) {
        order_renumber(order);
    }
    return stamp;
}

/* The slot is the most recently used one, by the stamp in its head. Within a change. */
static inline void order_stamp(struct order *order, struct slot_head *head)
{
    slot_set_mark(head, order_next_stamp(order));
}

/*
 * The same of an entry that is hit, under the lock, which no change has to be for: hits without it
 * may stamp it, too, and the newest counts. False: the era is over.
 */
static inline bool order_stamp_hit(struct order *order, struct slot_head *head)
{
    uint32_t stamp, mark;

    if (!stamp_take(order->clock, &stamp)) {
        return false;
    }
    if (__libc_single_threaded) {
        slot_set_mark(head, stamp);
        return true;
    }
    mark = slot_mark(head);
    while (mark < stamp && !__atomic_compare_exchange_n(&head->mark, &mark, stamp, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return true;
}

typedef uint32_t __attribute__((may_alias)) order_place;

static inline order_place *order_run(const struct order *order)
{
    return (order_place *)order->candidates;
}

/* order_oldest when the next place of a run does not say it. */
bool order_find_oldest(struct order *order, uint32_t *ret_slot);

/*
 * The live slot with the smallest stamp; false when there is none. It stays the next candidate
 * until its stamp changes. With threads only within a change, which hits without the lock see.
 */
static inline bool order_oldest(struct order *order, uint32_t *ret_slot)
{
    uint32_t i = order->next_in_run, link;

    if (__builtin_expect(i < order->n_run, 1)) {
        link = order_run(order)[i];
        *ret_slot = link - 1;
        if (__builtin_expect(link != 0 && order_stamp_of(order, link - 1) == order->run_first + i,
                             1)) {
            return true;
        }
    }
    return order_find_oldest(order, ret_slot);
}

/*
 * The slot that order_oldest has just found goes: the next look need not find that out. Whose turn
 * is next is brought near.
 */
static inline void order_drop_oldest(struct order *order)
{
    uintptr_t slot;

    order->next_in_run += order->n_run != 0;
    if (__builtin_expect(order->next_in_run < order->n_run, 1)) {
        slot = (uintptr_t)order->slots +
               (uintptr_t)(order_run(order)[order->next_in_run] - 1) * order->slot_bytes;
        __builtin_prefetch((const void *)slot, 1);
    }
}

#endif
