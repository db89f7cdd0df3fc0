// SPDX-License-Identifier: MIT
/*
 * The remembered results of one function: bytes -> bytes, bounded in entries and in bytes, with
 * lives and single flight. Knows nothing of functions, prototypes or the configuration.
 *
 * The protocol of one call:
 *
 *     cache_lookup ── CACHE_HIT ─────────► use view, cache_view_release; *_AFTER_WAIT likewise
 *                  ├─ CACHE_MISS ────────► compute, then exactly one of cache_insert, cache_abandon
 *                  ├─ CACHE_REFRESH ─────► and cache_fall_back, if that is true
 *                  └─ CACHE_BYPASS_* ────► compute; nothing else to call
 *
 * A computation that never returns (longjmp, exception, cancelled thread) calls neither; its
 * flight is waited for until the waiters' timeout, or until its thread comes again with nothing to
 * compute, then taken to be gone: the first of those who waited computes, the others wait for it.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/bytes.h"
#include "cache/beside.h"
#include "cache/blocks.h"
#include "cache/hint.h"
#include "cache/long_key.h"
#include "cache/rows.h"
#include "cache/words.h"
#include <stdbool.h>
#include <stdint.h>

enum cache_policy {
#define CACHE_POLICY(name, symbol, word, help) CACHE_POLICY_##name,
#include "cache/policies.def"
#undef CACHE_POLICY
    CACHE_POLICY_COUNT
};

struct cache_options {
    enum cache_policy policy;
    uint64_t max_entries; /* at least 1 */
    uint64_t max_bytes;   /* what entries really hold, bookkeeping included */
    bool has_lives;       /* entries may have an end; false: none has, and none pays for it */
    bool may_refresh;     /* entries may be recomputed before their end; needs has_lives */
    uint64_t idle_ns;   /* entries also end so long after their last use; 0: no. Needs has_lives */
    uint64_t stale_ns;  /* kept for cache_fall_back so long after their end, if there is room */
    uint32_t n_shards;  /* 0: 1 up to 1024 entries, above that by size and cores */
    uint32_t key_bytes; /* every key has exactly this size; 0: they differ */
    uint32_t value_bytes; /* every value has exactly this size; 0: they differ */
    bool single_flight;
    bool secret;   /* keys or values are secret: no core dump, no swap, wiped on release */
    uint64_t seed; /* of draws and tables */
};

struct cache;

/* 0 or -errno (-EINVAL: a bound of 0, or what needs lives without them; -ENOMEM). */
int cache_create(const struct cache_options *options, struct cache **ret_cache);
void cache_destroy(struct cache *cache);

struct cache_key {
    struct bytes bytes;
    uint64_t hash; /* hash_bytes of bytes under the caller's seed */
};

enum cache_outcome {
    CACHE_HIT,
    CACHE_HIT_AFTER_WAIT,   /* another thread computed it while we slept */
    CACHE_STALE_AFTER_WAIT, /* another thread's computation failed, and it fell back */
    CACHE_MISS,             /* the caller computes; ret_ticket is valid */
    CACHE_REFRESH,          /* the same, though there is an entry, which others are served */
    CACHE_BYPASS_RECURSION, /* this thread is already computing this very key */
    CACHE_BYPASS_NO_WAIT,   /* another thread computes it and the caller must not wait */
    CACHE_BYPASS_TIMEOUT,   /* waited long enough, for two computations */
    CACHE_BYPASS_STUCK,     /* the shard's lock is held by a thread that is gone (base/lock.h) */
};

/*
 * What a hit hands out. Small values are copied into the caller's room; larger ones are pinned, but
 * for callers who ask for them in place.
 */
struct cache_view {
    const void *data; /* aligned to 8 */
    uint32_t n_bytes;
    void *pin; /* NULL for a copy */
};

/* A count that stood at `seen` before a computation began. */
struct cache_fence {
    const _Atomic uint32_t *count;
    uint32_t seen;
};

#define CACHE_MAX_FENCES 4

/* A miss in progress. Copyable; belongs to the call that got it. */
struct cache_ticket {
    uint64_t generation; /* of the cache when the miss began: older fills are dropped */
    uint64_t flight;     /* 0: none was registered */
    uint32_t shard;
    uint32_t absent_at; /* the key had no entry when the shard's sequence stood at one less; or 0 */
    uint64_t hash;      /* of that key */
    struct cache *cache;
    uint32_t n_fences; /* 0 from cache_lookup; the caller may add some before it computes */
    struct cache_fence fences[CACHE_MAX_FENCES]; /* if one has moved on, the fill is dropped */
};

/* What is computed is not to be kept: no cache is of that generation. */
static inline void cache_ticket_spoil(struct cache_ticket *ticket)
{
    ticket->generation = 0;
}

struct cache_lookup_options {
    uint64_t now_ns;          /* read only when the cache has lives; see below */
    const void *owner;        /* thread_self() */
    bool may_wait;            /* false while the thread is computing some other key */
    uint64_t wait_timeout_ns; /* for one computation; see CACHE_BYPASS_TIMEOUT */
    void *room;               /* at least CACHE_ROOM_BYTES, aligned to 8 */
    bool in_place;            /* the value is read before the cache is asked again; see below */
};

#define CACHE_ROOM_BYTES 256 /* a multiple of 8 */

/*
 * in_place: while the caller reads the value, it calls nothing of the cache's or the program's. In
 * a process without threads nothing can happen to the entry then, so that the view may be of the
 * cache's own memory, without a copy or a pin.
 *
 * Waiters that are woken because the result was not stored (cache_abandon, or an insert that did
 * not keep it) all return CACHE_MISS at once, with a ticket that has no flight.
 */
enum cache_outcome cache_lookup(struct cache *cache, const struct cache_key *key,
                                const struct cache_lookup_options *options,
                                struct cache_view *ret_view, struct cache_ticket *ret_ticket);

/*
 * For cache_find_words, which is a shorter way to a hit. False: this cache has entries of another
 * kind, or with lives.
 */
bool cache_words_init(struct cache_words *ret_words, struct cache *cache);

/* After every outcome that handed out a view, and after cache_fall_back. */
void cache_view_release(struct cache *cache, const struct cache_view *view);

/*
 * How long an entry lives, in a cache that has lives. The caller's clock may be set back or leap
 * ahead: an entry lives until the clock says that its end has come. If the clock may be behind the
 * true time, every now_ns is the latest that the time can be, and expires_ns is taken from the
 * earliest: then nothing is ever served beyond its life.
 */
struct cache_life {
    uint64_t expires_ns; /* seen while now < expires_ns; CACHE_NO_END: always */
    uint64_t early_ns;   /* delta * beta of refresh.h, when the cache may refresh; 0: not early */
    bool is_failure;     /* never served once it has expired */
};

#define CACHE_NO_END UINT64_MAX

/* now_ns + life_ns, or CACHE_NO_END if that is beyond all time. */
static inline uint64_t cache_end_ns(uint64_t now_ns, uint64_t life_ns)
{
    return life_ns > CACHE_NO_END - now_ns ? CACHE_NO_END : now_ns + life_ns;
}

/*
 * Keeps value under key and lands the ticket's flight. life: NULL has no end, and is the only one
 * in a cache without lives. Replaces an entry of that key. 0: stored. -ESTALE: a
 * generation or a fence has moved on since. -ETIME: it would have expired already; nothing is
 * changed, an older value of the key stays. -E2BIG: larger than max_bytes; likewise. -ENOMEM: no
 * memory, or other threads' inserts hold all room there is; an older value of the key may be gone.
 * In every case the waiters are released. -EBUSY: the lock is held by a thread that is gone;
 * nothing is changed, and waiters are left to their timeouts.
 */
int cache_insert(struct cache *cache, const struct cache_key *key, struct bytes value,
                 uint64_t now_ns, const struct cache_life *life, const struct cache_ticket *ticket);

/*
 * The short way of a miss, where values have one size and lie in slots, and entries are not
 * recomputed early, first in a process without threads; now_ns and owner as in struct
 * cache_lookup_options, is_computing the reverse of its may_wait. The key is in words. As
 * cache_lookup, of a key that has no entry, or one that has expired, and is not computed: true,
 * then ret_ticket is as after CACHE_MISS. False: nothing has happened, ask cache_lookup.
 * cache_begin_absent: the caller has seen that it has none, and nothing has happened since.
 */
bool cache_begin_words(struct cache *cache, const struct cache_key *key, uint64_t now_ns,
                       const void *owner, bool is_computing, struct cache_ticket *ret_ticket);
bool cache_begin_absent(struct cache *cache, const struct cache_key *key, const void *owner,
                        bool is_computing, struct cache_ticket *ret_ticket);

/*
 * cache_begin_words in a process with threads, whatever the owner computes. False, too, while
 * somebody else has the shard.
 */
bool cache_begin_beside_others(struct cache *cache, const struct cache_key *key, uint64_t now_ns,
                               const void *owner, struct cache_ticket *ret_ticket);

/*
 * As cache_insert in a cache without lives, for a key that was looked up so and that lies in a
 * slot: it and the value behind it, in words, of which the last of each is filled up with zeroes
 * (short_key.h, if keys differ in size). True: stored, and the flight has landed. False: nothing
 * has happened, ask cache_insert.
 */
typedef bool (*cache_fill_fn)(struct cache *cache, const uint64_t *row,
                              const struct cache_ticket *ticket);

/* The code of this cache; NULL: there is none. */
cache_fill_fn cache_fill_code(const struct cache *cache);

/*
 * The real call failed: answers with the entry of the key, unless it is a failure itself, its end
 * is stale_ns ago or more, or something was invalidated since the miss began. Then true, the flight
 * has landed, and those who waited for it are answered in the same way. False: nothing has
 * happened; the ticket is still to be used.
 */
bool cache_fall_back(struct cache *cache, const struct cache_key *key, uint64_t now_ns, void *room,
                     const struct cache_ticket *ticket, struct cache_view *ret_view);

/* The result is not to be kept: lands the flight, releases all waiters at once. */
void cache_abandon(struct cache *cache, const struct cache_ticket *ticket);

/*
 * Begins a new generation: no entry of before answers any more, and no fill that began before is
 * ever served. Lock-free and async-signal-safe; the entries go, and are counted as invalidations,
 * when their shard is next changed, or cleared.
 */
void cache_fence(struct cache *cache);

/* cache_fence, and drops every entry at once. */
void cache_clear(struct cache *cache);

/* Whether the entry of this key is to be dropped. Called with a lock held: no calls back. */
typedef bool (*cache_match_fn)(void *context, struct bytes key);

/*
 * Drops the entries that match, and lets no look-up join a computation whose key does. The caller
 * has moved their fence on before: computations that began earlier are not stored. Visits every
 * entry, a bounded number of them under the lock at a time. Where a shard's lock is held by a
 * thread that is gone, the whole cache is fenced instead.
 */
void cache_drop(struct cache *cache, cache_match_fn matches, void *context);

/*
 * In a forked child, by its only thread inside the shim: locks and flights start anew, entries
 * stay. A shard that a thread was changing which did not survive is emptied.
 */
void cache_after_fork(struct cache *cache);

struct cache_usage {
    uint64_t entries, bytes; /* now; expired entries that nobody has noticed yet are in it */
    uint64_t evictions, expirations,
        invalidations; /* entries since the start, or cache_reset_counts */
};

/* Async-signal-safe; not one instant's picture while others insert. */
void cache_read_usage(const struct cache *cache, struct cache_usage *ret_usage);

/* Zeroes evictions, expirations and invalidations (a forked child). */
void cache_reset_counts(struct cache *cache);

/*
 * Walks the whole cache under its locks, one shard after the other, and proves its structure. 0, or
 * -EUCLEAN; -ENOMEM. While others insert, its sums need not agree.
 */
int cache_check(struct cache *cache);

/* What one entry of these sizes counts against max_bytes: for tests and models. */
uint64_t cache_entry_bytes(const struct cache *cache, uint32_t key_bytes, uint32_t value_bytes);

/* ---- a cache for each value of something ----------------------------------------------------- */

#define CACHE_MAX_INSTANCES 16384

/*
 * Caches by value, at most max_instances at a time, all with the same options. When one more is
 * needed, the one that was asked for the longest ago makes way: its entries count as evictions, and
 * its memory, but for some KiB, goes back. Caches are never unmapped, so whoever got one may use it
 * whatever becomes of the instance: what was begun before is then not kept, or not found again.
 */
struct cache_instances;

/* n_shards 0 in options: 1. 0, -EINVAL or -ENOMEM. */
int cache_instances_create(const struct cache_options *options, uint32_t max_instances,
                           struct cache_instances **ret_instances);
void cache_instances_destroy(struct cache_instances *instances);

/* The cache of this value. hash: hash_bytes of it. 0, -ENOMEM, or -EBUSY as cache_insert. */
int cache_instances_find(struct cache_instances *instances, struct bytes value, uint64_t hash,
                         struct cache **ret_cache);

/* Drops the cache of this value; computations for it that began before are not kept. */
void cache_instances_drop(struct cache_instances *instances, struct bytes value, uint64_t hash);

/* As their namesakes, for all of them. */
void cache_instances_fence(struct cache_instances *instances);
void cache_instances_clear(struct cache_instances *instances);
void cache_instances_drop_entries(struct cache_instances *instances, cache_match_fn matches,
                                  void *context);
void cache_instances_after_fork(struct cache_instances *instances);
void cache_instances_reset_counts(struct cache_instances *instances);

/* Sums, and how many instances there are. Async-signal-safe. */
void cache_instances_read_usage(const struct cache_instances *instances,
                                struct cache_usage *ret_usage, uint64_t *ret_n_instances);

/* As cache_check. */
int cache_instances_check(struct cache_instances *instances);

#endif
