// SPDX-License-Identifier: MIT
/*
 * Random replacement: every live entry is as likely to go as any other. They are listed in an array
 * without gaps, where the last one fills the place of one that leaves, and each has its place, plus
 * one, for its mark. The draws follow from the seed alone, so that a run can be repeated.
 */
#include "base/draw.h"
#include "cache/policy.h"

#include <errno.h>

struct rr {
    uint64_t random; /* 0: nothing was drawn yet */
    uint32_t n;
    uint32_t spare;
};

/* Shares are the array. */
static void put(struct order *order, uint32_t at, uint32_t slot)
{
    order->shares[at] = slot;
    order_set_mark(order, slot, at + 1);
}

static size_t rr_state_bytes(uint32_t n_slots)
{
    return sizeof(struct rr);
}

static void rr_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct rr *rr = order->state;

    put(order, rr->n++, slot);
}

static void rr_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct rr *rr = order->state;

    put(order, order_mark(order, slot) - 1, order->shares[--rr->n]);
}

/* Scaled without a division: off by at most n / 2^32. */
static bool rr_victim(struct order *order, uint32_t *ret_slot)
{
    struct rr *rr = order->state;

    if (rr == NULL || rr->n == 0) {
        return false;
    }
    *ret_slot = order->shares[(uint64_t)draw_next(&rr->random, order->seed) * rr->n >> 32];
    return true;
}

static void rr_on_move(struct order *to, const struct order *from)
{
    struct rr *rr = to->state;
    const struct rr *old = from->state;

    rr->random = old->random;
    rr->n = old->n;
    for (uint32_t i = 0; i < old->n; i++) {
        put(to, i, order_moved_to(from, from->shares[i]));
    }
}

static int rr_check(const struct order *order, uint32_t n_live)
{
    const struct rr *rr = order->state;

    if (rr->n != n_live) {
        return -EUCLEAN;
    }
    for (uint32_t i = 0; i < rr->n; i++) {
        if (order->shares[i] >= order->n_slots || order_mark(order, order->shares[i]) != i + 1) {
            return -EUCLEAN;
        }
    }
    return 0;
}

const struct policy policy_rr = {
    .hit = POLICY_HIT_NOTHING,
    .has_shares = true,
    .state_bytes = rr_state_bytes,
    .on_insert = rr_on_insert,
    .on_remove = rr_on_remove,
    .victim = rr_victim,
    .on_move = rr_on_move,
    .check = rr_check,
};
