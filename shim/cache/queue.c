// SPDX-License-Identifier: MIT
/* A doubly linked list whose ends and links are kept in shared memory of the table. */
#include "cache/queue.h"

#include <errno.h>

static uint32_t *newer_of(struct order *order, struct queue *queue, uint32_t link)
{
    return link == 0 ? &queue->oldest : &queue_slot(order, link - 1)->newer;
}

static uint32_t *older_of(struct order *order, struct queue *queue, uint32_t link)
{
    return link == 0 ? &queue->newest : &queue_slot(order, link - 1)->older;
}

void queue_add(struct order *order, struct queue *queue, uint32_t slot)
{
    struct queued *queued = queue_slot(order, slot);

    queued->newer = 0;
    queued->older = queue->newest;
    *newer_of(order, queue, queue->newest) = slot + 1;
    queue->newest = slot + 1;
    queue->n++;
}

void queue_remove(struct order *order, struct queue *queue, uint32_t slot)
{
    struct queued *queued = queue_slot(order, slot);

    *older_of(order, queue, queued->newer) = queued->older;
    *newer_of(order, queue, queued->older) = queued->newer;
    queue->n--;
}

bool queue_oldest(const struct queue *queue, uint32_t *ret_slot)
{
    if (queue->oldest == 0) {
        return false;
    }
    *ret_slot = queue->oldest - 1;
    return true;
}

void queue_move(struct order *order, struct queue *to, const struct order *from_order,
                const struct queue *from)
{
    for (uint32_t link = from->oldest; link != 0; link = queue_slot(from_order, link - 1)->newer) {
        queue_add(order, to, order_moved_to(from_order, link - 1));
    }
}

int queue_check(const struct order *order, const struct queue *queue, uint32_t number)
{
    uint32_t older = 0, n = 0;

    for (uint32_t link = queue->oldest; link != 0;) {
        const struct queued *queued;

        if (link > order->n_slots || n++ == queue->n || order_slot(order, link - 1)->stamp == 0) {
            return -EUCLEAN;
        }
        queued = queue_slot(order, link - 1);
        if (queued->older != older || queued->queue != number) {
            return -EUCLEAN;
        }
        older = link;
        link = queued->newer;
    }
    return n == queue->n && queue->newest == older ? 0 : -EUCLEAN;
}
