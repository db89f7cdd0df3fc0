// SPDX-License-Identifier: MIT
/*
 * Proof of the structure, for tests: every count and every reference of a cache is derived again
 * from its entries and compared. Slow, and complete as far as it can be without knowing how keys
 * are hashed.
 */
#include "cache/cache_private.h"

#include "base/arena.h"

#include <errno.h>

static uint32_t count_live(const struct order *order)
{
    uint32_t n_live = 0;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        n_live += order_slot(order, slot)->stamp != 0;
    }
    return n_live;
}

/* For one table: the stamps in use, sorted, and the passes of each group. */
struct scratch {
    uint64_t *stamps;
    uint32_t *n_passed;
};

/* Every entry is reachable from its home, and n_passed says exactly who is elsewhere. */
static int check_groups(const struct table *table, struct scratch *scratch)
{
    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        const struct slot_head *head = order_slot(&table->order, slot);
        uint32_t to = slot / GROUP_SLOTS;
        bool is_tagged = table->groups[to].tags[slot % GROUP_SLOTS] != 0;

        if (is_tagged != (head->stamp != 0)) {
            return -EUCLEAN;
        }
        if (!is_tagged) {
            continue;
        }
        for (uint32_t at = table_home(table, head->hash); at != to;) {
            scratch->n_passed[at]++;
            at = at + 1 == table->n_groups ? 0 : at + 1;
        }
    }
    for (uint32_t at = 0; at < table->n_groups; at++) {
        uint32_t said = table->groups[at].n_passed;

        if (said != scratch->n_passed[at] && said != GROUP_PASSED_MAX) {
            return -EUCLEAN;
        }
    }
    return 0;
}

/* Stamps are unique and not from the future. */
static int check_order(const struct order *order, struct scratch *scratch)
{
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        uint32_t stamp = order_slot(order, slot)->stamp;

        if (stamp != 0) {
            scratch->stamps[n++] = stamp;
        }
    }
    order_sort(scratch->stamps, n);
    for (uint32_t i = 1; i < n; i++) {
        if (scratch->stamps[i] == scratch->stamps[i - 1]) {
            return -EUCLEAN;
        }
    }
    return n > 0 && scratch->stamps[n - 1] > order->clock ? -EUCLEAN : 0;
}

int table_check(const struct table *table)
{
    size_t page = pages_size();
    size_t n_bytes = (size_t)table->order.n_slots * sizeof(uint64_t) +
                     (size_t)table->n_groups * sizeof(uint32_t);
    struct scratch scratch;
    int result;

    if (table->n_groups == 0) {
        return table->n_live == 0 && table->expiry.n == 0 ? 0 : -EUCLEAN;
    }
    if (count_live(&table->order) != table->n_live) {
        return -EUCLEAN;
    }
    if (table->layout->life_at != 0 &&
        (table->expiry.n != table->n_live || expiry_check(&table->expiry) != 0)) {
        return -EUCLEAN;
    }
    n_bytes = (n_bytes + page - 1) / page * page;
    scratch.stamps = pages_map(n_bytes);
    if (scratch.stamps == NULL) {
        return -ENOMEM;
    }
    scratch.n_passed = (uint32_t *)(void *)(scratch.stamps + table->order.n_slots);
    result = check_groups(table, &scratch);
    if (result == 0) {
        result = check_order(&table->order, &scratch);
    }
    if (result == 0 && table->layout->policy->check != NULL) {
        result = table->layout->policy->check(&table->order, table->n_live);
    }
    pages_unmap(scratch.stamps, n_bytes);
    return result;
}

static int check_shard_locked(const struct cache *cache, const struct shard *shard)
{
    const struct table *table = &shard->table;
    uint64_t n_bytes = 0;
    int result;

    lock_assert_held(&shard->lock);
    result = table_check(table);
    if (result != 0) {
        return result;
    }
    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        struct block *block;

        if (order_slot(&table->order, slot)->stamp == 0) {
            continue;
        }
        block = table_block(table, slot);
        if ((block != NULL) != (table->layout->block_at != 0) ||
            (block != NULL && atomic_load(&block->n_references) == 0)) {
            return -EUCLEAN;
        }
        n_bytes += cache_slot_bytes(cache, shard, slot);
    }
    if (n_bytes != shard->n_bytes || atomic_load(&shard->sequence) % 2 != 0) {
        return -EUCLEAN;
    }
    if (table->layout->life_at != 0 &&
        atomic_load(&shard->next_expiry_ns) != expiry_next_ns(&table->expiry)) {
        return -EUCLEAN;
    }
    for (uint32_t i = shard->flights.n_used; i < shard->flights.n_places; i++) {
        if (shard->flights.places[i].serial != 0) {
            return -EUCLEAN;
        }
    }
    return 0;
}

int cache_check(struct cache *cache)
{
    uint64_t n_entries = 0, n_bytes = 0;

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        int result;

        if (!lock_acquire(&shard->lock)) {
            return -EBUSY;
        }
        result = check_shard_locked(cache, shard);
        n_entries += shard->table.n_live;
        n_bytes += shard->n_bytes;
        lock_release(&shard->lock);
        if (result != 0) {
            return result;
        }
    }
    return n_entries == atomic_load(&cache->n_entries) && n_bytes == atomic_load(&cache->n_bytes)
               ? 0
               : -EUCLEAN;
}
