// SPDX-License-Identifier: MIT
/*
 * Where an entry with a short key was found, in one word, for whoever may look there first: not
 * whether it is there yet. Part of cache.h, as words.h is; in a process without threads.
 *
 * A hint is of the generation that the cache had when it was made, and must not be followed in
 * another, nor in a child that was forked since: then its shard has the same table yet, or a larger
 * one. Of the smaller ones memory stays where it was until the cache ends, and nobody is there
 * (table.h).
 */
#ifndef CACHE_HINT_H
#define CACHE_HINT_H

#include "cache/words.h"

#define CACHE_HINT_BYTES 8

/* Behind the cache's generation: a slot that never has an entry. */
#define CACHE_NO_SLOT_AT 8

/*
 * The lower half: how far the slot is from that one, in eights, with a sign; the upper half: how
 * far the shard's clock is from the generation. 0, if the slot is too far: then nobody is there.
 */
static inline uint64_t cache_make_hint(const struct cache_words *words,
                                       const struct cache_front *front, const char *slot)
{
    intptr_t from = (intptr_t)words->generation;
    int64_t eights = ((intptr_t)slot - (from + CACHE_NO_SLOT_AT)) / 8;

    return eights == (int32_t)eights
               ? (uint64_t)((intptr_t)front->clock - from) << 32 | (uint32_t)eights
               : 0;
}

/*
 * The slot that the hint names that lies there, and what cache_use_slot asks for. True: an entry is
 * there that may answer, of whatever key, which is to be compared. generation: the cache's; use: as
 * for cache_candidates.
 */
static inline __attribute__((always_inline)) bool
cache_follow_hint(const struct cache_words *words, const char *hint, uint64_t generation,
                  enum cache_words_use use, stamp_clock **ret_clock, char **ret_slot)
{
    char *from = (char *)(uintptr_t)words->generation;

    *ret_slot = from + CACHE_NO_SLOT_AT + (int64_t)(int32_t)alone_load_half(hint) * 8;
    *ret_clock = (stamp_clock *)(void *)(from + alone_load_half(hint + 4));
    return use == CACHE_WORDS_PLACE
               ? __builtin_expect(alone_load(*ret_slot) == generation, 1)
               : __builtin_expect(alone_load_half(*ret_slot + CACHE_WORDS_MARK_AT) != 0, 1);
}

#endif
