// SPDX-License-Identifier: MIT
/*
 * The contract of an eviction policy: a const struct of a few functions, called while nobody else
 * can touch the shard. A policy never allocates, locks, logs or sees key bytes: it works on the
 * order alone, on memory that the table holds for it. Lives are not its business either: what has
 * expired is removed before it is asked.
 *
 * Memory: words in every slot, a state for each table, and a share of further state for each slot.
 * The words of a slot hold whatever an earlier entry left, the rest begins as zeroes. A table that
 * grows gets new memory and new slot numbers: on_move carries over what has to be.
 */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include "cache/order.h"

#include <stdatomic.h>

/* What a hit does to the order. All but the last is done by the hit path itself. */
enum policy_hit {
    POLICY_HIT_STAMPS,  /* the slot takes the next stamp */
    POLICY_HIT_NOTHING, /* the order is that of arrival, or none */
    POLICY_HIT_COUNTS,  /* the slot's first word, a struct use_count, is counted up to max_count */
    POLICY_HIT_MOVES,   /* on_hit */
};

/*
 * Hits without the lock may count at any time: also an entry that has just gone, and then perhaps
 * its successor in the slot; and past max_count by as many as do so at once.
 */
struct use_count {
    _Atomic uint32_t n;
};

static inline uint32_t use_count_read(const struct use_count *count)
{
    return atomic_load_explicit(&count->n, memory_order_relaxed);
}

static inline void use_count_set(struct use_count *count, uint32_t n)
{
    atomic_store_explicit(&count->n, n, memory_order_relaxed);
}

/* What an entry that is being replaced leaves to its successor, or takes with it. */
struct policy_past {
    bool is_known;
    uint32_t count, queue, stamp;
    uint32_t clock; /* when it was noted */
};

struct policy {
    enum policy_hit hit;
    uint32_t max_count;
    uint32_t slot_bytes;  /* of its own in every slot; a multiple of 8 */
    uint32_t state_bytes; /* for each table; a multiple of 8 */
    uint32_t share_bytes; /* for each slot of the table, behind the state; a multiple of 4 */
    bool one_per_place;   /* an entry evicts the one that shares its place (table_find_place) */

    /*
     * The slot was just filled. It must leave here with a stamp that is not 0 and that no other
     * slot has. past: of the entry of this key that it replaces; is_known is false for a new key.
     */
    void (*on_insert)(struct order *order, uint32_t slot, const struct policy_past *past);
    void (*on_hit)(struct order *order, uint32_t slot);
    /* The slot is about to be freed. NULL: stamps say enough. past is NULL unless it is replaced.
     */
    void (*on_remove)(struct order *order, uint32_t slot, struct policy_past *past);
    /* Who goes next; false only when no slot is live. The caller removes it. */
    bool (*victim)(struct order *order, uint32_t *ret_slot);
    /* Entries were moved with their words; order_moved_to tells where. NULL: nothing to carry. */
    void (*on_move)(struct order *to, const struct order *from);
    /* Proves its structure: 0 or -EUCLEAN. NULL: it has none. */
    int (*check)(const struct order *order, uint32_t n_live);
};

#define CACHE_POLICY(name, symbol, word, help) extern const struct policy symbol;
#include "cache/policies.def"
#undef CACHE_POLICY

#endif
