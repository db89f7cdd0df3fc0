// SPDX-License-Identifier: MIT
/*
 * Where "static" results live: one block for each function and thread, so that a pointer handed
 * out stays good until the thread calls that function again, as with the real one. Blocks come
 * from the kernel and go back to it when the thread ends. A block that became too small is kept
 * until then: a program that looks at an old result finds old text, not a page that is gone. Each
 * is at least twice its predecessor, so the old ones never add up to more than the last.
 */
#include "marshal/marshal_private.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

/* Stands before its data. */
struct thread_block {
    struct thread_block *previous; /* smaller, kept for pointers into it */
    size_t n_bytes;                /* of the mapping, this header included */
};

_Static_assert(sizeof(struct thread_block) % 16 == 0, "data is aligned for any type");

/* Of this thread; NULL until its first static result, and again after thread_memory_free. */
static __thread struct thread_block **thread_blocks;

/* How often thread_memory_free was called at the end of this thread. */
static __thread unsigned n_end_rounds;

/* Written by thread_memory_init, before other threads exist. */
static pthread_key_t thread_end_key;

/* Written while plans are made, by one thread. */
static uint32_t n_slots;

#define BLOCKS_BYTES (THREAD_MEMORY_MAX_SLOTS * sizeof(struct thread_block *))

static void thread_memory_free(void *blocks_of_thread)
{
    struct thread_block **blocks = blocks_of_thread;

    /*
     * Our key is older than the program's, so this comes before its destructors, which may still
     * look at an old result. The value is set anew until the last round that there is. Memory that
     * such a destructor was the first to ask for may miss that round; then it stays.
     */
    if (++n_end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS &&
        pthread_setspecific(thread_end_key, blocks) == 0) {
        return;
    }
    for (uint32_t i = 0; i < n_slots; i++) {
        while (blocks[i] != NULL) {
            struct thread_block *block = blocks[i];

            blocks[i] = block->previous;
            pages_unmap(block, block->n_bytes);
        }
    }
    pages_unmap(blocks, BLOCKS_BYTES);
    thread_blocks = NULL;
}

int thread_memory_init(void)
{
    return -pthread_key_create(&thread_end_key, thread_memory_free);
}

uint32_t thread_memory_new_slot(void)
{
    return n_slots < THREAD_MEMORY_MAX_SLOTS ? n_slots++ : THREAD_MEMORY_MAX_SLOTS;
}

void *thread_memory_get(uint32_t slot, size_t n_bytes)
{
    struct thread_block *block;
    size_t page = pages_size();

    if (thread_blocks == NULL) {
        thread_blocks = pages_map(BLOCKS_BYTES);
        if (thread_blocks == NULL) {
            return NULL;
        }
        if (pthread_setspecific(thread_end_key, thread_blocks) != 0) {
            pages_unmap(thread_blocks, BLOCKS_BYTES);
            thread_blocks = NULL;
            return NULL;
        }
    }
    block = thread_blocks[slot];
    if (block == NULL || block->n_bytes - sizeof(*block) < n_bytes) {
        size_t wanted = (sizeof(*block) + n_bytes + page - 1) / page * page;

        if (block != NULL && wanted < 2 * block->n_bytes) {
            wanted = 2 * block->n_bytes;
        }
        block = pages_map(wanted);
        if (block == NULL) {
            return NULL;
        }
        block->previous = thread_blocks[slot];
        block->n_bytes = wanted;
        thread_blocks[slot] = block;
    }
    return block + 1;
}
