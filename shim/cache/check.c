// SPDX-License-Identifier: MIT
/*
 * Proof of the structure: every count and every reference of a cache is derived again from its
 * entries and compared. Slow, and complete as far as it can be without knowing how keys are hashed.
 * Tests ask for it, and builds with MEMOSHIM_CHECKS prove a shard ever so often when it is filled.
 */
#include "cache/cache_private.h"

#include "base/arena.h"

#include <assert.h>
#include <errno.h>

#define PROOF_EVERY_SIZES 16

static uint32_t count_live(const struct order *order)
{
    uint32_t n_live = 0;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        n_live += order_mark(order, slot) != 0;
    }
    return n_live;
}

static const char fault_of_policy[] =
    "what the policy keeps is out of order, or not of these entries";

/* For one table: the stamps in use, sorted, and the passes of each group. */
struct scratch {
    uint64_t *stamps;
    uint32_t *n_passed;
};

/* Every entry is reachable from its home, and n_passed says exactly who is elsewhere. */
static const char *fault_of_groups(const struct table *table, struct scratch *scratch)
{
    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        const struct slot_head *head = order_slot(&table->order, slot);
        uint32_t to = slot / GROUP_SLOTS, hash = order_shared_hash((const char *)head);
        bool is_tagged = table->groups[to].tags[slot % GROUP_SLOTS] != 0;

        if (is_tagged != (slot_mark(head) != 0)) {
            return is_tagged ? "a tag stands for no entry" : "an entry has no tag";
        }
        if (!is_tagged) {
            continue;
        }
        for (uint32_t at = table_home(table, hash); at != to;) {
            scratch->n_passed[at]++;
            if (!group_may_be_passed_by(&table->groups[at], hash)) {
                return "a group does not say who has passed it";
            }
            at = at + 1 == table->n_groups ? 0 : at + 1;
        }
    }
    for (uint32_t at = 0; at < table->n_groups; at++) {
        uint32_t said = table->groups[at].n_passed;

        if (said != scratch->n_passed[at] && said != GROUP_PASSED_MAX) {
            return "a group's n_passed is not how many entries have passed it";
        }
        if (said == 0 && table->groups[at].passed != 0) {
            return "a group does not say who has passed it";
        }
    }
    return NULL;
}

/* Stamps are unique and not from the future. */
static const char *fault_of_order(const struct order *order, struct scratch *scratch)
{
    uint32_t n = 0, newest;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        uint32_t stamp = order_stamp_of(order, slot);

        if (stamp != 0) {
            scratch->stamps[n++] = stamp;
        }
    }
    order_sort(scratch->stamps, n);
    for (uint32_t i = 1; i < n; i++) {
        if (scratch->stamps[i] == scratch->stamps[i - 1]) {
            return "two entries have the same stamp";
        }
    }
    atomic_thread_fence(memory_order_acquire); /* hits may take stamps, and have taken those */
    newest = atomic_load_explicit(order->clock, memory_order_relaxed);
    if (n > 0 && stamp_era((uint32_t)scratch->stamps[0]) != stamp_era(newest)) {
        return "a stamp is of another era";
    }
    return n > 0 && scratch->stamps[n - 1] > newest ? "a stamp is from the future" : NULL;
}

/* A table of places has nothing else that could be broken. */
static const char *fault_of_places(const struct table *table)
{
    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        uint64_t head = shared_load(table_slot(table, slot));

        if (head != 0 && head != table->generation) {
            return "an entry is not of the table's generation";
        }
    }
    return NULL;
}

static int broken(const char *fault, const char **ret_fault)
{
    *ret_fault = fault;
    return -EUCLEAN;
}

int table_check(const struct table *table, const char **ret_fault)
{
    size_t page = pages_size();
    size_t n_bytes = (size_t)table->order.n_slots * sizeof(uint64_t) +
                     (size_t)table->n_groups * sizeof(uint32_t);
    struct scratch scratch;
    const char *fault;

    if (table->n_groups == 0 && !table->layout->is_direct) {
        return table->n_live == 0 && table->expiry.n == 0
                   ? 0
                   : broken("a table without groups has entries", ret_fault);
    }
    if (count_live(&table->order) != table->n_live) {
        return broken("n_live is not how many entries there are", ret_fault);
    }
    if (table->layout->life_at != 0 &&
        (table->expiry.n != table->n_live || expiry_check(&table->expiry) != 0)) {
        return broken("the heap of ends is out of order, or not of these entries", ret_fault);
    }
    if (table->layout->is_direct) {
        fault = fault_of_places(table);
        if (fault == NULL && table->layout->policy->check(&table->order, table->n_live) != 0) {
            fault = fault_of_policy;
        }
        return fault == NULL ? 0 : broken(fault, ret_fault);
    }
    n_bytes = (n_bytes + page - 1) / page * page;
    scratch.stamps = pages_map(n_bytes);
    if (scratch.stamps == NULL) {
        return -ENOMEM;
    }
    scratch.n_passed = (uint32_t *)(void *)(scratch.stamps + table->order.n_slots);
    fault = fault_of_groups(table, &scratch);
    if (fault == NULL && table->order.stamps != NULL) {
        fault = fault_of_order(&table->order, &scratch);
    }
    if (fault == NULL && table->layout->policy->check != NULL &&
        table->layout->policy->check(&table->order, table->n_live) != 0) {
        fault = fault_of_policy;
    }
    pages_unmap(scratch.stamps, n_bytes);
    return fault == NULL ? 0 : broken(fault, ret_fault);
}

static const char *fault_of_entries(const struct cache *cache, const struct shard *shard)
{
    const struct table *table = &shard->table;
    uint64_t n_bytes = 0;

    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        struct block *block;

        if (order_mark(&table->order, slot) == 0) {
            continue;
        }
        block = table_block(table, slot);
        if (table_key_is_short(table, slot)) {
            if (table_key(table, slot).n_bytes > SHORT_KEY_BYTES) {
                return "a short key is long";
            }
        } else if (block == NULL && table->layout->block_at != 0) {
            return "an entry has no block";
        }
        if (block != NULL && atomic_load(&block->n_references) == 0) {
            return "the block of an entry has been released";
        }
        n_bytes += cache_slot_bytes(cache, shard, slot);
    }
    return n_bytes == shard->n_bytes ? NULL : "n_bytes is not what the entries count";
}

/* Room is taken from the budget before an entry is placed, and given back after it has left. */
static const char *fault_of_budget(const struct cache *cache, const struct shard *shard)
{
    uint64_t n_entries = atomic_load(&cache->n_entries), n_bytes = atomic_load(&cache->n_bytes);

    if (n_entries < shard->table.n_live || n_bytes < shard->n_bytes) {
        return "entries hold more than was taken from the budget";
    }
    return n_entries > cache->options.max_entries || n_bytes > cache->options.max_bytes
               ? "more was taken from the budget than there is"
               : NULL;
}

static int check_shard_locked(const struct cache *cache, const struct shard *shard,
                              const char **ret_fault)
{
    const struct table *table = &shard->table;
    const char *fault;
    int result;

    lock_assert_held(&shard->lock);
    result = table_check(table, ret_fault);
    if (result != 0) {
        return result;
    }
    fault = fault_of_entries(cache, shard);
    if (fault == NULL) {
        fault = fault_of_budget(cache, shard);
    }
    if (fault != NULL) {
        return broken(fault, ret_fault);
    }
    if (atomic_load(&shard->front.sequence) % 2 != 0) {
        return broken("a change has not ended", ret_fault);
    }
    if (table->layout->life_at != 0 &&
        atomic_load(&shard->next_expiry_ns) != expiry_next_ns(&table->expiry)) {
        return broken("next_expiry_ns is not when the first entry expires", ret_fault);
    }
    for (uint32_t i = shard->flights.n_used; i < shard->flights.n_places; i++) {
        if (shard->flights.places[i].serial != 0) {
            return broken("there is a flight behind the last", ret_fault);
        }
    }
    return 0;
}

int cache_check(struct cache *cache)
{
    uint64_t n_entries = 0, n_bytes = 0;

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        const char *fault;
        int result;

        if (!lock_acquire(&shard->lock)) {
            return -EBUSY;
        }
        result = check_shard_locked(cache, shard, &fault);
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

#if MEMOSHIM_CHECKS
/*
 * At inserts 1, 2, 4, 8 and so on, and once that is many times what the shard can hold, at every so
 * many of them: so a proof costs an insert no more than a few slots' walk, however large the cache.
 */
void cache_prove_locked(const struct cache *cache, struct shard *shard)
{
    uint64_t enough = (uint64_t)shard->table.order.n_slots * PROOF_EVERY_SIZES;
    const char *fault;

    lock_assert_held(&shard->lock);
    if (++shard->n_inserts < shard->next_proof) {
        return;
    }
    shard->next_proof = shard->n_inserts + (shard->n_inserts < enough ? shard->n_inserts : enough);
    if (check_shard_locked(cache, shard, &fault) == -EUCLEAN) {
        __assert_fail(fault, __FILE__, __LINE__, __func__);
    }
}
#endif
