// SPDX-License-Identifier: MIT
/* When there are hints, and when they rest: quick_hints.h. */
#include "call/quick_hints.h"

#include "base/arena.h"

/* A turn is so many hits for each hint: enough to fill them, and to have the use of it. */
#define HITS_OF_A_TURN 4

/* Of so many hits of a turn one may not have been where its hint was. Each costs about as much as
 * two that were have spared: the processor has begun with what comes after the wrong one. */
#define HITS_FOR_A_WRONG_ONE 4

/* Turns of rest: two, four and so on up to two to the power of that. */
#define RESTS_MAX 4

static uint32_t hints_for(uint64_t max_entries)
{
    uint32_t n = QUICK_HINTS_MIN;

    while (n < QUICK_HINTS_MAX && n < 2 * max_entries) {
        n *= 2;
    }
    return n;
}

static void begin(struct quick_hints *hints, uint64_t max_entries)
{
    uint32_t n = hints_for(max_entries);
    size_t page = pages_size(), n_bytes = n * sizeof(*hints->all);

    hints->all = pages_map((n_bytes + page - 1) / page * page);
    hints->is_refused = hints->all == NULL;
    hints->mask = n_bytes - sizeof(*hints->all);
    hints->used = hints->all;
}

/* A turn of hints is over. */
static void judge(struct quick_hints *hints, uint64_t n_hits)
{
    if (hints->n_wrong <= n_hits / HITS_FOR_A_WRONG_ONE) {
        hints->n_rests = 0;
        return;
    }
    hints->n_rests += hints->n_rests < RESTS_MAX;
    hints->used = NULL;
}

void quick_hints_look(struct quick_hints *hints, uint64_t max_entries, uint64_t n_hits)
{
    uint64_t n_of_turn = n_hits - hints->n_hits; /* large where hits were set back to 0 */
    uint64_t turn = HITS_OF_A_TURN * (hints->mask / sizeof(*hints->all) + 1);

    if (hints->is_refused) {
        return;
    }
    if (hints->all == NULL) {
        begin(hints, max_entries);
    } else if (hints->used != NULL && n_of_turn >= turn) {
        judge(hints, n_of_turn);
    } else if (hints->used == NULL && n_of_turn >= turn << hints->n_rests) {
        hints->used = hints->all;
    } else {
        return;
    }
    hints->n_hits = n_hits;
    hints->n_wrong = 0;
}
