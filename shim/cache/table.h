// SPDX-License-Identifier: MIT
/*
 * One shard's index and entries: key bytes -> slot. An entry stays in its slot until it leaves or
 * the table grows, so that slots can be named by number. There are two mappings, of which the
 * policy says which it wants: groups of 14 slots (tags.h, table.c), where any slot of a group will
 * do, and places (places.c), where a key has one slot, by its hash. The layout of a slot is
 * computed per cache: keys and values of a fixed small size lie in the slot, and so do short keys
 * beside such a value if keys differ in size; everything else lies in one block per entry. The
 * words for lives exist only in caches that have lives.
 *
 * Not locked: the shard's lock, or the only thread, guards it. Whole keys are compared.
 */
#ifndef CACHE_TABLE_H
#define CACHE_TABLE_H

#include "cache/block.h"
#include "cache/expiry.h"
#include "cache/order.h"
#include "cache/policy.h"
#include "cache/short_key.h"
#include "cache/tags.h"

#include <string.h>

#define TABLE_INLINE_KEY_BYTES   64
#define TABLE_INLINE_VALUE_BYTES 64 /* of CACHE_ROOM_BYTES: such a value is always copied out */
#define TABLE_KEY_AT             8  /* behind the slot_head, whatever else the slot holds */
#define TABLE_NO_SLOT            UINT32_MAX
#define TABLE_MAX_SLOTS          ((1u << 28) - 1) /* as many as links of queue.h can name */

/* Of slots whose layout is_word. */
#define TABLE_WORD_VALUE_AT 16
#define TABLE_WORD_LIFE_AT  24

/* Offsets in a slot; 0: slots of this cache have none. */
struct table_layout {
    uint32_t slot_bytes;
    uint32_t n_key_bytes;   /* in the slot, at TABLE_KEY_AT; 0: see has_short_keys */
    uint32_t n_value_bytes; /* in the slot; 0: the value is in the block */
    uint32_t value_at;
    uint32_t block_at;
    uint32_t life_at;
    uint32_t n_row_words; /* of a key and a value that lie in the slot, one behind the other; 0: no
                             value does */
    uint32_t share_bytes; /* of the table's memory for one entry, when the table is full */
    bool is_word;         /* key and value are one word each, at the places below */
    bool has_short_keys;  /* at TABLE_KEY_AT, and longer ones in the block, block_at being the same;
                             false, without n_key_bytes: the key is in the block */
    bool is_direct;       /* slots are places: places.c */
    bool is_roomy;        /* small tables are less full, as table.c says: hits are short enough to
                             gain by it, and max_bytes leaves the room */
    bool secret;
    uint64_t idle_ns, stale_ns; /* as in struct cache_options */
    const struct policy *policy;
    uint64_t seed; /* of the policy's draws */
};

/*
 * Mappings that a table has left, by growing or for an empty one, kept for its next table of as
 * many groups: their memory is given back, but hits may still be reading there, or counting a use,
 * so that each slot must stay where a slot was. There are fewer sizes than places; what finds no
 * place is never used again.
 */
struct table_spares {
    uint32_t n;
    struct {
        void *pages;
        size_t n_bytes;
        uint32_t n_groups;
    } places[40];
};

struct table {
    struct group *groups;
    uint32_t n_groups; /* 0: nothing is mapped yet */
    uint32_t n_live;
    struct order order;
    struct expiry expiry; /* used when layout->life_at is not 0 */
    const struct table_layout *layout;
    struct table_spares *spares; /* of groups, as the next; places have the cache's memory */
    size_t mapped_bytes;
    uint64_t generation; /* of places: what the heads of its entries say */
};

/*
 * 0 for a size: sizes differ, so the block holds it. policy, seed, secret, idle_ns and stale_ns are
 * the caller's to set before.
 */
void table_layout_init(struct table_layout *layout, uint32_t n_key_bytes, uint32_t n_value_bytes,
                       bool has_lives);

/*
 * An empty table; memory comes with the first entry. spares and clock are shared with its
 * predecessors.
 */
void table_init(struct table *table, const struct table_layout *layout, struct table_spares *spares,
                stamp_clock *clock);

/*
 * The memory goes back, the mapping to the spares. Blocks of its entries are the caller's. Secret
 * slots are wiped.
 */
void table_fini(struct table *table);

/* Unmaps the spares. */
void table_spares_fini(struct table_spares *spares);

/*
 * Of groups: room for one more entry, never more than max_entries in all. n_expected: so many are
 * likely in the end; a table for just these takes no more memory than it must. 0 or -ENOMEM.
 */
int table_make_room(struct table *table, uint64_t max_entries, uint64_t n_expected);

/* The slot of the key, or TABLE_NO_SLOT. */
uint32_t table_find(const struct table *table, struct bytes key, uint64_t hash);

/*
 * Fills a free slot: copies or takes over what the layout says. There must be room, or the place be
 * free. now_ns and life are of tables that have lives.
 */
uint32_t table_add(struct table *table, struct bytes key, uint64_t hash, struct bytes value,
                   struct block *block, uint64_t now_ns, const struct cache_life *life);

/* Frees the slot and returns its block (NULL: it had none), which is the caller's now. */
struct block *table_remove(struct table *table, uint32_t slot);

/*
 * ---- places (places.c): the slots of all shards lie in a row, those of one behind another's. ----
 *
 * How many there are for each of n_shards: a power of two, so many that there is one for each of
 * max_entries if these were spread evenly, but no more than fit into max_bytes, nor than hashes
 * tell apart.
 */
uint32_t table_choose_places(const struct table_layout *layout, uint64_t max_entries,
                             uint64_t max_bytes, uint32_t n_shards);

/* What they take of memory, which must be zeroes, aligned to a page. */
size_t table_places_bytes(const struct table_layout *layout, uint32_t n_places, uint32_t n_shards);

/* The empty table of one shard in that memory. Its generation is the caller's to set. */
void table_init_places(struct table *table, const struct table_layout *layout, char *memory,
                       uint32_t n_places, uint32_t n_shards, uint32_t shard);

/*
 * Of a table without entries: the memory that it shares with no other shard goes back, unless it is
 * locked for secrets.
 */
void table_return_places(struct table *table);

/* The table is empty now, whatever state it is in. Its blocks are lost. */
void table_reset_places(struct table *table);

/* 0, or -EUCLEAN and what is broken; -ENOMEM when there is no memory to check with. */
int table_check(const struct table *table, const char **ret_fault);

/* The group where a key of this upper half is looked for first. */
static inline uint32_t table_home(const struct table *table, uint32_t hash_upper)
{
    return group_home(hash_upper, table->n_groups);
}

static inline char *table_slot(const struct table *table, uint32_t slot)
{
    return table->order.slots + (size_t)slot * table->order.slot_bytes;
}

/* The slot where a key with this hash is, if it is in a table of places. */
static inline uint32_t table_place(const struct table *table, uint64_t hash)
{
    return (uint32_t)(hash >> (32 + CACHE_PLACE_SHIFT)) & (table->order.n_slots - 1);
}

/* Whoever is at the place of this hash, or TABLE_NO_SLOT. */
static inline uint32_t table_find_rival(const struct table *table, uint64_t hash)
{
    uint32_t slot = table_place(table, hash);

    return order_mark(&table->order, slot) != 0 ? slot : TABLE_NO_SLOT;
}

/* In a slot the pointer to a large block is odd: a hit without the lock must not follow it. */
#define TABLE_LARGE_BLOCK 1u

static inline struct block *table_untagged(struct block *block)
{
    return (struct block *)((uintptr_t)block & ~(uintptr_t)TABLE_LARGE_BLOCK);
}

/* What stands at block_at of a slot, whoever may be writing it. */
static inline struct block *table_shared_block(const void *shared)
{
    return (struct block *)(uintptr_t)shared_load(shared);
}

/* Whether an entry with a key of this size has a block. */
static inline bool table_needs_block(const struct table_layout *layout, size_t n_key_bytes)
{
    return layout->block_at != 0 && !(layout->has_short_keys && n_key_bytes <= SHORT_KEY_BYTES);
}

/* In a slot of such a table. */
static inline bool table_key_is_short(const struct table *table, uint32_t slot)
{
    return table->layout->has_short_keys &&
           short_key_size(table_slot(table, slot) + TABLE_KEY_AT) != SHORT_KEY_IS_LONG;
}

static inline struct block *table_block(const struct table *table, uint32_t slot)
{
    struct block *block = NULL;

    if (table->layout->block_at != 0 && !table_key_is_short(table, slot)) {
        memcpy(&block, table_slot(table, slot) + table->layout->block_at, sizeof(block));
    }
    return table_untagged(block);
}

/* The key of the entry in this slot, where it lies. */
static inline struct bytes table_key(const struct table *table, uint32_t slot)
{
    struct block *block;

    if (table->layout->n_key_bytes != 0) {
        return (struct bytes){table_slot(table, slot) + TABLE_KEY_AT, table->layout->n_key_bytes};
    }
    if (table_key_is_short(table, slot)) {
        const char *at = table_slot(table, slot) + TABLE_KEY_AT;

        return (struct bytes){at, short_key_size(at)};
    }
    block = table_block(table, slot);
    return (struct bytes){block_key(block), block->n_key_bytes};
}

#endif
