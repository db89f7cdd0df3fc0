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
#include "cache/cache_private.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>

#define NO_SLOT            UINT32_MAX
#define INLINE_VALUE_BYTES 24

/* One cache and, while it is in use, its value. Guarded by the lock, but for cache. */
struct instance {
    struct cache *_Atomic cache; /* NULL until the slot is used for the first time, then constant */
    uint64_t hash;
    uint64_t generation;   /* of all instances, when this one began */
    uint32_t next;         /* in its bucket, or in the list of free slots */
    uint32_t newer, older; /* by when they were asked for */
    uint32_t n_value_bytes;
    struct block *value_block; /* for values that do not fit below */
    unsigned char value[INLINE_VALUE_BYTES];
};

struct cache_instances {
    struct lock lock; /* LOCK_RANK_INSTANCES */
    uint32_t max_instances;
    uint32_t n_buckets; /* a power of two */
    size_t mapped_bytes;
    struct cache_options options;
    struct block_pool pool; /* of long values */

    _Atomic uint64_t generation;
    _Atomic uint32_t n_used;      /* slots from here on never had a value */
    _Atomic uint32_t n_instances; /* that have one now */
    uint32_t newest, oldest, free;
    uint32_t *buckets;
    struct instance slots[];
};

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

static struct cache *cache_of(const struct instance *instance)
{
    return atomic_load_explicit(&instance->cache, memory_order_acquire);
}

static uint32_t n_used(const struct cache_instances *instances)
{
    return atomic_load_explicit(&instances->n_used, memory_order_acquire);
}

/* ---- one slot -------------------------------------------------------------------------------- */

static struct bytes value_of(struct instance *instance)
{
    return (struct bytes){instance->value_block != NULL ? block_value(instance->value_block)
                                                        : instance->value,
                          instance->n_value_bytes};
}

static uint32_t *bucket_of(struct cache_instances *instances, uint64_t hash)
{
    return &instances->buckets[(hash >> 32) & (instances->n_buckets - 1)];
}

static uint32_t find_locked(struct cache_instances *instances, struct bytes value, uint64_t hash)
{
    uint32_t slot = *bucket_of(instances, hash);

    lock_assert_held(&instances->lock);
    for (; slot != NO_SLOT; slot = instances->slots[slot].next) {
        struct bytes found = value_of(&instances->slots[slot]);

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
    uint32_t *link = bucket_of(instances, instance->hash);

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
    uint32_t *bucket = bucket_of(instances, hash);

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
    cache_fence(cache_of(instance));
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
    } else if (n_used(instances) < instances->max_instances) {
        slot = n_used(instances);
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
    struct cache *cache = cache_of(instance);
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
    uint32_t slot = find_locked(instances, value, hash);

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
        other = find_locked(instances, value, hash);
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
        *ret_cache = cache_of(&instances->slots[slot]);
    }
    return error;
}

/* ---- dropping -------------------------------------------------------------------------------- */

/* Empties a slot that only the caller knows of, and frees it. */
static void free_slot(struct cache_instances *instances, uint32_t slot)
{
    struct cache *cache = cache_of(&instances->slots[slot]);

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
    slot = find_locked(instances, value, hash);
    if (slot != NO_SLOT) {
        take_from_value_locked(instances, slot);
    }
    lock_release(&instances->lock);
    if (slot != NO_SLOT) {
        free_slot(instances, slot);
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
        free_slot(instances, slot);
    }
}

void cache_instances_drop_entries(struct cache_instances *instances, cache_match_fn matches,
                                  void *context)
{
    uint32_t n = n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        struct cache *cache = cache_of(&instances->slots[i]);

        if (cache != NULL) {
            cache_drop(cache, matches, context);
        }
    }
}

/* ---- the rest -------------------------------------------------------------------------------- */

void cache_instances_destroy(struct cache_instances *instances)
{
    uint32_t n = n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        if (instances->slots[i].value_block != NULL) {
            block_release(&instances->pool, instances->slots[i].value_block);
        }
        if (cache_of(&instances->slots[i]) != NULL) {
            cache_destroy(cache_of(&instances->slots[i]));
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
    uint32_t n = n_used(instances);

    lock_init(&instances->lock, LOCK_RANK_INSTANCES);
    for (uint32_t i = 0; i < n; i++) {
        if (cache_of(&instances->slots[i]) != NULL) {
            cache_after_fork(cache_of(&instances->slots[i]));
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
            free_slot(instances, i);
        }
    }
}

void cache_instances_reset_counts(struct cache_instances *instances)
{
    uint32_t n = n_used(instances);

    for (uint32_t i = 0; i < n; i++) {
        if (cache_of(&instances->slots[i]) != NULL) {
            cache_reset_counts(cache_of(&instances->slots[i]));
        }
    }
}

void cache_instances_read_usage(const struct cache_instances *instances,
                                struct cache_usage *ret_usage, uint64_t *ret_n_instances)
{
    uint32_t n = n_used(instances);

    *ret_usage = (struct cache_usage){0};
    for (uint32_t i = 0; i < n; i++) {
        const struct cache *cache = cache_of(&instances->slots[i]);
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
    uint32_t n = n_used(instances), n_aged = 0, n_chained = 0;
    int result = 0;

    for (uint32_t i = 0; i < n && result == 0; i++) {
        if (cache_of(&instances->slots[i]) != NULL) {
            result = cache_check(cache_of(&instances->slots[i]));
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
            if (bucket_of(instances, instances->slots[i].hash) != &instances->buckets[b] ||
                find_locked(instances, value_of(&instances->slots[i]), instances->slots[i].hash) !=
                    i) {
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
