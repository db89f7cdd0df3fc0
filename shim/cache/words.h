// SPDX-License-Identifier: MIT
/*
 * The shortest hit: keys of one or two words, values of one, which lie in the slots, in a cache
 * whose entries live until they go. Part of cache.h, so that the look-up becomes part of its
 * caller; what it has to know of shards stands here, too. It answers what cache_lookup would, or
 * not at all: all that needs a lock is cache_lookup's.
 */
#ifndef CACHE_WORDS_H
#define CACHE_WORDS_H

#include "base/alone.h"
#include "base/bits.h"
#include "cache/short_key.h"
#include "cache/stamps.h"
#include "cache/tags.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a shard, what hits without its lock have to know. Written under the lock. */
struct cache_front {
    _Atomic uint32_t sequence; /* odd while table, n_bytes or order are being rearranged */
    _Atomic uint32_t n_groups; /* of the table, as the next two; 0: nothing is mapped yet */
    _Atomic(const struct group *) groups; /* at least one, which may be empty */
    _Atomic(char *) slots;
    _Atomic uint64_t generation; /* of its entries: they answer while it is the cache's */
    stamp_clock *clock;          /* constant; the order's */
    _Atomic uint32_t home_shift; /* group_home_shift of n_groups */
};

/* What a use of an entry leaves in its slot. */
enum cache_words_use {
    CACHE_WORDS_LEAVE, /* nothing */
    CACHE_WORDS_COUNT, /* one more in the lowest bits of the mark, max_count, up to that */
    CACHE_WORDS_STAMP, /* the next stamp */
    CACHE_WORDS_PLACE, /* nothing, and each key has one place: no groups, no shard is looked at */
    CACHE_WORDS_USES
};

/* A cache that can be asked so. Filled in by cache_words_init, constant from then on. */
struct cache_words {
    struct cache_front *first;          /* of the first shard */
    const _Atomic uint64_t *generation; /* the cache's */
    uint32_t front_mask;                /* of the hash the bits that say how far from that one */
    uint32_t slot_bytes, group_bytes;   /* of a slot, of a group's slots */
    uint32_t max_count;
    char *places;        /* of CACHE_WORDS_PLACE, as the next two: all shards' slots */
    uint64_t place_mask; /* of the hash's upper half the bits that say which, where they are */
    uint32_t place_shard_shift; /* where of those are that say which shard */
    uint32_t n_shards;
    enum cache_words_use use;
    bool has_long_keys;  /* of two words */
    bool has_short_keys; /* and cache_find_short may be asked */
};

#define CACHE_WORDS_MARK_AT  4
#define CACHE_WORDS_KEY_AT   8
#define CACHE_WORDS_VALUE_AT 16 /* of long keys one word later */

/* Of slots that hold nothing but the head, a key of so many words, and a value of one. */
#define CACHE_WORDS_SLOT_BYTES(n_words) (CACHE_WORDS_KEY_AT + 8 * (n_words) + 8)

#define CACHE_PLACE_LINKS_BYTES 8 /* behind all else in a place */

/* Of a short key and a word in slots of groups, and in places. */
#define CACHE_SHORT_SLOT_BYTES  CACHE_WORDS_SLOT_BYTES(SHORT_KEY_WORDS)
#define CACHE_SHORT_PLACE_BYTES (CACHE_SHORT_SLOT_BYTES + CACHE_PLACE_LINKS_BYTES)

/* Shards are so far apart; those bits of a hash that choose one are the way to it, in bytes. */
#define CACHE_SHARD_BYTES 512
#define CACHE_SHARD_SHIFT 9

/* The place of a key is in the upper half of its hash from this bit on, and nowhere else. */
#define CACHE_PLACE_SHIFT 5
#define CACHE_PLACE_BITS  (32 - CACHE_PLACE_SHIFT)

/* Of a word for a word in places. */
#define CACHE_PLACE_BYTES 32

_Static_assert(CACHE_PLACE_BYTES == 1 << CACHE_PLACE_SHIFT, "a masked hash is an offset");

/*
 * The number of a key's shard, by 16 bits of its hash from there on. Where there are groups, these
 * choose neither tag nor group; if n_shards is a power of two, too, the uppermost of them are those
 * from CACHE_SHARD_SHIFT on.
 */
static inline uint32_t cache_shard_number(uint64_t hash, uint32_t shift, uint32_t n_shards)
{
    uint64_t turned = hash >> (shift & 63) | hash << (-shift & 63);

    return (uint32_t)(((turned & 0xffff) * n_shards) >> 16);
}

/* The same where there are groups and n_shards is a power of two. */
static inline struct cache_front *cache_front(const struct cache_words *words, uint64_t hash)
{
    return (struct cache_front *)(void *)((char *)words->first +
                                          ((uint32_t)hash & words->front_mask));
}

/*
 * The place of a key, which is not looked at. has_words: slots are of CACHE_PLACE_BYTES, which is
 * known when this is compiled.
 */
static inline __attribute__((always_inline)) char *cache_place(const struct cache_words *words,
                                                               uint64_t hash, bool has_words)
{
    uint64_t offset = hash >> 32 & words->place_mask;

    return words->places + (has_words ? offset : (offset >> CACHE_PLACE_SHIFT) * words->slot_bytes);
}

/* The slots of a group, and bit i: slot i has the tag of what is looked for. */
struct cache_candidates {
    char *slots;
    uint32_t mask;
};

/*
 * Of the shard's entries those that may have this hash; none once all were invalidated. A place has
 * the generation of its entry for a head, 0 if there is none, so that one comparison says both.
 * use: that of words, perhaps known when this is compiled; has_words: as for cache_place.
 */
static inline __attribute__((always_inline)) struct cache_candidates
cache_candidates(const struct cache_words *words, const struct cache_front *front, uint64_t hash,
                 enum cache_words_use use, bool has_words)
{
    struct cache_candidates found;
    const struct group *groups;
    uint32_t n_groups, home;

    if (use == CACHE_WORDS_PLACE) {
        found.slots = cache_place(words, hash, has_words);
        found.mask = shared_load(found.slots) ==
                     atomic_load_explicit(words->generation, memory_order_relaxed);
        return found;
    }
    n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
    groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    home = group_home((uint32_t)(hash >> 32), n_groups);
    found.slots = atomic_load_explicit(&front->slots, memory_order_relaxed) +
                  (size_t)home * words->group_bytes;
    found.mask = 0;
    if (__builtin_expect(atomic_load_explicit(&front->generation, memory_order_relaxed) ==
                             atomic_load_explicit(words->generation, memory_order_relaxed),
                         1)) {
        found.mask = group_match(&groups[home], tag_of_hash(hash));
    }
    return found;
}

/* The entry of this slot is the key's. */
static inline __attribute__((always_inline)) bool cache_words_are(const struct cache_words *words,
                                                                  const char *slot, uint64_t low,
                                                                  uint64_t high, bool may_be_long)
{
    return __builtin_expect(shared_load(slot + CACHE_WORDS_KEY_AT) == low, 1) &&
           (!may_be_long || !words->has_long_keys ||
            shared_load(slot + CACHE_WORDS_KEY_AT + 8) == high);
}

/*
 * The slot of the key's entry, or NULL: ask cache_lookup. hash: of the key's bytes, which low and
 * high are, filled up with zeroes. may_be_long: false if the caller knows that the cache has no
 * long keys; use as for cache_candidates. Only in a process without threads, where nobody else can
 * be inside the shard.
 */
static inline __attribute__((always_inline)) char *
cache_find_words(const struct cache_words *words, const struct cache_front *front, uint64_t low,
                 uint64_t high, uint64_t hash, bool may_be_long, enum cache_words_use use)
{
    struct cache_candidates found = cache_candidates(words, front, hash, use, !may_be_long);

    for (; found.mask != 0; found.mask &= found.mask - 1) {
        char *slot = found.slots + (size_t)(uint32_t)__builtin_ctz(found.mask) * words->slot_bytes;

        if (cache_words_are(words, slot, low, high, may_be_long)) {
            return slot;
        }
    }
    return NULL;
}

/*
 * Of the shard's groups the one where a key of this hash, of which only the upper half counts, is
 * looked for first: its slots, and bit i: slot i has the tag, but beyond GROUP_SLOTS_MASK any bits
 * may be set. False: all were invalidated.
 */
static inline __attribute__((always_inline)) bool cache_home(const struct cache_words *words,
                                                             const struct cache_front *front,
                                                             uint64_t hash, uint32_t group_bytes,
                                                             struct cache_candidates *ret_found)
{
    uint64_t offset, times = group_bytes / sizeof(struct group);
    uint32_t shift;
    const char *groups;
    char *slots;

    if (__builtin_expect(alone_load(&front->generation) != alone_load(words->generation), 0)) {
        return false;
    }
    shift = alone_load_half(&front->home_shift);
    offset = __builtin_expect(shift != 0, 1)
                 ? group_home_by_shift(hash, shift)
                 : group_home_at(hash, alone_load_half(&front->n_groups));
    groups = (const char *)alone_load(&front->groups);
    ret_found->mask = group_match_hash((const struct group *)(const void *)(groups + offset), hash);
    slots = (char *)alone_load(&front->slots) + bits_times(offset, times);
    __asm__("" : "+r"(slots)); /* a sum that is there before the match is, and not made after it */
    ret_found->slots = slots;
    return true;
}

/* The first of the slots that mask names, with the 8 in the address. */
static inline __attribute__((always_inline)) char *
cache_candidate(const struct cache_candidates *found, uint32_t slot_bytes)
{
    return found->slots + bits_lowest(found->mask) * (slot_bytes / 8) * 8;
}

/*
 * The same, but in the key's home group only, where 96 % are, so that nothing has to be kept for a
 * second look: if this is false, ask cache_find_further. n_words: of a key, 1 or 2, or 0 if the
 * caller does not know; what it knows when it is compiled saves multiplications. With n_words the
 * slots hold nothing else.
 */
static inline __attribute__((always_inline)) bool
cache_find_home(const struct cache_words *words, const struct cache_front *front, uint64_t low,
                uint64_t high, uint64_t hash, uint32_t n_words, enum cache_words_use use,
                char **ret_slot)
{
    uint32_t slot_bytes = n_words == 0 ? words->slot_bytes : CACHE_WORDS_SLOT_BYTES(n_words);
    uint32_t group_bytes = n_words == 0 ? words->group_bytes : slot_bytes * GROUP_SLOTS;
    const bool has_high = n_words == 2 || (n_words == 0 && words->has_long_keys);
    struct cache_candidates found;

    if (use == CACHE_WORDS_PLACE) {
        *ret_slot = cache_find_words(words, front, low, high, hash, n_words != 1, use);
        return *ret_slot != NULL;
    }
    if (!cache_home(words, front, hash, group_bytes, &found)) {
        return false;
    }
    for (; (found.mask & GROUP_SLOTS_MASK) != 0; found.mask &= found.mask - 1) {
        char *slot = cache_candidate(&found, slot_bytes);

        if (__builtin_expect(alone_load(slot + CACHE_WORDS_KEY_AT) == low, 1) &&
            (!has_high || alone_load(slot + CACHE_WORDS_KEY_AT + 8) == high)) {
            *ret_slot = slot;
            return true;
        }
    }
    return false;
}

/* An entry that is not in its home group may lie in another: cache_find_further is to be asked. */
static inline bool cache_may_lie_further(const struct cache_words *words,
                                         const struct cache_front *front, uint64_t hash)
{
    const struct group *groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
    uint32_t n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
    uint32_t hash_upper = (uint32_t)(hash >> 32);

    return words->use != CACHE_WORDS_PLACE &&
           group_may_be_passed_by(&groups[group_home(hash_upper, n_groups)], hash_upper);
}

/*
 * The slot of an entry that does not lie in its home group, or NULL. As cache_find_words, of a key
 * of any number of words, or a short key.
 */
char *cache_find_further_key(const struct cache_words *words, const struct cache_front *front,
                             const uint64_t *key, uint32_t n_words, uint64_t hash);

static inline char *cache_find_further(const struct cache_words *words,
                                       const struct cache_front *front, uint64_t low, uint64_t high,
                                       uint64_t hash)
{
    const uint64_t key[2] = {low, high};

    return cache_find_further_key(words, front, key, words->has_long_keys ? 2 : 1, hash);
}

/* The entry of this slot is the key's. */
static inline __attribute__((always_inline)) bool cache_short_is(const char *slot,
                                                                 const struct short_key *key)
{
    const char *at = slot + CACHE_WORDS_KEY_AT;

    return __builtin_expect(alone_load(at) == key->words[0] &&
                                alone_load(at + 8) == key->words[1] &&
                                alone_load(at + 16) == key->words[2],
                            1);
}

/*
 * cache_find_home for keys that differ in size, of at most SHORT_KEY_BYTES bytes, in slots that
 * hold nothing but them and a value of one word. What it does not find, cache_lookup may.
 */
static inline __attribute__((always_inline)) bool
cache_find_short(const struct cache_words *words, const struct cache_front *front,
                 const struct short_key *key, uint64_t hash, enum cache_words_use use,
                 char **ret_slot)
{
    struct cache_candidates found;

    if (use == CACHE_WORDS_PLACE) {
        uint64_t place = (hash >> 32 & words->place_mask) >> CACHE_PLACE_SHIFT;

        *ret_slot = words->places + place * CACHE_SHORT_PLACE_BYTES;
        return __builtin_expect(alone_load(*ret_slot) == alone_load(words->generation), 1) &&
               cache_short_is(*ret_slot, key);
    }
    if (!cache_home(words, front, hash, CACHE_SHORT_SLOT_BYTES * GROUP_SLOTS, &found)) {
        return false;
    }
    for (; (found.mask & GROUP_SLOTS_MASK) != 0; found.mask &= found.mask - 1) {
        *ret_slot = cache_candidate(&found, CACHE_SHORT_SLOT_BYTES);
        if (cache_short_is(*ret_slot, key)) {
            return true;
        }
    }
    return false;
}

/* Its value, filled up with zeroes. */
static inline uint64_t cache_words_value(const struct cache_words *words, const char *slot,
                                         bool may_be_long)
{
    return shared_load(slot + CACHE_WORDS_VALUE_AT + (may_be_long && words->has_long_keys ? 8 : 0));
}

/*
 * The entry counts as used; clock: of its shard. False: it cannot be noted here; ask cache_lookup.
 * As cache_find_words, in a process without threads.
 */
static inline bool cache_use_slot(const struct cache_words *words, stamp_clock *clock, char *slot,
                                  enum cache_words_use use)
{
    uint32_t *mark = (uint32_t *)(void *)(slot + CACHE_WORDS_MARK_AT);

    if (use == CACHE_WORDS_STAMP) {
        uint32_t stamp;

        if (!stamp_take_alone(clock, &stamp)) {
            return false;
        }
        *mark = stamp;
    } else if (use == CACHE_WORDS_COUNT && (*mark & words->max_count) != words->max_count) {
        ++*mark;
    }
    return true;
}

static inline bool cache_use_words(const struct cache_words *words, struct cache_front *front,
                                   char *slot, enum cache_words_use use)
{
    return cache_use_slot(words, front->clock, slot, use);
}

/*
 * All this in a process with threads; use false: the entry does not count as used. What was read
 * counts only if the shard's sequence says that nothing changed meanwhile, as in glance.c.
 */
bool cache_glance_words(const struct cache_words *words, uint64_t low, uint64_t high, uint64_t hash,
                        bool use, uint64_t *ret_value);

#endif
