// SPDX-License-Identifier: MIT
/*
 * SIEVE (Zhang and others, NSDI 2024): entries stand in the order in which they came, and a hand
 * wanders from the oldest to the newest. Who was used since it passed last is spared once; the
 * first other one goes. A hit only sets a mark. A replaced entry comes anew, with its mark set.
 *
 * Keys that are used again only after the hand has passed them are lost every time: there it finds
 * next to nothing where LRU finds a third.
 */
#include "cache/policy.h"
#include "cache/queue.h"

#include <errno.h>

#define MAX_COUNT 1

enum {
    QUEUE = 1,
};

struct sieve {
    struct queue queue;
    uint32_t hand; /* a link: who is asked next; 0: the oldest */
    uint32_t spare;
};

static size_t sieve_state_bytes(uint32_t n_slots)
{
    return sizeof(struct sieve);
}

static void sieve_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct sieve *sieve = order->state;

    queue_add(order, &sieve->queue, QUEUE, slot, past->is_known);
}

static void sieve_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct sieve *sieve = order->state;

    if (past != NULL) {
        past->is_known = true;
    }
    if (sieve->hand == slot + 1) {
        sieve->hand = queue_newer(order, slot);
    }
    queue_remove(order, &sieve->queue, slot);
}

static bool sieve_victim(struct order *order, uint32_t *ret_slot)
{
    struct sieve *sieve = order->state;

    if (sieve == NULL || sieve->queue.n == 0) {
        return false;
    }
    for (;;) {
        uint32_t slot;

        if (sieve->hand == 0) {
            sieve->hand = sieve->queue.oldest;
        }
        slot = sieve->hand - 1;
        if (queue_count_of(order, slot) == 0) {
            *ret_slot = slot;
            return true;
        }
        queue_set_count(order, slot, 0);
        sieve->hand = queue_newer(order, slot);
    }
}

static void sieve_on_move(struct order *to, const struct order *from)
{
    struct sieve *sieve = to->state;
    const struct sieve *old = from->state;

    queue_move(to, &sieve->queue, from, &old->queue, QUEUE);
    sieve->hand = old->hand == 0 ? 0 : order_moved_to(from, old->hand - 1) + 1;
}

static int sieve_check(const struct order *order, uint32_t n_live)
{
    const struct sieve *sieve = order->state;

    if (sieve->queue.n != n_live || sieve->hand > order->n_slots ||
        (sieve->hand != 0 && order_mark(order, sieve->hand - 1) == 0)) {
        return -EUCLEAN;
    }
    return queue_check(order, &sieve->queue, QUEUE);
}

const struct policy policy_sieve = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = MAX_COUNT,
    .has_shares = true,
    .state_bytes = sieve_state_bytes,
    .on_insert = sieve_on_insert,
    .on_remove = sieve_on_remove,
    .victim = sieve_victim,
    .on_move = sieve_on_move,
    .check = sieve_check,
};
