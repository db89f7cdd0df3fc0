// SPDX-License-Identifier: MIT
/*
 * The entries that may be a key's beyond its home group, one after the other, where nobody else can
 * be inside the shard. For those few that the short looks do not find.
 */
#ifndef CACHE_FURTHER_H
#define CACHE_FURTHER_H

#include "cache/words.h"

struct further {
    const struct cache_words *words;
    const struct group *groups;
    char *slots;
    uint64_t hash;
    uint32_t n_groups; /* 0: there are none */
    uint32_t at, n_probed;
    uint32_t mask; /* bit i: slot i of the group is still to be told */
};

/* None where there are places, and once all were invalidated. */
static inline struct further further_begin(const struct cache_words *words,
                                           const struct cache_front *front, uint64_t hash)
{
    struct further further = {.words = words, .hash = hash, .n_probed = 1};

    if (words->use != CACHE_WORDS_PLACE &&
        atomic_load_explicit(&front->generation, memory_order_relaxed) ==
            atomic_load_explicit(words->generation, memory_order_relaxed)) {
        further.n_groups = atomic_load_explicit(&front->n_groups, memory_order_relaxed);
        further.groups = atomic_load_explicit(&front->groups, memory_order_relaxed);
        further.slots = atomic_load_explicit(&front->slots, memory_order_relaxed);
        further.at = group_home((uint32_t)(hash >> 32), further.n_groups);
    }
    return further;
}

/* The next slot with the key's tag, or NULL. */
static inline char *further_next(struct further *further)
{
    const struct cache_words *words = further->words;
    uint32_t i;

    while (further->mask == 0) {
        if (further->n_probed >= further->n_groups ||
            !group_may_be_passed_by(&further->groups[further->at],
                                    (uint32_t)(further->hash >> 32))) {
            return NULL;
        }
        further->n_probed++;
        further->at = further->at + 1 == further->n_groups ? 0 : further->at + 1;
        further->mask = group_match(&further->groups[further->at], tag_of_hash(further->hash));
    }
    i = (uint32_t)__builtin_ctz(further->mask);
    further->mask &= further->mask - 1;
    return further->slots + (size_t)further->at * words->group_bytes +
           (size_t)i * words->slot_bytes;
}

#endif
