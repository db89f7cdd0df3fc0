// SPDX-License-Identifier: MIT
/*
 * The contract of an eviction policy: a const struct of a few functions, called while nobody else
 * can touch the shard. A policy never allocates, locks, logs or sees key bytes: it works on the
 * order alone, on memory that the table holds for it. Lives are not its business either: what has
 * expired is removed before it is asked.
 *
 * Memory: the mark in the head of every slot, a share of one word for each slot, a state for each
 * table. The mark of a slot that was just filled is 0, the rest begins as zeroes. A table that
 * grows gets new memory and new slot numbers: on_move carries over what has to be; marks have been
 * copied by then.
 */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include "cache/order.h"
#include "cache/shared.h"

/* What a hit does to the order. All but the last is done by the hit path itself. */
enum policy_hit {
    POLICY_HIT_STAMPS,  /* the mark is the next stamp */
    POLICY_HIT_NOTHING, /* the order is that of arrival, or none */
    POLICY_HIT_COUNTS,  /* the mark is counted up; its lowest bits, max_count, are the count */
    POLICY_HIT_MOVES,   /* on_hit */
};

/* A hit counts, where nobody else can. */
static inline void policy_count_alone(struct slot_head *head, uint32_t max_count)
{
    uint32_t mark = slot_mark(head);

    if ((mark & max_count) != max_count) {
        slot_set_mark(head, mark + 1);
    }
}

/*
 * A hit without the lock counts, if nobody changes the mark meanwhile: perhaps the hit of an entry
 * that has just gone, and then its successor's in the slot.
 */
static inline void policy_count_shared(struct slot_head *head, uint32_t max_count)
{
    shared_count(&head->mark, max_count);
}

/* Where the stamps are. */
enum policy_stamps {
    POLICY_STAMPS_NONE,
    POLICY_STAMPS_ARE_MARKS,  /* and there is room for candidates */
    POLICY_STAMPS_ARE_SHARES, /* which are 0 in slots that are free */
};

/* What an entry that is being replaced leaves to its successor, or takes with it. */
struct policy_past {
    bool is_known;
    uint32_t count, queue, stamp;
    uint32_t era; /* of the stamp */
};

struct policy {
    enum policy_hit hit;
    uint32_t max_count; /* 1, 3, 7 and so on */
    enum policy_stamps stamps;
    bool has_shares;
    bool one_per_place; /* tables are mapped directly (places.c): an entry evicts who is there */

    /* Of the state of a table of so many slots: a multiple of 8. NULL: there is none. */
    size_t (*state_bytes)(uint32_t n_slots);

    /*
     * The slot was just filled. It must leave here with a mark that is not 0, and a stamp that no
     * other slot has if there are stamps; the mark of a place is the table's. past: of the entry of
     * this key that it replaces; is_known is false for a new key.
     */
    void (*on_insert)(struct order *order, uint32_t slot, const struct policy_past *past);
    void (*on_hit)(struct order *order, uint32_t slot);
    /* The slot is about to be freed. NULL: its mark says enough. past is NULL unless it is
     * replaced.
     */
    void (*on_remove)(struct order *order, uint32_t slot, struct policy_past *past);
    /* Who goes next; false only when no slot is live. The caller removes it. */
    bool (*victim)(struct order *order, uint32_t *ret_slot);
    /* Entries were moved with their marks; order_moved_to tells where. NULL: nothing to carry. */
    void (*on_move)(struct order *to, const struct order *from);
    /* Proves its structure: 0 or -EUCLEAN. NULL: it has none. */
    int (*check)(const struct order *order, uint32_t n_live);
};

#define CACHE_POLICY(name, symbol, word, help) extern const struct policy symbol;
#include "cache/policies.def"
#undef CACHE_POLICY

#endif
