// SPDX-License-Identifier: MIT
/* A doubly linked list whose ends and links are kept in shared memory of the table. */
#include "cache/queue.h"

#include "cache/table.h"

#include <errno.h>

_Static_assert(TABLE_MAX_SLOTS <= UINT32_MAX >> QUEUE_LINK_AT, "links name all slots");

bool queue_oldest(const struct queue *queue, uint32_t *ret_slot)
{
    if (queue->oldest == 0) {
        return false;
    }
    *ret_slot = queue->oldest - 1;
    return true;
}

void queue_move(struct order *order, struct queue *to, const struct order *from_order,
                const struct queue *from, uint32_t number)
{
    for (uint32_t link = from->oldest; link != 0; link = queue_newer(from_order, link - 1)) {
        queue_add(order, to, number, order_moved_to(from_order, link - 1),
                  queue_count_of(from_order, link - 1));
    }
}

int queue_check(const struct order *order, const struct queue *queue, uint32_t number)
{
    uint32_t older = 0, n = 0;

    for (uint32_t link = queue->oldest; link != 0; link = queue_newer(order, link - 1)) {
        if (link > order->n_slots || n++ == queue->n || order->shares[link - 1] != older ||
            queue_number_of(order, link - 1) != number) {
            return -EUCLEAN;
        }
        older = link;
    }
    return n == queue->n && queue->newest == older ? 0 : -EUCLEAN;
}
