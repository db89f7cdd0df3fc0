// SPDX-License-Identifier: MIT
/*
 * The life of a cache: creation, end, numbers. Looking up is in lookup.c and miss.c, filling and
 * evicting in insert.c, emptying in empty.c.
 */
#include "cache/cache_private.h"

#include "base/arena.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

static const struct policy *const policies[CACHE_POLICY_COUNT] = {
#define CACHE_POLICY(name, symbol, word, help) [CACHE_POLICY_##name] = &symbol,
#include "cache/policies.def"
#undef CACHE_POLICY
};

#define MAX_SHARDS        1024
#define AUTO_ONE_SHARD    1024 /* entries; at that size sixteen shards would cost 0.2 % of hits */
#define AUTO_SHARD_SIZE   256  /* entries; an automatic shard holds at least that many */
#define AUTO_MAX_SHARDS   64
#define FLIGHTS_PER_CACHE 128
#define FLIGHTS_PER_SHARD 16 /* at least */

static uint32_t count_cores(void)
{
    cpu_set_t cores;
    int saved_errno = errno;
    int result = sched_getaffinity(0, sizeof(cores), &cores);

    errno = saved_errno;
    return result == 0 ? (uint32_t)CPU_COUNT(&cores) : 1;
}

/*
 * One shard up to 1024 entries. Above that the smallest power of two that is at least four times
 * the cores, but at most 64 and at most one shard for 256 entries.
 */
static uint32_t choose_n_shards(const struct cache_options *options, uint64_t max_entries)
{
    uint32_t n_shards = 1;

    if (options->n_shards != 0) {
        n_shards = options->n_shards < MAX_SHARDS ? options->n_shards : MAX_SHARDS;
        return n_shards < max_entries ? n_shards : (uint32_t)max_entries;
    }
    if (max_entries > AUTO_ONE_SHARD) {
        uint32_t wanted = 4 * count_cores();

        while (n_shards < wanted && n_shards < AUTO_MAX_SHARDS &&
               (uint64_t)n_shards * 2 * AUTO_SHARD_SIZE <= max_entries) {
            n_shards *= 2;
        }
    }
    return n_shards;
}

static uint64_t entry_bytes(const struct table_layout *layout, uint64_t n_key_bytes,
                            uint64_t n_value_bytes)
{
    uint64_t n_bytes = layout->share_bytes;

    if (table_needs_block(layout, n_key_bytes)) {
        n_bytes += block_bytes(layout->n_key_bytes != 0 ? 0 : (uint32_t)n_key_bytes,
                               layout->n_value_bytes != 0 ? 0 : (uint32_t)n_value_bytes);
    }
    return n_bytes;
}

/*
 * Where the hash has what cache_shard_number goes by. Of n_places for each of n_shards, 0 where
 * there are groups: if those are a power of two, too, shard and place are one number, the place of
 * the key in the whole cache.
 */
static uint32_t shard_shift(uint32_t n_places, uint32_t n_shards)
{
    uint32_t above = 32 + CACHE_PLACE_SHIFT + (uint32_t)__builtin_ctz(n_places | 1u << 31);
    bool is_power = (n_shards & (n_shards - 1)) == 0;

    if (n_places == 0) {
        return is_power ? CACHE_SHARD_SHIFT + (uint32_t)__builtin_ctz(n_shards) - 16 : 8;
    }
    return is_power ? above + (uint32_t)__builtin_ctz(n_shards) - 16 : above;
}

/* Of a cache in memory. */
struct parts {
    size_t spares_at, flights_at, places_at, total;
};

static struct parts parts_of(const struct table_layout *layout, uint32_t n_shards,
                             uint32_t n_flights, uint32_t n_places)
{
    size_t page = pages_size();
    struct parts parts;

    parts.spares_at = sizeof(struct cache) + n_shards * sizeof(struct shard);
    parts.flights_at = parts.spares_at + n_shards * sizeof(struct table_spares);
    parts.places_at = parts.flights_at + (size_t)n_shards * n_flights * sizeof(struct flight);
    parts.places_at = (parts.places_at + page - 1) / page * page;
    parts.total = parts.places_at;
    if (layout->is_direct) {
        parts.total += table_places_bytes(layout, n_places, n_shards);
        parts.total = (parts.total + page - 1) / page * page;
    }
    return parts;
}

int cache_create(const struct cache_options *options, struct cache **ret_cache)
{
    struct table_layout layout = {.seed = options->seed,
                                  .secret = options->secret,
                                  .idle_ns = options->idle_ns,
                                  .stale_ns = options->stale_ns};
    uint64_t max_entries;
    uint32_t n_shards, n_flights, n_places = 0;
    struct parts parts;
    struct cache *cache;

    if (options->max_entries == 0 || options->max_bytes == 0 ||
        options->policy >= CACHE_POLICY_COUNT ||
        (!options->has_lives &&
         (options->may_refresh || options->idle_ns != 0 || options->stale_ns != 0))) {
        return -EINVAL;
    }
    layout.policy = policies[options->policy];
    table_layout_init(&layout, options->key_bytes, options->value_bytes, options->has_lives);
    max_entries = options->max_bytes / entry_bytes(&layout, 0, 0);
    max_entries = max_entries < options->max_entries ? max_entries : options->max_entries;
    max_entries = max_entries == 0 ? 1 : max_entries;
    layout.is_roomy = layout.policy->hit != POLICY_HIT_MOVES &&
                      max_entries <= options->max_bytes / entry_bytes(&layout, 0, 0) / 2;
    n_shards = choose_n_shards(options, max_entries);
    n_flights = FLIGHTS_PER_CACHE / n_shards;
    n_flights = n_flights < FLIGHTS_PER_SHARD ? FLIGHTS_PER_SHARD : n_flights;
    if (layout.is_direct) {
        n_places = table_choose_places(&layout, max_entries, options->max_bytes, n_shards);
    }
    parts = parts_of(&layout, n_shards, n_flights, n_places);
    cache = pages_map(parts.total);
    while (cache == NULL && n_places > 1) { /* bounds beyond all memory have fewer places */
        n_places /= 2;
        parts = parts_of(&layout, n_shards, n_flights, n_places);
        cache = pages_map(parts.total);
    }
    if (cache == NULL) {
        return -ENOMEM;
    }
    if (options->secret) {
        pages_protect_secret(cache, parts.places_at);
        pages_protect_secret((char *)cache + parts.places_at, parts.total - parts.places_at);
    }
    cache->options = *options;
    cache->policy = layout.policy;
    cache->layout = layout;
    cache->has_word_hits = layout.is_word && cache->policy->hit == POLICY_HIT_STAMPS &&
                           options->idle_ns == 0 && !options->may_refresh;
    cache->has_free_hits = cache->policy->hit != POLICY_HIT_MOVES;
    cache->shard_shift = shard_shift(n_places, n_shards);
    cache->max_shard_entries = max_entries;
    cache->n_shards = n_shards;
    cache->mapped_bytes = parts.total;
    atomic_init(&cache->draws, ~options->seed); /* the policy draws from the seed itself */
    block_pool_init(&cache->pool, options->secret);
    atomic_init(&cache->generation, CACHE_FIRST_GENERATION);
    for (uint32_t i = 0; i < n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        struct flight *places = (struct flight *)(void *)((char *)cache + parts.flights_at);
        struct table_spares *spares =
            (struct table_spares *)(void *)((char *)cache + parts.spares_at);

        shard->spares = &spares[i];
        shard->front.clock = &shard->clock;
        lock_init(&shard->lock, LOCK_RANK_SHARD);
        if (layout.is_direct) {
            table_init_places(&shard->table, &cache->layout, (char *)cache + parts.places_at,
                              n_places, n_shards, i);
            shard->table.generation = CACHE_FIRST_GENERATION;
        } else {
            table_init(&shard->table, &cache->layout, shard->spares, &shard->clock);
        }
        shard_note_table(shard);
        atomic_init(&shard->next_expiry_ns, UINT64_MAX);
        atomic_init(&shard->front.generation, CACHE_FIRST_GENERATION);
        flights_init(&shard->flights, places + (size_t)i * n_flights, n_flights, &cache->pool,
                     options->secret);
    }
    *ret_cache = cache;
    return 0;
}

void cache_destroy(struct cache *cache)
{
    size_t mapped_bytes = cache->mapped_bytes;

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];

        flights_land_all(&shard->flights);
        cache_release_blocks(cache, &shard->table);
        table_fini(&shard->table);
        table_spares_fini(shard->spares);
    }
    block_pool_fini(&cache->pool);
    if (cache->options.secret) {
        block_wipe(cache, mapped_bytes);
    }
    pages_unmap(cache, mapped_bytes);
}

uint64_t cache_entry_bytes(const struct cache *cache, uint32_t key_bytes, uint32_t value_bytes)
{
    return entry_bytes(&cache->layout, key_bytes, value_bytes);
}

uint64_t cache_slot_bytes(const struct cache *cache, const struct shard *shard, uint32_t slot)
{
    const struct block *block = table_block(&shard->table, slot);

    return block == NULL
               ? cache->layout.share_bytes
               : cache->layout.share_bytes + block_bytes(block->n_key_bytes, block->n_value_bytes);
}

uint64_t cache_take_out_locked(struct cache *cache, struct shard *shard, uint32_t slot,
                               struct policy_past *past)
{
    uint64_t n_bytes = cache_slot_bytes(cache, shard, slot);
    struct block *block;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    if (cache->policy->on_remove != NULL) {
        cache->policy->on_remove(&shard->table.order, slot, past);
    }
    block = table_remove(&shard->table, slot);
    shard->n_bytes -= n_bytes;
    if (cache->layout.life_at != 0) {
        shard_note_expiry_locked(shard);
    }
    shard_end_change_locked(shard);
    if (block != NULL) {
        block_release(&cache->pool, block);
    }
    return n_bytes;
}

void cache_expire_locked(struct cache *cache, struct shard *shard, uint32_t slot)
{
    uint64_t n_bytes = cache_take_out_locked(cache, shard, slot, NULL);

    lock_assert_held(&shard->lock);
    alone_add(&cache->n_expirations, 1);
    alone_subtract(&cache->n_bytes, n_bytes);
    alone_subtract(&cache->n_entries, 1);
}

void cache_read_usage(const struct cache *cache, struct cache_usage *ret_usage)
{
    uint64_t n_evictions = atomic_load_explicit(&cache->n_evictions, memory_order_relaxed);

    for (uint32_t i = 0; i < cache->n_shards; i++) {
        n_evictions += atomic_load_explicit(&cache->shards[i].n_evictions, memory_order_relaxed);
    }
    *ret_usage = (struct cache_usage){
        .entries = atomic_load_explicit(&cache->n_entries, memory_order_relaxed),
        .bytes = atomic_load_explicit(&cache->n_bytes, memory_order_relaxed),
        .evictions = n_evictions,
        .expirations = atomic_load_explicit(&cache->n_expirations, memory_order_relaxed),
        .invalidations = atomic_load_explicit(&cache->n_invalidations, memory_order_relaxed),
    };
}

void cache_reset_counts(struct cache *cache)
{
    atomic_store_explicit(&cache->n_evictions, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        atomic_store_explicit(&cache->shards[i].n_evictions, 0, memory_order_relaxed);
    }
    atomic_store_explicit(&cache->n_expirations, 0, memory_order_relaxed);
    atomic_store_explicit(&cache->n_invalidations, 0, memory_order_relaxed);
}
