// SPDX-License-Identifier: MIT
/*
 * Where the entries of texts were found last, by the addresses of the texts. Most programs have a
 * text where they had it before: its entry is then looked at before anything else, and neither the
 * text's length nor a hash is wanted. The whole text is compared with the key of that entry, so
 * that a hint that is old, or another text's, costs time and no more. For quick_text.c alone, in a
 * process without threads.
 *
 * All hints are of one generation of the cache, and of one process; in another they are not looked
 * at, and begin anew at a look. Whether they are of use is seen there, too: where too many are
 * wrong, or none is of use to anybody, they rest, the longer the more often that was so.
 */
#ifndef CALL_QUICK_HINTS_H
#define CALL_QUICK_HINTS_H

#include "cache/cache.h"
#include "marshal/marshal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One for each eight bytes of addresses, over and over; of a power of two, in which each address
 * has its own as long as texts lie together, twice as many as entries. At most 64 KB. */
#define QUICK_HINTS_MIN 512u
#define QUICK_HINTS_MAX 8192u

_Static_assert(MARSHAL_PAGE_BYTES <= QUICK_HINTS_MIN * CACHE_HINT_BYTES,
               "texts that have one hint lie at one place of their pages");

/* Of a plan. */
struct quick_hints {
    _Atomic uint64_t *generation; /* that they are of; 0: there are none, or they rest, or this is a
                                     child that is new */
    uint64_t *hints;              /* NULL: what there is comes with the first look */
    uint32_t mask;                /* of an address the bits that say which, as an offset */
    bool is_refused;              /* there is no memory for them */
    bool is_resting;              /* as when there are none */
    bool are_empty;               /* they name nothing yet, as far as was seen at the last turn */
    uint32_t n_wrong, n_rests;
    uint64_t n_hits; /* that the function had when the last turn began: of hints, or of rest */
};

/* There are none. */
void quick_hints_init(struct quick_hints *hints);

/*
 * The entry that a hint has for this text, if it is the text's, and what cache_use_slot asks for.
 * False of any text that must not be read ahead, and of NULL: those have no hints.
 */
static inline __attribute__((always_inline)) bool
quick_hints_find(const struct quick_hints *hints, const struct cache_words *cache,
                 enum cache_words_use use, const char *text, stamp_clock **ret_clock,
                 char **ret_slot)
{
    uint64_t generation = alone_load(cache->generation);

    return __builtin_expect(alone_load(hints->generation) == generation, 1) &&
           cache_follow_hint(cache,
                             (const char *)hints->hints + ((uint32_t)(uintptr_t)text & hints->mask),
                             generation, use, ret_clock, ret_slot) &&
           marshal_text_is_key(text, *ret_slot + CACHE_WORDS_KEY_AT);
}

/*
 * It was found here. In one store, since a signal handler may come, and not return. Whoever has the
 * same hint, in whatever page, may be read ahead, too, or has none.
 */
static inline __attribute__((always_inline)) void
quick_hints_note(struct quick_hints *hints, const struct cache_words *cache, const char *text,
                 const struct cache_front *front, const char *slot)
{
    const uintptr_t others = CACHE_HINT_BYTES - 1;
    const char *first = (const char *)((uintptr_t)text & ~others);

    if (!hints->is_resting) {
        hints->n_wrong++;
        if (marshal_is_ahead(first, MARSHAL_AHEAD_OFFSETS) &&
            marshal_is_ahead(first + others, MARSHAL_AHEAD_OFFSETS)) {
            alone_store((char *)hints->hints + ((uint32_t)(uintptr_t)text & hints->mask),
                        cache_make_hint(cache, front, slot));
        }
    }
}

/*
 * At a look, where the function has so many hits by now: what becomes of the hints. max_entries: of
 * its cache. The guard is set. May map memory.
 */
void quick_hints_look(struct quick_hints *hints, const struct cache_words *cache,
                      uint64_t max_entries, uint64_t n_hits);

#endif
