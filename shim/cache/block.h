// SPDX-License-Identifier: MIT
/*
 * Memory for keys and values that do not fit into a slot. A block is written once, published, and
 * never changed again; it is counted by reference, so that a caller may go on reading a value whose
 * entry is gone. Blocks come in size classes from slabs, larger ones are mappings of their own; the
 * program's allocator is never entered. Each cache has a pool of its own, so that secrets share no
 * page with anything else.
 *
 * Where a block of a size class was there is memory for as long as the pool lives: hits that hold
 * no lock read it (shared.h), and find out later whether it still was that block. A large block is
 * gone when it is gone, so they must not touch it.
 */
#ifndef CACHE_BLOCK_H
#define CACHE_BLOCK_H

#include "base/bytes.h"
#include "base/lock.h"
#include "cache/shared.h"

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_CLASS_COUNT 27 /* 32 to 4096 bytes; slab.c derives them */

struct block_slab;
struct block_chunk;

struct block_pool {
    struct lock lock;                              /* LOCK_RANK_MEMORY; guards all below */
    bool secret;                                   /* constant */
    uint32_t sequence;                             /* odd while a list is being changed */
    uint32_t n_slabs;                              /* that hold memory */
    struct block_chunk *chunks;                    /* all of them */
    struct block_chunk *with_slabs;                /* those with a slab that is not in use */
    struct block_slab *partial[BLOCK_CLASS_COUNT]; /* those with a free block */
    struct block_slab *empty;                      /* at most one; of no class */
};

struct block {
    _Atomic uint32_t n_references; /* the entry's one and one for each view */
    uint32_t spare;
    _Alignas(8) uint32_t n_value_bytes; /* these two are written, and read by hits, as one word */
    uint32_t n_key_bytes;
    /* the value follows, aligned to 16; behind it the key, aligned to 8 */
};

_Static_assert(sizeof(struct block) == 16, "the value behind it is aligned to 16");

static inline void *block_value(struct block *block)
{
    return block + 1;
}

static inline void *block_key_behind(struct block *block, uint32_t n_value_bytes)
{
    return (char *)(block + 1) + ((size_t)n_value_bytes + 7) / 8 * 8;
}

static inline void *block_key(struct block *block)
{
    return block_key_behind(block, block->n_value_bytes);
}

/* n_value_bytes and n_key_bytes, whoever may be writing them. */
static inline void block_read_sizes(const struct block *block, uint32_t ret_sizes[2])
{
    uint64_t word = shared_load(&block->n_value_bytes);

    memcpy(ret_sizes, &word, sizeof(word));
}

void block_pool_init(struct block_pool *pool, bool secret);

/* Unmaps all slabs, whatever is still in use in them. Blocks beyond the classes must be gone. */
void block_pool_fini(struct block_pool *pool);

/* In a forked child. False: a thread was changing the pool; every block in it is lost. */
bool block_pool_after_fork(struct block_pool *pool);

/* What a block of these sizes takes in memory. */
uint64_t block_bytes(uint32_t n_key_bytes, uint32_t n_value_bytes);

/* It has a mapping of its own. */
bool block_is_large(const struct block *block);

/* A block with one reference and copies of both, or NULL. Either may be empty. */
struct block *block_create(struct block_pool *pool, struct bytes key, struct bytes value);

/* One more reference; the caller holds one, or keeps the entry from leaving. */
void block_hold(struct block *block);

/* One less; the last one wipes (secret pools) and frees. */
void block_release(struct block_pool *pool, struct block *block);

/* Zeroes memory in a way that is not optimised away, and that hits may watch. */
void block_wipe(void *memory, size_t n_bytes);

#endif
