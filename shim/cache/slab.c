// SPDX-License-Identifier: MIT
/*
 * Slabs are 64 KiB and aligned to that, so a block finds its slab by masking. Each serves one class
 * at a time. When its last block is freed its memory goes back to the kernel, but for one slab that
 * is kept for the next class in need: a cache whose values change in size does not end with every
 * class holding memory that no other can use. The addresses stay, in chunks of 1 slab, then 2, 4
 * and so on up to 16, for whichever slab is needed next: hits may be reading there. Classes are 16
 * bytes apart up to 128 and a quarter of the size above, so at most a fifth of a block is unused.
 *
 * A pool is its slabs, so its beginning and its end are here as well.
 */
#include "cache/slab.h"

#include "base/arena.h"

#include <string.h>

#define SLAB_BYTES      ((size_t)64 * 1024)
#define CLASS_MIN_BYTES 32
#define FINE_CLASSES    7 /* 32, 48 ... 128 */

#define CHUNK_MAX_SLABS 16

/* The page in front of the slabs of a chunk. */
struct block_chunk {
    struct block_chunk *next, *next_with_slabs;
    uint32_t n_slabs;
    uint32_t unused; /* bit i: slab i is not in use */
};

struct block_slab {
    struct block_chunk *chunk;
    struct block_slab *next_partial, *previous_partial; /* in partial[class], or empty */
    void *free; /* blocks given back, linked by their first word */
    uint32_t class;
    uint32_t n_used;
    uint32_t n_carved; /* bytes from the slab's start that were handed out at least once */
    uint32_t spare;
};

_Static_assert(sizeof(struct block_slab) <= 64, "first block at 64");

#define SLAB_FIRST 64

uint32_t slab_class_bytes(uint32_t class)
{
    if (class < FINE_CLASSES) {
        return CLASS_MIN_BYTES + 16 * class;
    }
    class -= FINE_CLASSES;
    return (128u << (class / 4)) / 4 * (class % 4 + 5);
}

uint32_t slab_class_of(uint64_t n_bytes)
{
    uint32_t class = 0;

    if (n_bytes <= 128) {
        return n_bytes <= CLASS_MIN_BYTES ? 0 : (uint32_t)(n_bytes - CLASS_MIN_BYTES + 15) / 16;
    }
    /* Doubling d covers (128 << d, 256 << d] in four steps. */
    class = FINE_CLASSES + 4 * (63 - 7 - (uint32_t)__builtin_clzll(n_bytes - 1));
    while (slab_class_bytes(class) < n_bytes) {
        class ++;
    }
    return class;
}

void block_pool_init(struct block_pool *pool, bool secret)
{
    *pool = (struct block_pool){.secret = secret};
    lock_init(&pool->lock, LOCK_RANK_MEMORY);
}

static void *chunk_slab(struct block_chunk *chunk, uint32_t i)
{
    return (char *)chunk + pages_size() + i * SLAB_BYTES;
}

static size_t chunk_bytes(uint32_t n_slabs)
{
    return pages_size() + n_slabs * SLAB_BYTES;
}

void block_pool_fini(struct block_pool *pool)
{
    struct block_chunk *chunk = pool->chunks;

    while (chunk != NULL) {
        struct block_chunk *next = chunk->next;

        for (uint32_t i = 0; pool->secret && i < chunk->n_slabs; i++) {
            if ((chunk->unused >> i & 1) == 0) {
                block_wipe(chunk_slab(chunk, i), SLAB_BYTES);
            }
        }
        pages_unmap(chunk, chunk_bytes(chunk->n_slabs));
        chunk = next;
    }
    block_pool_init(pool, pool->secret);
}

bool block_pool_after_fork(struct block_pool *pool)
{
    bool is_whole = pool->sequence % 2 == 0;

    if (is_whole) {
        lock_init(&pool->lock, LOCK_RANK_MEMORY);
    } else {
        block_pool_init(pool, pool->secret);
    }
    return is_whole;
}

static uint32_t next_chunk_slabs(const struct block_pool *pool)
{
    if (pool->chunks == NULL) {
        return 1;
    }
    return pool->chunks->n_slabs < CHUNK_MAX_SLABS ? 2 * pool->chunks->n_slabs : CHUNK_MAX_SLABS;
}

/* A chunk none of whose slabs is in use, on both lists. */
static bool chunk_map_locked(struct block_pool *pool)
{
    uint32_t n_slabs = next_chunk_slabs(pool);
    size_t n_bytes = chunk_bytes(n_slabs), page = pages_size();
    char *pages = pages_map(n_bytes + SLAB_BYTES);
    struct block_chunk *chunk;
    size_t before;

    lock_assert_held(&pool->lock);
    if (pages == NULL) {
        return false;
    }
    before = (SLAB_BYTES - ((uintptr_t)pages + page) % SLAB_BYTES) % SLAB_BYTES;
    if (before > 0) {
        pages_unmap(pages, before);
    }
    pages_unmap(pages + before + n_bytes, SLAB_BYTES - before);
    chunk = (struct block_chunk *)(void *)(pages + before);
    *chunk = (struct block_chunk){.next = pool->chunks,
                                  .next_with_slabs = pool->with_slabs,
                                  .n_slabs = n_slabs,
                                  .unused = (1u << n_slabs) - 1};
    pool->chunks = chunk;
    pool->with_slabs = chunk;
    return true;
}

/* The memory of a slab that is not in use; NULL when the kernel says no. */
static struct block_slab *slab_map_locked(struct block_pool *pool)
{
    struct block_chunk *chunk;
    struct block_slab *slab;
    uint32_t i;

    lock_assert_held(&pool->lock);
    if (pool->with_slabs == NULL && !chunk_map_locked(pool)) {
        return NULL;
    }
    chunk = pool->with_slabs;
    i = (uint32_t)__builtin_ctz(chunk->unused);
    chunk->unused &= ~(1u << i);
    if (chunk->unused == 0) {
        pool->with_slabs = chunk->next_with_slabs;
    }
    slab = chunk_slab(chunk, i);
    pool->n_slabs++;
    if (pool->secret) {
        pages_protect_secret(slab, SLAB_BYTES);
    }
    slab->chunk = chunk;
    return slab;
}

/* The memory goes back to the kernel; a chunk's own first page stays. */
static void slab_unmap_locked(struct block_pool *pool, struct block_slab *slab)
{
    struct block_chunk *chunk = slab->chunk;

    lock_assert_held(&pool->lock);
    if (chunk->unused == 0) {
        chunk->next_with_slabs = pool->with_slabs;
        pool->with_slabs = chunk;
    }
    chunk->unused |= 1u << ((size_t)((char *)slab - (char *)chunk_slab(chunk, 0)) / SLAB_BYTES);
    pages_empty(slab, SLAB_BYTES);
    pool->n_slabs--;
}

static void list_partial_locked(struct block_pool *pool, struct block_slab *slab)
{
    struct block_slab **head = &pool->partial[slab->class];

    lock_assert_held(&pool->lock);
    slab->previous_partial = NULL;
    slab->next_partial = *head;
    if (*head != NULL) {
        (*head)->previous_partial = slab;
    }
    *head = slab;
}

static void unlist_partial_locked(struct block_pool *pool, struct block_slab *slab)
{
    lock_assert_held(&pool->lock);
    if (slab->previous_partial != NULL) {
        slab->previous_partial->next_partial = slab->next_partial;
    } else {
        pool->partial[slab->class] = slab->next_partial;
    }
    if (slab->next_partial != NULL) {
        slab->next_partial->previous_partial = slab->previous_partial;
    }
}

/* A slab without blocks, listed as partial in the class; NULL when the kernel says no. */
static struct block_slab *slab_take_locked(struct block_pool *pool, uint32_t class)
{
    struct block_slab *slab = pool->empty;

    lock_assert_held(&pool->lock);
    if (slab != NULL) {
        pool->empty = NULL;
    } else {
        slab = slab_map_locked(pool);
        if (slab == NULL) {
            return NULL;
        }
    }
    slab->free = NULL;
    slab->n_used = 0;
    slab->n_carved = SLAB_FIRST;
    slab->class = class;
    list_partial_locked(pool, slab);
    return slab;
}

static void slab_give_back_locked(struct block_pool *pool, struct block_slab *slab)
{
    lock_assert_held(&pool->lock);
    unlist_partial_locked(pool, slab);
    if (pool->empty == NULL) {
        pool->empty = slab;
        return;
    }
    slab_unmap_locked(pool, slab);
}

static bool slab_is_full(const struct block_slab *slab)
{
    return slab->free == NULL && slab->n_carved + slab_class_bytes(slab->class) > SLAB_BYTES;
}

void *slab_alloc_locked(struct block_pool *pool, uint32_t class)
{
    struct block_slab *slab = pool->partial[class];
    void *memory;

    lock_assert_held(&pool->lock);
    if (slab == NULL) {
        slab = slab_take_locked(pool, class);
        if (slab == NULL) {
            return NULL;
        }
    }
    if (slab->free != NULL) {
        memory = slab->free;
        memcpy(&slab->free, memory, sizeof(slab->free));
    } else {
        memory = (char *)slab + slab->n_carved;
        slab->n_carved += slab_class_bytes(class);
    }
    slab->n_used++;
    if (slab_is_full(slab)) {
        unlist_partial_locked(pool, slab);
    }
    return memory;
}

void slab_free_locked(struct block_pool *pool, void *memory)
{
    struct block_slab *slab =
        (struct block_slab *)(void *)((char *)memory - (uintptr_t)memory % SLAB_BYTES);

    lock_assert_held(&pool->lock);
    if (slab_is_full(slab)) {
        list_partial_locked(pool, slab);
    }
    shared_store(memory, (uintptr_t)slab->free);
    slab->free = memory;
    if (--slab->n_used == 0) {
        slab_give_back_locked(pool, slab);
    }
}
