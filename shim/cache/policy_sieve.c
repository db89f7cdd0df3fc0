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

struct sieve {
    struct queue queue;
    uint32_t hand; /* a link: who is asked next; 0: the oldest */
    uint32_t spare;
};

static void sieve_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct sieve *sieve = order->state;
    struct queued *queued = queue_slot(order, slot);

    order_stamp(order, order_slot(order, slot));
    use_count_set(&queued->count, past->is_known);
    queued->queue = 0;
    queue_add(order, &sieve->queue, slot);
}

static void sieve_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct sieve *sieve = order->state;

    if (past != NULL) {
        past->is_known = true;
    }
    if (sieve->hand == slot + 1) {
        sieve->hand = queue_slot(order, slot)->newer;
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
        struct queued *queued;

        if (sieve->hand == 0) {
            sieve->hand = sieve->queue.oldest;
        }
        queued = queue_slot(order, sieve->hand - 1);
        if (use_count_read(&queued->count) == 0) {
            *ret_slot = sieve->hand - 1;
            return true;
        }
        use_count_set(&queued->count, 0);
        sieve->hand = queued->newer;
    }
}

static void sieve_on_move(struct order *to, const struct order *from)
{
    struct sieve *sieve = to->state;
    const struct sieve *old = from->state;

    queue_move(to, &sieve->queue, from, &old->queue);
    sieve->hand = old->hand == 0 ? 0 : order_moved_to(from, old->hand - 1) + 1;
}

static int sieve_check(const struct order *order, uint32_t n_live)
{
    const struct sieve *sieve = order->state;

    if (sieve->queue.n != n_live || sieve->hand > order->n_slots ||
        (sieve->hand != 0 && order_slot(order, sieve->hand - 1)->stamp == 0)) {
        return -EUCLEAN;
    }
    return queue_check(order, &sieve->queue, 0);
}

const struct policy policy_sieve = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = 1,
    .slot_bytes = sizeof(struct queued),
    .state_bytes = sizeof(struct sieve),
    .on_insert = sieve_on_insert,
    .on_remove = sieve_on_remove,
    .victim = sieve_victim,
    .on_move = sieve_on_move,
    .check = sieve_check,
};
