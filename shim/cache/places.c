// SPDX-License-Identifier: MIT
/*
 * Tables that are mapped directly: where a key is follows from its hash alone, so that a hit reads
 * one slot and nothing else. No tags, no probing, no growing: the slots of all shards are made with
 * the cache, one array whose address never changes, and take memory once they are written. The head
 * of a slot is one word, the generation of its entry, or 0: one comparison says that there is an
 * entry and that it may answer. Finding, filling and freeing a slot stand in table.c, beside how it
 * is done for groups.
 *
 *     slots of shard 0, slots of shard 1 ... | heaps of ends, likewise | states of the policy
 */
#include "cache/table.h"

#include "base/arena.h"

#define MAX_PLACES ((uint64_t)1 << CACHE_PLACE_BITS) /* of all shards */

static size_t heap_bytes(const struct table_layout *layout, uint32_t n_places)
{
    return layout->life_at == 0 ? 0 : (size_t)n_places * sizeof(uint32_t);
}

static size_t slots_bytes(const struct table_layout *layout, uint32_t n_places)
{
    return (size_t)n_places * layout->slot_bytes;
}

static size_t state_bytes(const struct table_layout *layout, uint32_t n_places)
{
    return layout->policy->state_bytes(n_places);
}

uint32_t table_choose_places(const struct table_layout *layout, uint64_t max_entries,
                             uint64_t max_bytes, uint32_t n_shards)
{
    uint64_t n_entries = max_entries / n_shards + (max_entries % n_shards != 0);
    uint32_t n_places = 1;

    while (n_places < n_entries && (uint64_t)n_places * n_shards < MAX_PLACES) {
        n_places *= 2;
    }
    while (n_places > 1 && (uint64_t)n_places * n_shards > max_bytes / layout->share_bytes) {
        n_places /= 2;
    }
    return n_places;
}

/* An even number of heap entries, or none, lies before the states: those are aligned to 8. */
static size_t states_at(const struct table_layout *layout, uint32_t n_places, uint32_t n_shards)
{
    size_t at = (slots_bytes(layout, n_places) + heap_bytes(layout, n_places)) * n_shards;

    return (at + 7) / 8 * 8;
}

size_t table_places_bytes(const struct table_layout *layout, uint32_t n_places, uint32_t n_shards)
{
    return states_at(layout, n_places, n_shards) + state_bytes(layout, n_places) * n_shards;
}

void table_init_places(struct table *table, const struct table_layout *layout, char *memory,
                       uint32_t n_places, uint32_t n_shards, uint32_t shard)
{
    char *heaps = memory + slots_bytes(layout, n_places) * n_shards;

    table_init(table, layout, NULL, NULL); /* nobody stamps */
    table->order.slots = memory + slots_bytes(layout, n_places) * shard;
    table->order.n_slots = n_places;
    table->order.state =
        memory + states_at(layout, n_places, n_shards) + state_bytes(layout, n_places) * shard;
    table->expiry.slots = table->order.slots;
    table->expiry.slot_bytes = layout->slot_bytes;
    table->expiry.life_at = layout->life_at;
    table->expiry.idle_ns = layout->idle_ns;
    table->expiry.stale_ns = layout->stale_ns;
    table->expiry.heap = (uint32_t *)(void *)(heaps + heap_bytes(layout, n_places) * shard);
}

/* The whole pages between two addresses. */
static void return_pages(char *from, size_t n_bytes)
{
    size_t page = pages_size();
    uintptr_t begin = ((uintptr_t)from + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)from + n_bytes) / page * page;

    if (begin < end) {
        pages_empty((void *)begin, end - begin);
    }
}

void table_return_places(struct table *table)
{
    const struct table_layout *layout = table->layout;
    uint32_t n_places = table->order.n_slots;

    if (!layout->secret) { /* those stay locked, and were wiped one by one */
        return_pages(table->order.slots, slots_bytes(layout, n_places));
        return_pages((char *)table->expiry.heap, heap_bytes(layout, n_places));
    }
}

void table_reset_places(struct table *table)
{
    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        if (shared_load(table_slot(table, slot)) != 0) {
            shared_store(table_slot(table, slot), 0);
        }
    }
    shared_zero(table->order.state, state_bytes(table->layout, table->order.n_slots));
    table->expiry.n = 0;
    table->n_live = 0;
}
