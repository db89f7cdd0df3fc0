// SPDX-License-Identifier: MIT
/* What the files of cache_instances share. */
#ifndef CACHE_INSTANCES_H
#define CACHE_INSTANCES_H

#include "cache/cache_private.h"

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

static inline struct cache *instance_cache(const struct instance *instance)
{
    return atomic_load_explicit(&instance->cache, memory_order_acquire);
}

static inline uint32_t instances_n_used(const struct cache_instances *instances)
{
    return atomic_load_explicit(&instances->n_used, memory_order_acquire);
}

static inline struct bytes instance_value(struct instance *instance)
{
    return (struct bytes){instance->value_block != NULL ? block_value(instance->value_block)
                                                        : instance->value,
                          instance->n_value_bytes};
}

static inline uint32_t *instances_bucket(struct cache_instances *instances, uint64_t hash)
{
    return &instances->buckets[(hash >> 32) & (instances->n_buckets - 1)];
}

/* The slot of the value, or NO_SLOT. */
uint32_t instances_find_slot_locked(struct cache_instances *instances, struct bytes value,
                                    uint64_t hash);

/* Empties a slot that only the caller knows of, and frees it. No lock is held. */
void instances_free_slot(struct cache_instances *instances, uint32_t slot);

#endif
