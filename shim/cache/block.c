// SPDX-License-Identifier: MIT
/* What a block holds and who holds it. Where its memory comes from is in slab.c. */
#include "cache/block.h"

#include "base/arena.h"
#include "base/foreign_libc.h"
#include "cache/slab.h"

#include <string.h>

static uint64_t needed_bytes(uint32_t n_key_bytes, uint32_t n_value_bytes)
{
    return sizeof(struct block) + ((uint64_t)n_value_bytes + 7) / 8 * 8 + n_key_bytes;
}

uint64_t block_bytes(uint32_t n_key_bytes, uint32_t n_value_bytes)
{
    uint64_t needed = needed_bytes(n_key_bytes, n_value_bytes);
    uint64_t page;

    if (needed <= SLAB_CLASS_MAX_BYTES) {
        return slab_class_bytes(slab_class_of(needed));
    }
    page = pages_size();
    return (needed + page - 1) / page * page;
}

bool block_is_large(const struct block *block)
{
    return needed_bytes(block->n_key_bytes, block->n_value_bytes) > SLAB_CLASS_MAX_BYTES;
}

/* Atomic stores are not left out, and a byte at a time is for the ends. */
void block_wipe(void *memory, size_t n_bytes)
{
    char *at = memory;
    size_t n_ahead = (8 - (uintptr_t)at % 8) % 8, n_words;

    n_ahead = n_ahead < n_bytes ? n_ahead : n_bytes;
    n_words = (n_bytes - n_ahead) / 8;
    memset(at, 0, n_ahead);
    shared_zero(at + n_ahead, n_words * 8);
    memset(at + n_ahead + n_words * 8, 0, n_bytes - n_ahead - n_words * 8);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* Brackets every change of a list, for block_pool_after_fork. */
static void begin_change_locked(struct block_pool *pool)
{
    lock_assert_held(&pool->lock);
    pool->sequence++;
    atomic_thread_fence(memory_order_release);
}

static void end_change_locked(struct block_pool *pool)
{
    lock_assert_held(&pool->lock);
    atomic_thread_fence(memory_order_release);
    pool->sequence++;
}

static void block_fill(struct block *block, struct bytes key, struct bytes value)
{
    const uint32_t sizes[2] = {(uint32_t)value.n_bytes, (uint32_t)key.n_bytes};

    atomic_store_explicit(&block->n_references, 1, memory_order_relaxed);
    shared_write(&block->n_value_bytes, sizes, sizeof(sizes));
    shared_write(block_value(block), value.data, value.n_bytes);
    shared_write(block_key(block), key.data, key.n_bytes);
}

struct block *block_create(struct block_pool *pool, struct bytes key, struct bytes value)
{
    uint64_t needed;
    struct block *block;

    if (key.n_bytes > UINT32_MAX || value.n_bytes > UINT32_MAX) {
        return NULL;
    }
    needed = needed_bytes((uint32_t)key.n_bytes, (uint32_t)value.n_bytes);
    if (needed > SLAB_CLASS_MAX_BYTES) {
        block = pages_map(block_bytes((uint32_t)key.n_bytes, (uint32_t)value.n_bytes));
        if (block != NULL && pool->secret) {
            pages_protect_secret(block, needed);
        }
    } else {
        if (!lock_acquire(&pool->lock)) {
            return NULL;
        }
        begin_change_locked(pool);
        block = slab_alloc_locked(pool, slab_class_of(needed));
        end_change_locked(pool);
        lock_release(&pool->lock);
    }
    if (block == NULL) {
        return NULL;
    }
    block_fill(block, key, value);
    return block;
}

static void block_destroy(struct block_pool *pool, struct block *block)
{
    uint64_t n_bytes = block_bytes(block->n_key_bytes, block->n_value_bytes);

    if (pool->secret) {
        block_wipe(block, n_bytes);
    }
    if (n_bytes > SLAB_CLASS_MAX_BYTES) {
        pages_unmap(block, n_bytes);
        return;
    }
    if (!lock_acquire(&pool->lock)) {
        return; /* lost, like the thread that holds the lock */
    }
    begin_change_locked(pool);
    slab_free_locked(pool, block);
    end_change_locked(pool);
    lock_release(&pool->lock);
}

/* A process with one thread saves the locked instruction: 2 to 5 ns of a hit on a large value. */
void block_hold(struct block *block)
{
    if (__libc_single_threaded) {
        uint32_t n = atomic_load_explicit(&block->n_references, memory_order_relaxed);

        atomic_store_explicit(&block->n_references, n + 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&block->n_references, 1, memory_order_relaxed);
    }
}

void block_release(struct block_pool *pool, struct block *block)
{
    if (__libc_single_threaded) {
        uint32_t n = atomic_load_explicit(&block->n_references, memory_order_relaxed) - 1;

        atomic_store_explicit(&block->n_references, n, memory_order_relaxed);
        if (n == 0) {
            block_destroy(pool, block);
        }
    } else if (atomic_fetch_sub_explicit(&block->n_references, 1, memory_order_acq_rel) == 1) {
        block_destroy(pool, block);
    }
}
