// SPDX-License-Identifier: MIT
/* When there are hints, and when they rest: quick_hints.h. */
#include "call/quick_hints.h"

#include "base/arena.h"
#include "base/fork_page.h"

#include <string.h>

/* A turn is so many hits for each hint: enough to fill them, and to have the use of it. */
#define HITS_OF_A_TURN 4

/* Of so many hits of a turn one may not have been where its hint was. Each costs about as much as
 * two that were have spared: the processor has begun with what comes after the wrong one. */
#define HITS_FOR_A_WRONG_ONE 4

/* For one hit that went without they are forgotten: so many take less time than it has lost. */
#define HINTS_FOR_A_HIT 8

/* Turns of rest: two, four and so on up to two to the power of that. */
#define RESTS_MAX 4

void quick_hints_init(struct quick_hints *hints)
{
    static _Atomic uint64_t none;

    *hints = (struct quick_hints){.generation = &none, .is_resting = true};
}

static uint32_t hints_for(uint64_t max_entries)
{
    uint32_t n = QUICK_HINTS_MIN;

    while (n < QUICK_HINTS_MAX && n < 2 * max_entries) {
        n *= 2;
    }
    return n;
}

static size_t n_bytes_of(const struct quick_hints *hints)
{
    return (size_t)hints->mask + CACHE_HINT_BYTES;
}

/* What there are name nothing any more, and are of this generation. A handler may leave anywhere:
 * until the last word they are not looked at. */
static void begin_anew(struct quick_hints *hints, uint64_t generation)
{
    atomic_store_explicit(hints->generation, 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    memset(hints->hints, 0, n_bytes_of(hints));
    hints->is_resting = false;
    hints->are_empty = true;
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(hints->generation, generation, memory_order_relaxed);
}

static void begin(struct quick_hints *hints, uint64_t max_entries, uint64_t generation)
{
    size_t page = pages_size(), n_bytes = (size_t)hints_for(max_entries) * CACHE_HINT_BYTES;
    uint64_t *pages = pages_map((n_bytes + page - 1) / page * page);
    _Atomic uint64_t *word = pages == NULL ? NULL : fork_page_take_word();

    if (word == NULL) {
        hints->is_refused = true;
        if (pages != NULL) {
            pages_unmap(pages, (n_bytes + page - 1) / page * page);
        }
        return;
    }
    hints->mask = (uint32_t)n_bytes - CACHE_HINT_BYTES;
    hints->generation = word;
    atomic_signal_fence(memory_order_seq_cst); /* where there are hints this is nobody else's */
    hints->hints = pages;
    begin_anew(hints, generation);
}

/* A turn of hints is over. Where nobody has noted one yet texts are too long for them. */
static void judge(struct quick_hints *hints, uint64_t n_hits)
{
    hints->are_empty = hints->are_empty && hints->n_wrong == 0;
    if (!hints->are_empty && hints->n_wrong <= n_hits / HITS_FOR_A_WRONG_ONE) {
        hints->n_rests = 0;
        return;
    }
    hints->n_rests += hints->n_rests < RESTS_MAX;
    hints->is_resting = true;
    atomic_store_explicit(hints->generation, 0, memory_order_relaxed);
}

void quick_hints_look(struct quick_hints *hints, const struct cache_words *cache,
                      uint64_t max_entries, uint64_t n_hits)
{
    uint64_t generation = alone_load(cache->generation);
    uint64_t n_of_turn = n_hits - hints->n_hits; /* large where hits were set back to 0 */
    uint64_t n_hints = n_bytes_of(hints) / CACHE_HINT_BYTES, turn = HITS_OF_A_TURN * n_hints;

    if (hints->is_refused) {
        return;
    }
    if (hints->hints == NULL) {
        begin(hints, max_entries, generation);
    } else if (hints->is_resting) {
        if (n_of_turn < turn << hints->n_rests) {
            return;
        }
        begin_anew(hints, generation);
    } else if (alone_load(hints->generation) != generation) {
        if (n_of_turn < n_hints / HINTS_FOR_A_HIT) {
            return;
        }
        begin_anew(hints, generation);
    } else if (n_of_turn >= turn) {
        judge(hints, n_of_turn);
    } else {
        return;
    }
    hints->n_hits = n_hits;
    hints->n_wrong = 0;
}
