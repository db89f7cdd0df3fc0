// SPDX-License-Identifier: MIT
/* Most recently used, exactly: who was read or written last goes, so that the oldest stay. */
#include "cache/policy.h"
#include "cache/queue.h"

#include <errno.h>

enum {
    QUEUE = 1,
};

static size_t mru_state_bytes(uint32_t n_slots)
{
    return sizeof(struct queue);
}

static void mru_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    queue_add(order, order->state, QUEUE, slot, 0);
}

static void mru_on_hit(struct order *order, uint32_t slot)
{
    queue_remove(order, order->state, slot);
    queue_add(order, order->state, QUEUE, slot, 0);
}

static void mru_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    queue_remove(order, order->state, slot);
}

static bool mru_victim(struct order *order, uint32_t *ret_slot)
{
    const struct queue *queue = order->state;

    if (queue == NULL || queue->n == 0) {
        return false;
    }
    *ret_slot = queue->newest - 1;
    return true;
}

static void mru_on_move(struct order *to, const struct order *from)
{
    queue_move(to, to->state, from, from->state, QUEUE);
}

static int mru_check(const struct order *order, uint32_t n_live)
{
    const struct queue *queue = order->state;

    return queue->n == n_live ? queue_check(order, queue, QUEUE) : -EUCLEAN;
}

const struct policy policy_mru = {
    .hit = POLICY_HIT_MOVES,
    .has_shares = true,
    .state_bytes = mru_state_bytes,
    .on_insert = mru_on_insert,
    .on_hit = mru_on_hit,
    .on_remove = mru_on_remove,
    .victim = mru_victim,
    .on_move = mru_on_move,
    .check = mru_check,
};
