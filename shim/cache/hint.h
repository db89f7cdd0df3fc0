// SPDX-License-Identifier: MIT
/*
 * Where an entry with a short key was found, in one word, for whoever may look there first: not
 * whether it is there yet. Part of cache.h, as words.h is, of which it uses the shards; in a
 * process without threads.
 */
#ifndef CACHE_HINT_H
#define CACHE_HINT_H

#include "cache/words.h"

/* The lower half: how far the shard's front is from the first one; the upper: the slot from its
 * table's first, or from the first place. 0, too, is such a word. */
static inline uint64_t cache_make_hint(const struct cache_words *words,
                                       const struct cache_front *front, const char *slot,
                                       enum cache_words_use use)
{
    uint64_t offset;

    if (use == CACHE_WORDS_PLACE) {
        offset = (uint64_t)(slot - words->places);
        return offset <= UINT32_MAX ? offset << 32 : 0;
    }
    offset = (uint64_t)(slot - (const char *)alone_load(&front->slots));
    return offset <= UINT32_MAX
               ? offset << 32 | (uint64_t)((const char *)front - (const char *)words->first)
               : 0;
}

/*
 * The slot that a hint of this cache names. True: an entry is there that may answer, of whatever
 * key, which is to be compared. use: as for cache_candidates.
 */
static inline __attribute__((always_inline)) bool
cache_follow_hint(const struct cache_words *words, uint64_t hint, enum cache_words_use use,
                  struct cache_front **ret_front, char **ret_slot)
{
    const uint64_t group_bytes = CACHE_SHORT_SLOT_BYTES * GROUP_SLOTS;
    uint64_t generation = alone_load(words->generation), offset = hint >> 32;
    struct cache_front *front;
    char *slot;

    if (use == CACHE_WORDS_PLACE) {
        *ret_front = words->first; /* which is asked for nothing */
        *ret_slot = words->places + offset;
        return alone_load(*ret_slot) == generation;
    }
    front = (struct cache_front *)(void *)((char *)words->first + (uint32_t)hint);
    slot = (char *)alone_load(&front->slots) + offset;
    *ret_front = front;
    *ret_slot = slot;
    /* The table may be another by now, and smaller; a slot without an entry has no mark. */
    return alone_load(&front->generation) == generation &&
           offset < alone_load_half(&front->n_groups) * group_bytes &&
           alone_load_half(slot + CACHE_WORDS_MARK_AT) != 0;
}

#endif
