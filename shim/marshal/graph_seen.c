// SPDX-License-Identifier: MIT
/*
 * Which pointers a walk has met, by where they stand. One that is met again stands in memory that
 * is part of itself, or that two others lead to: what is remembered are trees. Open addressing in a
 * table that is never more than half full; it begins in the buffer's own room.
 */
#include "marshal/graph.h"

#include <errno.h>
#include <string.h>

#define FIRST_SLOTS (MARSHAL_ROOM_BYTES / sizeof(uint64_t))
#define GROWTH      4

/* Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4). */
#define HASH_FACTOR 0x9e3779b97f4a7c15u

static int make_table(struct marshal_buffer *slots, size_t n_slots)
{
    unsigned char *at;
    int error;

    marshal_buffer_init(slots, false);
    error = marshal_buffer_extend(slots, n_slots * sizeof(uint64_t), MARSHAL_MAX_BYTES, &at);
    if (error == 0) {
        memset(at, 0, n_slots * sizeof(uint64_t));
    }
    return error == 0 ? 0 : -ENOMEM;
}

/* Where the address is, or belongs. 0 marks a free slot: nothing stands at NULL. */
static uint64_t *find_slot(struct marshal_buffer *slots, uint64_t address)
{
    uint64_t *table = (uint64_t *)(void *)slots->data;
    size_t mask = slots->n_bytes / sizeof(uint64_t) - 1;
    size_t i = (size_t)(address * HASH_FACTOR >> 32) & mask;

    while (table[i] != 0 && table[i] != address) {
        i = (i + 1) & mask;
    }
    return &table[i];
}

static int grow(struct graph_seen *seen)
{
    size_t n_slots = seen->slots.n_bytes / sizeof(uint64_t);
    const uint64_t *old = (const uint64_t *)(const void *)seen->slots.data;
    struct marshal_buffer larger;

    if (make_table(&larger, n_slots * GROWTH) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_slots; i++) {
        if (old[i] != 0) {
            *find_slot(&larger, old[i]) = old[i];
        }
    }
    marshal_buffer_fini(&seen->slots);
    seen->slots.data = larger.data; /* never in its own room: that holds FIRST_SLOTS */
    seen->slots.n_bytes = larger.n_bytes;
    seen->slots.capacity = larger.capacity;
    return 0;
}

void graph_seen_init(struct graph_seen *seen)
{
    seen->n_used = 0;
    make_table(&seen->slots, FIRST_SLOTS); /* in its own room: cannot fail */
}

void graph_seen_fini(struct graph_seen *seen)
{
    marshal_buffer_fini(&seen->slots);
}

int graph_seen_add(struct graph_seen *seen, const void *address)
{
    uint64_t *slot;

    if (seen->n_used >= seen->slots.n_bytes / sizeof(uint64_t) / 2 && grow(seen) != 0) {
        return -ENOMEM;
    }
    slot = find_slot(&seen->slots, (uintptr_t)address);
    if (*slot != 0) {
        return -ELOOP;
    }
    *slot = (uintptr_t)address;
    seen->n_used++;
    return 0;
}
