// SPDX-License-Identifier: MIT
/* What is done to all instances, whichever value they belong to: the end, fork, numbers, proof. */
#include "cache/instances.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>

void cache_instances_drop_entries(struct cache_instances *instances, cache_match_fn matches,
                                  void *context)
{
    uint32_t n = instances_n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        struct cache *cache = instance_cache(&instances->slots[i]);

        if (cache != NULL) {
            cache_drop(cache, matches, context);
        }
    }
}

void cache_instances_destroy(struct cache_instances *instances)
{
    uint32_t n = instances_n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        if (instances->slots[i].value_block != NULL) {
            block_release(&instances->pool, instances->slots[i].value_block);
        }
        if (instance_cache(&instances->slots[i]) != NULL) {
            cache_destroy(instance_cache(&instances->slots[i]));
        }
    }
    block_pool_fini(&instances->pool);
    pages_unmap(instances, instances->mapped_bytes);
}

/*
 * Entries stay, unless a thread was at it which did not survive: then all instances go. Slots that
 * such a thread had in hand are free again.
 */
void cache_instances_after_fork(struct cache_instances *instances)
{
    bool is_whole = block_pool_after_fork(&instances->pool) && !lock_is_held(&instances->lock);
    uint32_t n = instances_n_used(instances);

    lock_init(&instances->lock, LOCK_RANK_INSTANCES);
    for (uint32_t i = 0; i < n; i++) {
        if (instance_cache(&instances->slots[i]) != NULL) {
            cache_after_fork(instance_cache(&instances->slots[i]));
        }
        if (!is_whole) {
            instances->slots[i].value_block = NULL;
        }
        instances->slots[i].n_value_bytes |= UINT32_C(1) << 31; /* no value has it, so far */
    }
    if (is_whole) {
        for (uint32_t i = instances->oldest; i != NO_SLOT; i = instances->slots[i].newer) {
            instances->slots[i].n_value_bytes &= ~(UINT32_C(1) << 31);
        }
    } else {
        memset(instances->buckets, 0xff, instances->n_buckets * sizeof(instances->buckets[0]));
        instances->newest = instances->oldest = NO_SLOT;
        atomic_store_explicit(&instances->n_instances, 0, memory_order_relaxed);
    }
    instances->free = NO_SLOT;
    for (uint32_t i = 0; i < n; i++) {
        if (instances->slots[i].n_value_bytes >> 31 != 0) {
            instances_free_slot(instances, i);
        }
    }
}

void cache_instances_reset_counts(struct cache_instances *instances)
{
    uint32_t n = instances_n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        if (instance_cache(&instances->slots[i]) != NULL) {
            cache_reset_counts(instance_cache(&instances->slots[i]));
        }
    }
}

void cache_instances_read_usage(const struct cache_instances *instances,
                                struct cache_usage *ret_usage, uint64_t *ret_n_instances)
{
    uint32_t n = instances_n_used(instances);

    *ret_usage = (struct cache_usage){0};
    for (uint32_t i = 0; i < n; i++) {
        const struct cache *cache = instance_cache(&instances->slots[i]);
        struct cache_usage usage;

        if (cache != NULL) {
            cache_read_usage(cache, &usage);
            ret_usage->entries += usage.entries;
            ret_usage->bytes += usage.bytes;
            ret_usage->evictions += usage.evictions;
            ret_usage->expirations += usage.expirations;
            ret_usage->invalidations += usage.invalidations;
        }
    }
    *ret_n_instances = atomic_load_explicit(&instances->n_instances, memory_order_relaxed);
}

int cache_instances_check(struct cache_instances *instances)
{
    uint32_t n = instances_n_used(instances), n_aged = 0, n_chained = 0;
    int result = 0;

    for (uint32_t i = 0; i < n && result == 0; i++) {
        if (instance_cache(&instances->slots[i]) != NULL) {
            result = cache_check(instance_cache(&instances->slots[i]));
        }
    }
    if (!lock_acquire(&instances->lock)) {
        return -EBUSY;
    }
    for (uint32_t i = instances->oldest; i != NO_SLOT && n_aged <= n;
         i = instances->slots[i].newer) {
        n_aged++;
    }
    for (uint32_t b = 0; b < instances->n_buckets; b++) {
        for (uint32_t i = instances->buckets[b]; i != NO_SLOT && n_chained <= n;
             i = instances->slots[i].next) {
            n_chained++;
            if (instances_bucket(instances, instances->slots[i].hash) != &instances->buckets[b] ||
                instances_find_slot_locked(instances, instance_value(&instances->slots[i]),
                                           instances->slots[i].hash) != i) {
                result = -EUCLEAN;
            }
        }
    }
    if (n_aged != n_chained || n_aged != instances->n_instances || n_aged > n) {
        result = -EUCLEAN;
    }
    lock_release(&instances->lock);
    return result;
}
