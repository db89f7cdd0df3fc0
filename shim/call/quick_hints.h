// SPDX-License-Identifier: MIT
/*
 * Where the entries of texts were found last, by the addresses of the texts. Most programs have a
 * text where they had it before: its entry is then looked at before anything else, and neither the
 * text's length nor a hash is wanted. The whole text is compared with the key of that entry, so
 * that a hint that is old, or another text's, costs time and no more. For quick_text.c alone, in a
 * process without threads.
 *
 * Whether hints are of use is seen at looks: where too many are wrong they rest, the longer the
 * more often that was so.
 */
#ifndef CALL_QUICK_HINTS_H
#define CALL_QUICK_HINTS_H

#include "cache/cache.h"
#include "marshal/marshal.h"

#include <stdbool.h>
#include <stdint.h>

/* One for each eight bytes of addresses, over and over; of a power of two, in which each address
 * has its own as long as texts lie together, twice as many as entries. At most 64 KB. */
#define QUICK_HINTS_MIN 512u
#define QUICK_HINTS_MAX 8192u

/* Of a plan. All zeroes at first: what there is comes with the first look. */
struct quick_hints {
    uint64_t *used;  /* the hints; NULL: there are none, or they rest */
    uint64_t mask;   /* of an address the bits that say which, as an offset */
    uint64_t *all;   /* the same hints, rest or not */
    uint64_t n_hits; /* that the function had when the last turn began: of hints, or of rest */
    uint32_t n_wrong, n_rests;
    bool is_refused; /* the kernel has no memory for them */
};

/* The entry that a hint has for this text, if it is the text's. The text may be read ahead. */
static inline __attribute__((always_inline)) bool
quick_hints_find(const struct quick_hints *hints, const struct cache_words *cache,
                 enum cache_words_use use, const char *text, struct cache_front **ret_front,
                 char **ret_slot)
{
    const char *used = (const char *)hints->used;

    return used != NULL &&
           cache_follow_hint(cache, alone_load(used + ((uintptr_t)text & hints->mask)), use,
                             ret_front, ret_slot) &&
           marshal_text_is_key(text, *ret_slot + CACHE_WORDS_KEY_AT);
}

/* It was found here. In one store, since a signal handler may come, and not return. */
static inline __attribute__((always_inline)) void
quick_hints_note(struct quick_hints *hints, const struct cache_words *cache,
                 enum cache_words_use use, const char *text, const struct cache_front *front,
                 const char *slot)
{
    char *used = (char *)hints->used;

    if (used != NULL) {
        hints->n_wrong++;
        alone_store(used + ((uintptr_t)text & hints->mask),
                    cache_make_hint(cache, front, slot, use));
    }
}

/*
 * At a look, where the function has so many hits by now: what becomes of the hints. max_entries: of
 * its cache. The guard is set. May map memory.
 */
void quick_hints_look(struct quick_hints *hints, uint64_t max_entries, uint64_t n_hits);

#endif
