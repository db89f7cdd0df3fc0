// SPDX-License-Identifier: MIT
/*
 * The short way of a hit, for functions of one to three words, or of one text, that a plan finds
 * fit for it when it is made: from the argument registers to a key of a few words, to the answer,
 * with nothing between that could be decided before. Whatever it cannot answer at once is a call of
 * call_handle as any other.
 */
#ifndef CALL_QUICK_H
#define CALL_QUICK_H

#include "base/hash.h"
#include "cache/cache.h"
#include "call/call.h"
#include "call/quick_hints.h"
#include "marshal/marshal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What it reads of a plan. Constant, but for the mask and the hints. */
struct call_quick {
    void (*code)(void);         /* for call_plan_quick; NULL: there is none */
    struct quick_hints hints;   /* of texts */
    _Atomic uint32_t look_mask; /* of this thread's count of hits: those that go the long way */
    struct cache_words cache;
    struct hash_seeds seeds;
    uint64_t key[3]; /* quick_outs.c: what is in every key */
    /* Where each word of the arguments is, how far it is turned to the left, in bits, and those of
     * it, then, that are in either word of the key. */
    uint8_t n_words, at[MARSHAL_FLAT_WORDS];
    uint32_t turns[MARSHAL_FLAT_WORDS];
    uint64_t low_masks[MARSHAL_FLAT_WORDS], high_masks[MARSHAL_FLAT_WORDS];
    uint32_t widening; /* of a signed result that is narrower than a register, in bits */
    uint32_t n_key_bytes, n_result_bytes; /* the former not of texts */
    cache_fill_fn fill;                   /* NULL: cache_insert */
    bool may_compute;                     /* misses have a short way: quick_miss.h */
    bool is_plain; /* arguments are words of the key, as they come, and the value is one */
    bool looks_at_rounding;
    bool is_text;           /* its one argument is; without masks, turns and seeds */
    uint32_t ahead_offsets; /* of marshal_is_ahead */
};

/* Of a plan that is complete otherwise. */
void quick_prepare(struct call_plan *plan);

/*
 * Whether misses of such a plan have a short way, and what of it hangs on the cache. Not where an
 * old answer may take the place of a new one, nor where entries are recomputed early, or what
 * begins is fenced.
 */
void quick_prepare_misses(struct call_plan *plan);

/*
 * The same for functions that are not fit for that, but for the next best: one that takes its
 * arguments from memory, piece by piece. Made in arena: 0 or -ENOMEM.
 */
struct call_wide;
int quick_prepare_wide(struct call_plan *plan, struct arena *arena);

/* The same for functions that hand out static memory, and have none of these ways. */
struct call_images;
int quick_prepare_images(struct call_plan *plan, struct arena *arena);

/* How many of the calls are timed (call/measure.h): some of the hits must be seen for that. */
void quick_follow_share(struct call_plan *plan, uint32_t share);

/* No call is answered the short way any more. After is_unfollowed was set. */
void quick_stop(struct call_plan *plan);

#endif
