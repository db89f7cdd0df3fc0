// SPDX-License-Identifier: MIT
/*
 * Growing buffers and the blocks behind them. Blocks are powers of two from 4 KiB; a few of each
 * size are kept for the next call, so that a function with long keys does not map memory each time.
 */
#include "base/lock.h"
#include "marshal/marshal_private.h"

#include <errno.h>
#include <string.h>

#define BLOCK_FIRST_SHIFT 12
#define BLOCK_CLASSES     13 /* up to MARSHAL_MAX_BYTES */
#define BLOCKS_KEPT       4  /* of one class */

_Static_assert((size_t)1 << (BLOCK_FIRST_SHIFT + BLOCK_CLASSES - 1) == MARSHAL_MAX_BYTES,
               "the largest class holds the largest key");

/* Guarded by lock. Secret blocks are not kept: locked memory is scarce. */
static struct {
    struct lock lock;
    void *kept[BLOCK_CLASSES][BLOCKS_KEPT];
    unsigned n_kept[BLOCK_CLASSES];
} pool = {.lock = LOCK_INITIALIZER(LOCK_RANK_MEMORY)};

static unsigned class_of(size_t n_bytes)
{
    unsigned class = 0;

    while ((size_t)1 << (BLOCK_FIRST_SHIFT + class) < n_bytes) {
        class ++;
    }
    return class;
}

static void *block_take(size_t capacity, bool is_secret)
{
    unsigned class = class_of(capacity);
    void *block = NULL;

    if (!is_secret && lock_try_acquire(&pool.lock)) {
        if (pool.n_kept[class] > 0) {
            block = pool.kept[class][--pool.n_kept[class]];
        }
        lock_release(&pool.lock);
    }
    if (block == NULL) {
        block = pages_map(capacity);
        if (block != NULL && is_secret) {
            pages_protect_secret(block, capacity);
        }
    }
    return block;
}

static void block_give(void *block, size_t capacity, bool is_secret)
{
    unsigned class = class_of(capacity);

    /* A lock that a forked child found held stays so: the block goes back to the kernel instead. */
    if (!is_secret && lock_try_acquire(&pool.lock)) {
        if (pool.n_kept[class] < BLOCKS_KEPT) {
            pool.kept[class][pool.n_kept[class]++] = block;
            block = NULL;
        }
        lock_release(&pool.lock);
    }
    if (block != NULL) {
        pages_unmap(block, capacity);
    }
}

void marshal_buffer_init(struct marshal_buffer *buffer, bool is_secret)
{
    buffer->data = buffer->room;
    buffer->n_bytes = 0;
    buffer->capacity = sizeof(buffer->room);
    buffer->is_secret = is_secret;
}

void marshal_buffer_cut(struct marshal_buffer *buffer, size_t n_bytes)
{
    if (buffer->is_secret) {
        explicit_bzero(buffer->data + n_bytes, buffer->n_bytes - n_bytes);
    }
    buffer->n_bytes = n_bytes;
}

void marshal_buffer_fini(struct marshal_buffer *buffer)
{
    marshal_buffer_cut(buffer, 0);
    if (buffer->data != buffer->room) {
        block_give(buffer->data, buffer->capacity, buffer->is_secret);
    }
    marshal_buffer_init(buffer, buffer->is_secret);
}

int marshal_buffer_extend(struct marshal_buffer *buffer, size_t n_bytes, size_t limit_bytes,
                          unsigned char **ret_at)
{
    if (n_bytes > limit_bytes || buffer->n_bytes > limit_bytes - n_bytes) {
        return -E2BIG;
    }
    if (n_bytes > buffer->capacity - buffer->n_bytes) {
        size_t n_used = buffer->n_bytes;
        size_t capacity = (size_t)1 << (BLOCK_FIRST_SHIFT + class_of(n_used + n_bytes));
        unsigned char *block = block_take(capacity, buffer->is_secret);

        if (block == NULL) {
            return -ENOMEM;
        }
        memcpy(block, buffer->data, n_used);
        marshal_buffer_fini(buffer);
        buffer->data = block;
        buffer->n_bytes = n_used;
        buffer->capacity = capacity;
    }
    *ret_at = buffer->data + buffer->n_bytes;
    buffer->n_bytes += n_bytes;
    return 0;
}

int marshal_buffer_put_more(struct marshal_buffer *buffer, const void *bytes, size_t n_bytes,
                            size_t limit_bytes)
{
    unsigned char *at;
    int error = marshal_buffer_extend(buffer, n_bytes, limit_bytes, &at);

    if (error == 0 && n_bytes > 0) {
        memcpy(at, bytes, n_bytes);
    }
    return error;
}
