// SPDX-License-Identifier: MIT
/*
 * Hits of entries whose values lie in their slots, and so do the keys: both of one size each, of up
 * to eight words, or short keys (short_key.h) that differ in size, whose longer fellows lie in
 * blocks. With lives and under any policy. Part of cache.h, as words.h is, of which it uses the
 * first look; what is shorter still, for keys of one or two words and values of one, stands there.
 * It answers what cache_lookup would, or not at all.
 */
#ifndef CACHE_ROWS_H
#define CACHE_ROWS_H

#include "cache/long_key.h"
#include "cache/words.h"

#define CACHE_ROW_WORDS 8

/* Where the words of a life stand in a slot, from rows.life_at on. */
#define CACHE_ROW_EXPIRES_AT 0
#define CACHE_ROW_USED_AT    16
#define CACHE_ROW_END_AT     24

/* A cache that can be asked so. Filled in by cache_rows_init, constant from then on. */
struct cache_rows {
    struct cache_words words; /* use CACHE_WORDS_USES: a hit moves entries */
    struct cache *cache;
    uint32_t n_key_words, n_value_words; /* SHORT_KEY_WORDS if keys differ in size */
    uint32_t value_at;                   /* in a slot, as the next */
    uint32_t life_at;                    /* 0: entries live until they go */
    uint64_t idle_ns; /* how long after its last use an entry ends; 0: that is not asked */
};

/* False: this cache has entries of another kind, or such as are recomputed before their end. */
bool cache_rows_init(struct cache_rows *ret_rows, struct cache *cache);

static inline bool cache_row_is_alive(const struct cache_rows *rows, const char *slot,
                                      uint64_t now_ns)
{
    const char *life = slot + rows->life_at;
    uint64_t used_ns;

    if (rows->life_at == 0 || now_ns < shared_load(life + CACHE_ROW_EXPIRES_AT)) {
        return true;
    }
    if (rows->idle_ns == 0) {
        return false;
    }
    used_ns = shared_load(life + CACHE_ROW_USED_AT);
    return now_ns < shared_load(life + CACHE_ROW_END_AT) &&
           (now_ns < used_ns || now_ns - used_ns < rows->idle_ns);
}

/* A clock that is set back takes nothing off a life. */
static inline void cache_row_note_use(const struct cache_rows *rows, char *slot, uint64_t now_ns)
{
    char *used = slot + rows->life_at + CACHE_ROW_USED_AT;

    if (rows->idle_ns != 0 && shared_load(used) < now_ns) {
        shared_store(used, now_ns);
    }
}

/* The policy's on_hit. Not inlined: what it does is not little. */
void cache_move_row(const struct cache_rows *rows, struct cache_front *front, char *slot);

/* The entry counts as used. False: that cannot be noted here; ask cache_lookup. */
static inline bool cache_use_row(const struct cache_rows *rows, struct cache_front *front,
                                 char *slot, uint64_t now_ns)
{
    if (__builtin_expect(rows->words.use == CACHE_WORDS_USES, 0)) {
        cache_move_row(rows, front, slot);
    } else if (!cache_use_words(&rows->words, front, slot, rows->words.use)) {
        return false;
    }
    cache_row_note_use(rows, slot, now_ns);
    return true;
}

/*
 * The slot of the key's entry, alive or not, or NULL: ask cache_lookup. key: n_key_words words, of
 * which the last is filled up with zeroes (a short key, if keys differ in size); n_key_words is
 * that of rows, perhaps known when this is compiled. Only in a process without threads.
 */
static inline __attribute__((always_inline)) char *
cache_seek_row(const struct cache_rows *rows, const struct cache_front *front, const uint64_t *key,
               uint32_t n_key_words, uint64_t hash)
{
    struct cache_candidates found =
        cache_candidates(&rows->words, front, hash, rows->words.use, false);

    for (; found.mask != 0; found.mask &= found.mask - 1) {
        char *slot =
            found.slots + (size_t)(uint32_t)__builtin_ctz(found.mask) * rows->words.slot_bytes;
        uint32_t i = 0;

        while (i < n_key_words && shared_load(slot + CACHE_WORDS_KEY_AT + i * 8) == key[i]) {
            i++;
        }
        if (__builtin_expect(i == n_key_words, 1)) {
            return slot;
        }
    }
    return NULL;
}

/* What a look at where a key is looked for first has found. */
enum cache_row_look {
    CACHE_ROW_FOUND,
    CACHE_ROW_NOT,    /* nothing: ask cache_lookup */
    CACHE_ROW_PASSED, /* nothing, but entries went by: ask cache_find_further_key */
};

/* Of slots without lives, which hold nothing but a key and a value of so many words each. */
#define CACHE_ROW_SLOT_BYTES(n_key_words, n_value_words, use)     \
    (CACHE_WORDS_KEY_AT + 8 * ((n_key_words) + (n_value_words)) + \
     ((use) == CACHE_WORDS_PLACE ? CACHE_PLACE_LINKS_BYTES : 0))

/* Of keys that are looked for so. */
#define CACHE_ROW_LOOK_WORDS 4

/* The entry of this slot is the key's. */
static inline __attribute__((always_inline)) bool
cache_row_is(const char *slot, const uint64_t *key, uint32_t n_key_words)
{
    const char *at = slot + CACHE_WORDS_KEY_AT;

    return __builtin_expect(alone_load(at) == key[0] &&
                                (n_key_words < 2 || alone_load(at + 8) == key[1]) &&
                                (n_key_words < 3 || alone_load(at + 16) == key[2]) &&
                                (n_key_words < 4 || alone_load(at + 24) == key[3]),
                            1);
}

/*
 * Where most entries are, for keys of up to CACHE_ROW_LOOK_WORDS words, in slots of slot_bytes.
 * What is known of n_key_words, slot_bytes and use when this is compiled saves much. As
 * cache_seek_row.
 */
static inline __attribute__((always_inline)) enum cache_row_look
cache_look_at_row(const struct cache_words *words, const struct cache_front *front,
                  const uint64_t *key, uint64_t hash, uint32_t n_key_words, uint32_t slot_bytes,
                  enum cache_words_use use, char **ret_slot)
{
    struct cache_candidates found;

    if (use == CACHE_WORDS_PLACE) {
        char *place =
            words->places + ((hash >> 32 & words->place_mask) >> CACHE_PLACE_SHIFT) * slot_bytes;

        *ret_slot = place;
        return __builtin_expect(alone_load(place) == alone_load(words->generation), 1) &&
                       cache_row_is(place, key, n_key_words)
                   ? CACHE_ROW_FOUND
                   : CACHE_ROW_NOT;
    }
    if (!cache_home(words, front, hash, slot_bytes * GROUP_SLOTS, &found)) {
        return CACHE_ROW_NOT;
    }
    for (; (found.mask & GROUP_SLOTS_MASK) != 0; found.mask &= found.mask - 1) {
        char *slot = cache_candidate(&found, slot_bytes);

        if (cache_row_is(slot, key, n_key_words)) {
            *ret_slot = slot;
            return CACHE_ROW_FOUND;
        }
    }
    return cache_may_lie_further(words, front, hash) ? CACHE_ROW_PASSED : CACHE_ROW_NOT;
}

/* The entry of this slot answers, if it is alive. slot may be NULL. As cache_find_row. */
static inline __attribute__((always_inline)) bool cache_row_answers(const struct cache_rows *rows,
                                                                    struct cache_front *front,
                                                                    char *slot, uint64_t now_ns,
                                                                    bool use, uint64_t *ret_value)
{
    if (slot == NULL || !cache_row_is_alive(rows, slot, now_ns) ||
        (use && !cache_use_row(rows, front, slot, now_ns))) {
        return false;
    }
    for (uint32_t i = 0; i < rows->n_value_words; i++) {
        ret_value[i] = shared_load(slot + rows->value_at + i * 8);
    }
    return true;
}

/*
 * True: the live entry of the key has answered. now_ns is as in cache_lookup_options; the last word
 * of ret_value is filled up with zeroes. use: it counts as used. As cache_seek_row.
 */
static inline __attribute__((always_inline)) bool
cache_find_row(const struct cache_rows *rows, const uint64_t *key, uint32_t n_key_words,
               uint64_t hash, uint64_t now_ns, bool use, uint64_t *ret_value)
{
    struct cache_front *front = cache_front(&rows->words, hash);
    char *slot = cache_seek_row(rows, front, key, n_key_words, hash);

    if (__builtin_expect(slot == NULL, 0)) {
        slot = cache_find_further_key(&rows->words, front, key, n_key_words, hash);
    }
    return cache_row_answers(rows, front, slot, now_ns, use, ret_value);
}

/*
 * The same in a process with threads. Takes the shard's lock only if the policy's hits need it, and
 * only if it is free.
 */
bool cache_glance_row(const struct cache_rows *rows, const uint64_t *key, uint64_t hash,
                      uint64_t now_ns, bool use, uint64_t *ret_value);

/* Both of a long key, where they differ in size. */
bool cache_find_long_row(const struct cache_rows *rows, const struct long_key *key, uint64_t hash,
                         uint64_t now_ns, bool use, uint64_t *ret_value);

#endif
