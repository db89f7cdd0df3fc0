// SPDX-License-Identifier: MIT
/*
 * Random replacement: every live entry is as likely to go as any other. They are listed in an array
 * without gaps, where the last one fills the place of one that leaves; the draws follow from the
 * seed alone, so that a run can be repeated.
 */
#include "base/draw.h"
#include "cache/policy.h"

#include <errno.h>

struct rr {
    uint64_t random; /* 0: nothing was drawn yet */
    uint32_t n;
    uint32_t spare;
    uint32_t members[]; /* slots */
};

/* In every slot. */
struct rr_words {
    uint32_t at; /* its place in members */
    uint32_t spare;
};

static struct rr_words *words_of(const struct order *order, uint32_t slot)
{
    return order_words(order, slot);
}

static void put(struct order *order, struct rr *rr, uint32_t at, uint32_t slot)
{
    rr->members[at] = slot;
    words_of(order, slot)->at = at;
}

static void rr_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct rr *rr = order->state;

    order_stamp(order, order_slot(order, slot));
    put(order, rr, rr->n++, slot);
}

static void rr_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct rr *rr = order->state;

    put(order, rr, words_of(order, slot)->at, rr->members[--rr->n]);
}

/* Scaled without a division: off by at most n / 2^32. */
static bool rr_victim(struct order *order, uint32_t *ret_slot)
{
    struct rr *rr = order->state;

    if (rr == NULL || rr->n == 0) {
        return false;
    }
    *ret_slot = rr->members[(uint64_t)draw_next(&rr->random, order->seed) * rr->n >> 32];
    return true;
}

static void rr_on_move(struct order *to, const struct order *from)
{
    struct rr *rr = to->state;
    const struct rr *old = from->state;

    rr->random = old->random;
    rr->n = old->n;
    for (uint32_t i = 0; i < old->n; i++) {
        rr->members[i] = order_moved_to(from, old->members[i]);
    }
}

static int rr_check(const struct order *order, uint32_t n_live)
{
    const struct rr *rr = order->state;

    if (rr->n != n_live) {
        return -EUCLEAN;
    }
    for (uint32_t i = 0; i < rr->n; i++) {
        if (rr->members[i] >= order->n_slots || order_slot(order, rr->members[i])->stamp == 0 ||
            words_of(order, rr->members[i])->at != i) {
            return -EUCLEAN;
        }
    }
    return 0;
}

const struct policy policy_rr = {
    .hit = POLICY_HIT_NOTHING,
    .slot_bytes = sizeof(struct rr_words),
    .state_bytes = sizeof(struct rr),
    .share_bytes = sizeof(uint32_t),
    .on_insert = rr_on_insert,
    .on_remove = rr_on_remove,
    .victim = rr_victim,
    .on_move = rr_on_move,
    .check = rr_check,
};
