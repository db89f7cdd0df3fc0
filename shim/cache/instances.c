// SPDX-License-Identifier: MIT
/*
 * A cache for each value: which value has which, and which goes when there are too many.
 *
 * A cache is made once and then goes from value to value. It is emptied, and so begins a new
 * generation, when it is taken from a value, and again at the moment it is given to the next:
 * whoever still works with it for the old one has a ticket of an older generation, or stores what
 * nobody finds, since entries are looked for by their whole key. So nobody has to say that he is
 * done with a cache, and a computation that never returns holds nothing.
 */
#include "cache/instances.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>

int cache_instances_create(const struct cache_options *options, uint32_t max_instances,
                           struct cache_instances **ret_instances)
{
    struct cache_instances *instances;
    uint32_t n_buckets = 1;
    size_t total, page = pages_size();

    if (max_instances == 0 || max_instances > CACHE_MAX_INSTANCES) {
        return -EINVAL;
    }
    while (n_buckets < max_instances) {
        n_buckets *= 2;
    }
    total = sizeof(*instances) + max_instances * sizeof(instances->slots[0]) +
            n_buckets * sizeof(instances->buckets[0]);
    total = (total + page - 1) / page * page;
    instances = pages_map(total);
    if (instances == NULL) {
        return -ENOMEM;
    }
    lock_init(&instances->lock, LOCK_RANK_INSTANCES);
    instances->max_instances = max_instances;
    instances->n_buckets = n_buckets;
    instances->mapped_bytes = total;
    instances->options = *options;
    instances->options.n_shards = options->n_shards == 0 ? 1 : options->n_shards;
    block_pool_init(&instances->pool, options->secret);
    instances->newest = instances->oldest = instances->free = NO_SLOT;
    instances->buckets = (uint32_t *)(void *)&instances->slots[max_instances];
    memset(instances->buckets, 0xff, n_buckets * sizeof(instances->buckets[0]));
    *ret_instances = instances;
    return 0;
}

/* ---- one slot -------------------------------------------------------------------------------- */

uint32_t instances_find_slot_locked(struct cache_instances *instances, struct bytes value,
                                    uint64_t hash)
{
    uint32_t slot = *instances_bucket(instances, hash);

    lock_assert_held(&instances->lock);
    for (; slot != NO_SLOT; slot = instances->slots[slot].next) {
        struct bytes found = instance_value(&instances->slots[slot]);

        if (instances->slots[slot].hash == hash && found.n_bytes == value.n_bytes &&
            (value.n_bytes == 0 || memcmp(found.data, value.data, value.n_bytes) == 0)) {
            break;
        }
    }
    return slot;
}

static void unlink_age_locked(struct cache_instances *instances, uint32_t slot)
{
    struct instance *instance = &instances->slots[slot];

    lock_assert_held(&instances->lock);
    *(instance->newer == NO_SLOT ? &instances->newest : &instances->slots[instance->newer].older) =
        instance->older;
    *(instance->older == NO_SLOT ? &instances->oldest : &instances->slots[instance->older].newer) =
        instance->newer;
}

static void link_newest_locked(struct cache_instances *instances, uint32_t slot)
{
    struct instance *instance = &instances->slots[slot];

    lock_assert_held(&instances->lock);
    instance->newer = NO_SLOT;
    instance->older = instances->newest;
    *(instances->newest == NO_SLOT ? &instances->oldest
                                   : &instances->slots[instances->newest].newer) = slot;
    instances->newest = slot;
}

/* From here on nobody finds it by its value. Its cache is yet to be emptied. */
static void take_from_value_locked(struct cache_instances *instances, uint32_t slot)
{
    struct instance *instance = &instances->slots[slot];
    uint32_t *link = instances_bucket(instances, instance->hash);

    lock_assert_held(&instances->lock);
    while (*link != slot) {
        link = &instances->slots[*link].next;
    }
    *link = instance->next;
    unlink_age_locked(instances, slot);
    if (instance->value_block != NULL) {
        block_release(&instances->pool, instance->value_block);
        instance->value_block = NULL;
    }
    if (instances->options.secret) {
        block_wipe(instance->value, sizeof(instance->value));
    }
    atomic_fetch_sub_explicit(&instances->n_instances, 1, memory_order_relaxed);
}

static int give_to_value_locked(struct cache_instances *instances, uint32_t slot,
                                struct bytes value, uint64_t hash)
{
    struct instance *instance = &instances->slots[slot];
    uint32_t *bucket = instances_bucket(instances, hash);

    lock_assert_held(&instances->lock);
    if (value.n_bytes > INLINE_VALUE_BYTES) {
        instance->value_block = block_create(&instances->pool, (struct bytes){NULL, 0}, value);
        if (instance->value_block == NULL) {
            return -ENOMEM;
        }
    } else if (value.n_bytes > 0) {
        memcpy(instance->value, value.data, value.n_bytes);
    }
    /* Whatever was begun in it since it was emptied is for another value, or of an unknown age. */
    cache_fence(instance_cache(instance));
    instance->n_value_bytes = (uint32_t)value.n_bytes;
    instance->hash = hash;
    instance->generation = atomic_load_explicit(&instances->generation, memory_order_acquire);
    instance->next = *bucket;
    *bucket = slot;
    link_newest_locked(instances, slot);
    atomic_fetch_add_explicit(&instances->n_instances, 1, memory_order_relaxed);
    return 0;
}

static void put_free_locked(struct cache_instances *instances, uint32_t slot)
{
    lock_assert_held(&instances->lock);
    instances->slots[slot].next = instances->free;
    instances->free = slot;
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool is_current(const struct cache_instances *instances, uint32_t slot)
{
    return instances->slots[slot].generation ==
           atomic_load_explicit(&instances->generation, memory_order_acquire);
}

/* A slot that no value has: a free one, a new one, or that of the oldest instance. */
static uint32_t take_slot_locked(struct cache_instances *instances, bool *ret_was_evicted)
{
    uint32_t slot = instances->free;

    lock_assert_held(&instances->lock);
    if (slot != NO_SLOT) {
        instances->free = instances->slots[slot].next;
    } else if (instances_n_used(instances) < instances->max_instances) {
        slot = instances_n_used(instances);
        atomic_store_explicit(&instances->n_used, slot + 1, memory_order_release);
    } else if (instances->oldest != NO_SLOT) {
        slot = instances->oldest;
        *ret_was_evicted = is_current(instances, slot);
        take_from_value_locked(instances, slot);
    }
    return slot;
}

/*
 * An empty cache for a slot that only the caller knows of. Without a lock: what a cache held may
 * take a while to release.
 */
static int empty_slot(struct cache_instances *instances, uint32_t slot, bool was_evicted)
{
    struct instance *instance = &instances->slots[slot];
    struct cache *cache = instance_cache(instance);
    int error;

    if (cache == NULL) {
        error = cache_create(&instances->options, &cache);
        if (error == 0) {
            atomic_store_explicit(&instance->cache, cache, memory_order_release);
        }
        return error;
    }
    if (was_evicted) {
        cache_evict_all(cache);
    } else {
        cache_clear(cache);
    }
    return 0;
}

/*
 * The slot of the value. -EAGAIN: *ret_slot is one for it that is yet to be emptied and given to
 * it; NO_SLOT: others have all there are in hand.
 */
static int look_locked(struct cache_instances *instances, struct bytes value, uint64_t hash,
                       uint32_t *ret_slot, bool *ret_was_evicted)
{
    uint32_t slot = instances_find_slot_locked(instances, value, hash);

    lock_assert_held(&instances->lock);
    *ret_slot = slot;
    if (slot == NO_SLOT) {
        *ret_slot = take_slot_locked(instances, ret_was_evicted);
        return -EAGAIN;
    }
    if (!is_current(instances, slot)) {
        take_from_value_locked(instances, slot);
        return -EAGAIN;
    }
    if (slot != instances->newest) {
        unlink_age_locked(instances, slot);
        link_newest_locked(instances, slot);
    }
    return 0;
}

int cache_instances_find(struct cache_instances *instances, struct bytes value, uint64_t hash,
                         struct cache **ret_cache)
{
    bool was_evicted = false;
    uint32_t slot, other;
    int error;

    if (!lock_acquire(&instances->lock)) {
        return -EBUSY;
    }
    error = look_locked(instances, value, hash, &slot, &was_evicted);
    lock_release(&instances->lock);
    if (error == -EAGAIN && slot != NO_SLOT) {
        error = empty_slot(instances, slot, was_evicted);
        if (!lock_acquire(&instances->lock)) {
            return -EBUSY;
        }
        other = instances_find_slot_locked(instances, value, hash);
        if (error == 0 && other == NO_SLOT) {
            error = give_to_value_locked(instances, slot, value, hash);
        }
        if (error != 0 || other != NO_SLOT) { /* another thread was faster */
            put_free_locked(instances, slot);
            slot = other;
        }
        lock_release(&instances->lock);
    }
    if (slot == NO_SLOT) {
        return -ENOMEM;
    }
    if (error == 0) {
        *ret_cache = instance_cache(&instances->slots[slot]);
    }
    return error;
}

/* ---- dropping -------------------------------------------------------------------------------- */

void instances_free_slot(struct cache_instances *instances, uint32_t slot)
{
    struct cache *cache = instance_cache(&instances->slots[slot]);

    if (cache != NULL) {
        cache_clear(cache);
    }
    if (lock_acquire(&instances->lock)) {
        put_free_locked(instances, slot);
        lock_release(&instances->lock);
    }
}

void cache_instances_drop(struct cache_instances *instances, struct bytes value, uint64_t hash)
{
    uint32_t slot;

    if (!lock_acquire(&instances->lock)) {
        cache_instances_fence(instances);
        return;
    }
    slot = instances_find_slot_locked(instances, value, hash);
    if (slot != NO_SLOT) {
        take_from_value_locked(instances, slot);
    }
    lock_release(&instances->lock);
    if (slot != NO_SLOT) {
        instances_free_slot(instances, slot);
    }
}

void cache_instances_fence(struct cache_instances *instances)
{
    atomic_fetch_add_explicit(&instances->generation, 1, memory_order_seq_cst);
}

/* Those of older generations are the oldest: whoever asks for one of them gets another. */
static uint32_t take_outdated(struct cache_instances *instances)
{
    uint32_t slot;

    if (!lock_acquire(&instances->lock)) {
        return NO_SLOT;
    }
    slot = instances->oldest;
    if (slot != NO_SLOT && is_current(instances, slot)) {
        slot = NO_SLOT;
    }
    if (slot != NO_SLOT) {
        take_from_value_locked(instances, slot);
    }
    lock_release(&instances->lock);
    return slot;
}

void cache_instances_clear(struct cache_instances *instances)
{
    uint32_t slot;

    cache_instances_fence(instances);
    while ((slot = take_outdated(instances)) != NO_SLOT) {
        instances_free_slot(instances, slot);
    }
}
