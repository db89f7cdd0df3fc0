// SPDX-License-Identifier: MIT
/*
 * Slots in a row, the newest at one end and the oldest at the other. The link to the next newer one
 * lies in the slot's mark, the link to the next older one in its share, so that a row takes four
 * bytes for each slot. Links are slot numbers plus one, so that zeroed memory is an empty queue.
 * The mark also says in which queue of the policy the slot is, and holds the count of its uses. Not
 * locked: as policy.h says.
 */
#ifndef CACHE_QUEUE_H
#define CACHE_QUEUE_H

#include "cache/policy.h"

struct queue {
    uint32_t newest, oldest; /* as links */
    uint32_t n;
    uint32_t spare;
};

/* What a mark is made of, from the lowest bit on. */
#define QUEUE_MAX_COUNT  3
#define QUEUE_NUMBER_AT  2
#define QUEUE_MAX_NUMBER 3 /* from 1 on, so that no mark is 0 */
#define QUEUE_LINK_AT    4

static inline uint32_t queue_count_of(const struct order *order, uint32_t slot)
{
    return order_mark(order, slot) & QUEUE_MAX_COUNT;
}

static inline uint32_t queue_number_of(const struct order *order, uint32_t slot)
{
    return order_mark(order, slot) >> QUEUE_NUMBER_AT & QUEUE_MAX_NUMBER;
}

/* Uses that are counted at the same time may be lost. */
static inline void queue_set_count(struct order *order, uint32_t slot, uint32_t count)
{
    order_set_mark(order, slot, (order_mark(order, slot) & ~(uint32_t)QUEUE_MAX_COUNT) | count);
}

/* The oldest slot; false when there is none. */
bool queue_oldest(const struct queue *queue, uint32_t *ret_slot);

/* Who is next newer, as a link. */
static inline uint32_t queue_newer(const struct order *order, uint32_t slot)
{
    return order_mark(order, slot) >> QUEUE_LINK_AT;
}

/* Of the slot that a link names, or of the queue's end, if it is 0. */
static inline void queue_set_newer(struct order *order, struct queue *queue, uint32_t link,
                                   uint32_t newer)
{
    uint32_t kept;

    if (link == 0) {
        queue->oldest = newer;
        return;
    }
    kept = order_mark(order, link - 1) & ((1u << QUEUE_LINK_AT) - 1);
    order_set_mark(order, link - 1, kept | newer << QUEUE_LINK_AT);
}

static inline void queue_set_older(struct order *order, struct queue *queue, uint32_t link,
                                   uint32_t older)
{
    *(link == 0 ? &queue->newest : &order->shares[link - 1]) = older;
}

/* The slot is the newest now, with that count. It must be in no queue. */
static inline void queue_add(struct order *order, struct queue *queue, uint32_t number,
                             uint32_t slot, uint32_t count)
{
    order_set_mark(order, slot, number << QUEUE_NUMBER_AT | count);
    order->shares[slot] = queue->newest;
    queue_set_newer(order, queue, queue->newest, slot + 1);
    queue->newest = slot + 1;
    queue->n++;
}

/* The mark stays: the slot is to be freed, or added again. */
static inline void queue_remove(struct order *order, struct queue *queue, uint32_t slot)
{
    uint32_t newer = queue_newer(order, slot), older = order->shares[slot];

    queue_set_older(order, queue, newer, older);
    queue_set_newer(order, queue, older, newer);
    queue->n--;
}

/* Links the moved entries of a queue in their old order, with their counts. to is empty. */
void queue_move(struct order *order, struct queue *to, const struct order *from_order,
                const struct queue *from, uint32_t number);

/* 0, or -EUCLEAN: links disagree, or a slot is free or notes another queue. */
int queue_check(const struct order *order, const struct queue *queue, uint32_t number);

#endif
