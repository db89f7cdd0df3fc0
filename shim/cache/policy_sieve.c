// SPDX-License-Identifier: MIT
/*
 * SIEVE (Zhang and others, NSDI 2024): entries stand in the order in which they came, and a hand
 * wanders from the oldest to the newest. Who was used since it passed last is spared once; the
 * first other one goes. A hit only sets a mark. A replaced entry comes anew, with its mark set.
 *
 * Keys that are used again only after the hand has passed them are lost every time: there it finds
 * next to nothing where LRU finds a third.
 */
#include "cache/policy_sieve.h"

#include <errno.h>

static size_t sieve_state_bytes(uint32_t n_slots)
{
    return sizeof(struct sieve);
}

static void sieve_on_move(struct order *to, const struct order *from)
{
    struct sieve *sieve = to->state;
    const struct sieve *old = from->state;

    queue_move(to, &sieve->queue, from, &old->queue, SIEVE_QUEUE);
    sieve->hand = old->hand == 0 ? 0 : order_moved_to(from, old->hand - 1) + 1;
}

static int sieve_check(const struct order *order, uint32_t n_live)
{
    const struct sieve *sieve = order->state;

    if (sieve->queue.n != n_live || sieve->hand > order->n_slots ||
        (sieve->hand != 0 && order_mark(order, sieve->hand - 1) == 0)) {
        return -EUCLEAN;
    }
    return queue_check(order, &sieve->queue, SIEVE_QUEUE);
}

const struct policy policy_sieve = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = SIEVE_MAX_COUNT,
    .has_shares = true,
    .state_bytes = sieve_state_bytes,
    .on_insert = sieve_on_insert,
    .on_remove = sieve_on_remove,
    .victim = sieve_victim,
    .on_move = sieve_on_move,
    .check = sieve_check,
};
