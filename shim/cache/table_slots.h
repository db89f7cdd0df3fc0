// SPDX-License-Identifier: MIT
/*
 * How a slot of a table of groups is taken and freed: a few instructions that become part of their
 * callers. Internal to cache; table.h says what they are for.
 */
#ifndef CACHE_TABLE_SLOTS_H
#define CACHE_TABLE_SLOTS_H

#include "cache/table.h"

/* A free slot for this hash, marked as taken. There must be one. */
static inline uint32_t slot_take(struct table *table, unsigned char tag, uint32_t hash_upper)
{
    uint32_t at = table_home(table, hash_upper);

    for (;;) {
        struct group *group = &table->groups[at];
        uint32_t mask = group_match(group, 0);

        if (__builtin_expect(mask != 0, 1)) {
            uint32_t i = (uint32_t)__builtin_ctz(mask);

            group_set_tag(group, i, tag);
            table->n_live++;
            return at * GROUP_SLOTS + i;
        }
        group_count_on(group, hash_upper);
        at = at + 1 == table->n_groups ? 0 : at + 1;
    }
}

/* The reverse. */
static inline void slot_free(struct table *table, uint32_t slot)
{
    uint32_t to = slot / GROUP_SLOTS;

    for (uint32_t at = table_home(table, order_shared_hash(table_slot(table, slot)));
         __builtin_expect(at != to, 0);) {
        group_count_off(&table->groups[at]);
        at = at + 1 == table->n_groups ? 0 : at + 1;
    }
    group_set_tag(&table->groups[to], slot % GROUP_SLOTS, 0);
    table->n_live--;
}

/*
 * A place is filled: its head is written last, for hits that ask nothing else. A change that was
 * left unfinished answers nobody.
 */
static inline void place_show(const struct table *table, char *at)
{
    __atomic_store_n((shared_word *)(void *)at, table->generation, __ATOMIC_RELEASE);
}

/* What lies in a slot: a key and its value, in two words or more. */
static inline void slot_write_row(char *at, const uint64_t *row, uint32_t n_words)
{
    uint32_t i = 2;

    at += TABLE_KEY_AT;
    shared_store(at, row[0]);
    shared_store(at + 8, row[1]);
    for (; __builtin_expect(i < n_words, 0); i++) {
        shared_store(at + i * sizeof(*row), row[i]);
    }
}

#endif
