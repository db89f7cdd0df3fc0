// SPDX-License-Identifier: MIT
/*
 * What the files of this module share: a cache is a number of shards, a pool of blocks, and one
 * budget for all shards. Room is taken from the budget before an entry is placed, so that the
 * bounds hold at every moment, and a shard may hold any part of the whole.
 */
#ifndef CACHE_CACHE_PRIVATE_H
#define CACHE_CACHE_PRIVATE_H

#include "base/alone.h"
#include "base/draw.h"
#include "base/foreign_libc.h"
#include "base/lock.h"
#include "cache/block.h"
#include "cache/cache.h"
#include "cache/flight.h"
#include "cache/policy.h"
#include "cache/refresh.h"
#include "cache/table.h"

struct shard {
    _Alignas(CACHE_SHARD_BYTES) struct cache_front front;
    struct lock lock; /* LOCK_RANK_SHARD; guards all else, but for reads of the only thread of a
                         process, and those of cache_glance and cache_find_words */
    struct table table;
    struct table_spares *spares;     /* constant; what it points to is guarded */
    uint64_t n_bytes;                /* of its entries, as cache_entry_bytes counts them */
    _Atomic uint64_t next_expiry_ns; /* of its entries; a hint for other shards */
    _Atomic uint64_t n_evictions;    /* from it; anybody reads it */
    struct flights flights;
    _Alignas(64) stamp_clock clock; /* of the order; anybody adds to it */
#if MEMOSHIM_CHECKS
    uint64_t n_inserts, next_proof; /* at which of them the shard is proved */
#endif
};

struct cache {
    struct cache_options options; /* constant after creation, as all down to pool */
    const struct policy *policy;
    struct table_layout layout;
    uint64_t max_shard_entries; /* no table is made for more */
    uint32_t n_shards;
    bool has_word_hits;   /* layout.is_word, and the policy's hits are stamps */
    bool has_free_hits;   /* cache_glance answers */
    uint32_t shard_shift; /* for cache_shard_number */
    size_t mapped_bytes;
    struct block_pool pool;

    _Alignas(64) _Atomic uint64_t generation; /* read by every hit, written by invalidations only */
    const uint64_t no_slot[CACHE_SHORT_PLACE_BYTES / 8]; /* zeroes, which hints that name no entry
                                                            lead to */

    _Alignas(64) _Atomic uint64_t n_entries; /* the budget: what entries hold, and what inserts have
                                                reserved */
    _Atomic uint64_t n_bytes;
    _Atomic uint64_t n_evictions; /* of all at once; of others shards keep the count */
    _Atomic uint64_t n_expirations, n_invalidations;
    _Atomic uint64_t draws; /* the state of those that decide on early recomputation */

    struct shard shards[];
};

/*
 * What a generation is at least: the upper half is never 0, which is where the mark of a slot
 * lies, so that the head of a place (places.c) says that there is an entry as those of others do.
 */
#define CACHE_FIRST_GENERATION (((uint64_t)1 << 32) + 1)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the mark is the upper half");

/* Releases the blocks of a table that nobody else is given any more. */
void cache_release_blocks(struct cache *cache, struct table *table);

/* Drops the entries of an older generation. */
void cache_renew_locked(struct cache *cache, struct shard *shard);

/* The entries of the shard are of the generation that may answer. */
static inline bool shard_is_current(const struct cache *cache, const struct shard *shard)
{
    return atomic_load_explicit(&shard->front.generation, memory_order_relaxed) ==
           atomic_load_explicit(&cache->generation, memory_order_acquire);
}

/* The shard's lock; false when its holder is gone, and then the shard is not to be touched. */
__attribute__((warn_unused_result)) static inline bool shard_acquire(struct cache *cache,
                                                                     struct shard *shard)
{
    if (!lock_acquire(&shard->lock)) {
        return false;
    }
    if (__builtin_expect(!shard_is_current(cache, shard), 0)) {
        cache_renew_locked(cache, shard);
    }
    return true;
}

static inline struct shard *cache_shard(struct cache *cache, uint64_t hash)
{
    return &cache->shards[cache_shard_number(hash, cache->shard_shift, cache->n_shards)];
}

/*
 * Brackets every rearrangement: a forked child can tell a torn shard from one that was only read,
 * and a hit without the lock whether what it read was whole.
 * Without a lock only for a hit in a process that has no threads.
 */
static inline void shard_begin_change(struct shard *shard)
{
    uint32_t sequence = atomic_load_explicit(&shard->front.sequence, memory_order_relaxed);

    atomic_store_explicit(&shard->front.sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void shard_end_change(struct shard *shard)
{
    uint32_t sequence = atomic_load_explicit(&shard->front.sequence, memory_order_relaxed);

    atomic_store_explicit(&shard->front.sequence, sequence + 1, memory_order_release);
}

static inline void shard_begin_change_locked(struct shard *shard)
{
    lock_assert_held(&shard->lock);
    shard_begin_change(shard);
}

static inline void shard_end_change_locked(struct shard *shard)
{
    lock_assert_held(&shard->lock);
    shard_end_change(shard);
}

/*
 * What an empty table has in place of groups, and also of slots: an address to begin at, at which
 * nobody looks, since no tag leads there.
 */
extern const struct group cache_no_group;

/* After every change of the table itself, before the change ends. Nobody else writes. */
static inline void shard_note_table(struct shard *shard)
{
    struct table *table = &shard->table;

    atomic_store_explicit(&shard->front.groups,
                          table->groups != NULL ? table->groups : &cache_no_group,
                          memory_order_relaxed);
    atomic_store_explicit(&shard->front.slots,
                          table->order.slots != NULL ? table->order.slots
                                                     : (char *)(uintptr_t)&cache_no_group,
                          memory_order_relaxed);
    atomic_store_explicit(&shard->front.n_groups, table->n_groups, memory_order_relaxed);
    atomic_store_explicit(&shard->front.home_shift, group_home_shift(table->n_groups),
                          memory_order_relaxed);
}

/* One more entry has made way. Nobody else writes, and whoever reads needs no order. */
static inline void shard_count_eviction_locked(struct shard *shard)
{
    uint64_t n = atomic_load_explicit(&shard->n_evictions, memory_order_relaxed);

    lock_assert_held(&shard->lock);
    atomic_store_explicit(&shard->n_evictions, n + 1, memory_order_relaxed);
}

/* Of a cache with lives, after every change of who expires when. */
static inline void shard_note_expiry_locked(struct shard *shard)
{
    lock_assert_held(&shard->lock);
    atomic_store_explicit(&shard->next_expiry_ns, expiry_next_ns(&shard->table.expiry),
                          memory_order_relaxed);
}

static inline bool shard_is_alive(const struct shard *shard, uint32_t slot, uint64_t now_ns)
{
    return shard->table.expiry.life_at == 0 || expiry_is_alive(&shard->table.expiry, slot, now_ns);
}

/* Of what is there, up to the bound, so much is taken, or nothing. */
static inline bool cache_take_from(_Atomic uint64_t *used, uint64_t bound, uint64_t wanted)
{
    uint64_t now = atomic_load_explicit(used, memory_order_relaxed);

    if (__libc_single_threaded) {
        if (now > bound || wanted > bound - now) {
            return false;
        }
        atomic_store_explicit(used, now + wanted, memory_order_relaxed);
        return true;
    }
    do {
        if (now > bound || wanted > bound - now) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(used, &now, now + wanted, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* Of a live entry: whether this hit is to recompute it. No lock, and no draw until its end is near.
 */
static inline bool cache_is_refresh_due(struct cache *cache, const struct expiry *expiry,
                                        uint32_t slot, uint64_t now_ns)
{
    uint64_t mean_ns, end_ns, state;
    uint32_t drawn;

    if (__builtin_expect(!cache->options.may_refresh, 1)) {
        return false;
    }
    mean_ns = refresh_unpack(
        atomic_load_explicit(&expiry_life(expiry, slot)->early, memory_order_relaxed));
    end_ns = expiry_last_ns(expiry, slot);
    if (mean_ns == 0 || now_ns >= end_ns || end_ns - now_ns > mean_ns * REFRESH_MAX_MEANS) {
        return false;
    }
    /* Two threads may draw the same number at one time, not one the same again and again. */
    state = atomic_load_explicit(&cache->draws, memory_order_relaxed);
    drawn = draw_next(&state, cache->options.seed);
    atomic_store_explicit(&cache->draws, state, memory_order_relaxed);
    return refresh_is_due(end_ns - now_ns, mean_ns, drawn);
}

/*
 * A hit without the lock. True: the entry is there and alive, and has answered. False: it is to be
 * looked for under the lock; ret_is_due says whether that is because it is to be recomputed.
 */
bool cache_glance(struct cache *cache, struct shard *shard, const struct cache_key *key,
                  const struct cache_lookup_options *options, struct cache_view *ret_view,
                  bool *ret_is_due);

/* What a first look that had no answer saw. */
enum cache_sight {
    CACHE_SIGHT_UNCLEAR, /* there may be an entry */
    CACHE_SIGHT_DUE,     /* the entry is to be recomputed; the outcome may be CACHE_REFRESH */
    CACHE_SIGHT_NOTHING, /* there is none, and nobody can have changed that since */
};

/*
 * For whom a first look had no answer. With the lock, which is held afterwards, too, unless the
 * outcome is CACHE_BYPASS_STUCK.
 */
enum cache_outcome cache_look_again_locked(struct cache *cache, struct shard *shard,
                                           const struct cache_key *key,
                                           const struct cache_lookup_options *options,
                                           enum cache_sight sight, struct cache_view *ret_view,
                                           struct cache_ticket *ret_ticket);

/* The live entry of the key answers; an expired one is removed, unless it may still be of use. */
bool cache_answer_or_expire_locked(struct cache *cache, struct shard *shard,
                                   const struct cache_key *key,
                                   const struct cache_lookup_options *options,
                                   struct cache_view *ret_view);

/* What the entry in this slot counts. */
uint64_t cache_slot_bytes(const struct cache *cache, const struct shard *shard, uint32_t slot);

/*
 * Takes the entry out of the shard and releases its block. Returns what it counted, which is not
 * given back to the budget: that is the caller's. past: what the policy notes of an entry that is
 * being replaced, or NULL.
 */
uint64_t cache_take_out_locked(struct cache *cache, struct shard *shard, uint32_t slot,
                               struct policy_past *past);

/*
 * Nothing was invalidated since the miss began. Entries have the generation of their shard: what is
 * placed after a newer one has begun is of the older still, and never answers. A fence that moves
 * on later finds the entry when its owner walks the shard.
 */
bool cache_ticket_is_current_locked(const struct shard *shard, const struct cache_ticket *ticket);

/* The flight of a miss, if it has one, is over. */
void cache_land(struct cache *cache, const struct cache_ticket *ticket, enum flight_state how);

/* The entry of the key answers as cache_fall_back says. It does not count as used. */
bool cache_answer_stale_locked(struct cache *cache, struct shard *shard,
                               const struct cache_key *key, uint64_t now_ns, void *room,
                               struct cache_view *ret_view);

/* cache_clear, but its entries count as evictions. */
void cache_evict_all(struct cache *cache);

/* Takes out an expired entry, counts it, and gives its room back. */
void cache_expire_locked(struct cache *cache, struct shard *shard, uint32_t slot);

/*
 * After an insert. Builds with MEMOSHIM_CHECKS prove the structure of the shard now and then, and
 * end the process with what is broken; others pay nothing for it.
 */
#if MEMOSHIM_CHECKS
void cache_prove_locked(const struct cache *cache, struct shard *shard);
#else
static inline void cache_prove_locked(const struct cache *cache, struct shard *shard)
{
}
#endif

#endif
