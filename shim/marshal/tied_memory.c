// SPDX-License-Identifier: MIT
/*
 * Where results live that are static to one value of an argument, such as the message that belongs
 * to a handle: one block for each function and value, whichever thread asks, so that a pointer
 * handed out stays good until the next call with that value.
 *
 * A block is never given back, nor given to another value: nothing tells when a program has looked
 * at a result for the last time, and a handle that was closed may come back at the same address.
 * So their number is bounded; a value for which there is no block gets its answers from the real
 * function. As in thread_memory.c, a block that became too small is kept for pointers into it, and
 * its successor is at least twice as large.
 */
#include "base/lock.h"
#include "marshal/marshal_private.h"

#include <stdatomic.h>

#define LIMIT_BYTES  ((size_t)64 * 1024 * 1024) /* of all blocks of the process */
#define FIRST_BYTES  64
#define TABLE_PLACES (2 * TIED_MEMORY_MAX_VALUES)

_Static_assert((TABLE_PLACES & (TABLE_PLACES - 1)) == 0, "places are found by a mask");

struct tied_place {
    uint64_t value;
    void *block; /* NULL: free */
    size_t n_bytes;
};

/* The values of one slot, by hash; open addressing, nothing is ever taken out. */
struct tied_table {
    uint32_t n_values;
    struct tied_place places[TABLE_PLACES];
};

/* Written while plans are made, by one thread. */
static uint32_t n_slots;

/* Guarded by lock. */
static struct {
    struct lock lock;
    struct arena arena;
    struct tied_table *tables[TIED_MEMORY_MAX_SLOTS];
} tied = {.lock = LOCK_INITIALIZER(LOCK_RANK_MEMORY), .arena.limit_bytes = LIMIT_BYTES};

uint32_t tied_memory_new_slot(void)
{
    return n_slots < TIED_MEMORY_MAX_SLOTS ? n_slots++ : TIED_MEMORY_MAX_SLOTS;
}

static struct tied_table *table_of_locked(uint32_t slot)
{
    lock_assert_held(&tied.lock);
    if (tied.tables[slot] == NULL) {
        size_t page = pages_size();

        tied.tables[slot] = pages_map((sizeof(struct tied_table) + page - 1) / page * page);
    }
    return tied.tables[slot];
}

/* Where the value is or belongs. */
static struct tied_place *find_place(struct tied_table *table, uint64_t value)
{
    uint32_t at = (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

    while (table->places[at % TABLE_PLACES].block != NULL &&
           table->places[at % TABLE_PLACES].value != value) {
        at++;
    }
    return &table->places[at % TABLE_PLACES];
}

static void *get_locked(uint32_t slot, uint64_t value, size_t n_bytes)
{
    struct tied_table *table = table_of_locked(slot);
    struct tied_place *place;
    size_t wanted;
    void *block;

    lock_assert_held(&tied.lock);
    if (table == NULL) {
        return NULL;
    }
    place = find_place(table, value);
    if (place->block != NULL && place->n_bytes >= n_bytes) {
        return place->block;
    }
    if (place->block == NULL && table->n_values == TIED_MEMORY_MAX_VALUES) {
        return NULL;
    }
    wanted = place->block != NULL ? 2 * place->n_bytes : FIRST_BYTES;
    wanted = wanted < n_bytes ? n_bytes : wanted;
    block = arena_alloc(&tied.arena, wanted);
    if (block != NULL) {
        table->n_values += place->block == NULL;
        *place = (struct tied_place){.value = value, .block = block, .n_bytes = wanted};
    }
    return block;
}

void *tied_memory_get(uint32_t slot, uint64_t value, size_t n_bytes)
{
    void *block;

    if (!lock_acquire(&tied.lock)) {
        return NULL;
    }
    block = get_locked(slot, value, n_bytes);
    lock_release(&tied.lock);
    return block;
}

void tied_memory_after_fork(void)
{
    lock_init(&tied.lock, LOCK_RANK_MEMORY);
}
