// SPDX-License-Identifier: MIT
/*
 * Slots in a row, the newest at one end and the oldest at the other, linked through the words that
 * a policy has in every slot. Links are slot numbers plus one, so that zeroed memory is an empty
 * queue. Which queue a slot is in is for the policy to note. Not locked: as policy.h says.
 */
#ifndef CACHE_QUEUE_H
#define CACHE_QUEUE_H

#include "cache/policy.h"

struct queued {
    struct use_count count; /* first: POLICY_HIT_COUNTS counts here */
    uint32_t queue;         /* free for the policy */
    uint32_t newer, older;
};

struct queue {
    uint32_t newest, oldest; /* as links */
    uint32_t n;
    uint32_t spare;
};

static inline struct queued *queue_slot(const struct order *order, uint32_t slot)
{
    return order_words(order, slot);
}

/* The slot is the newest now. It must be in no queue. */
void queue_add(struct order *order, struct queue *queue, uint32_t slot);

void queue_remove(struct order *order, struct queue *queue, uint32_t slot);

/* The oldest slot; false when there is none. */
bool queue_oldest(const struct queue *queue, uint32_t *ret_slot);

/* Links the moved entries of a queue in their old order. to is empty. */
void queue_move(struct order *order, struct queue *to, const struct order *from_order,
                const struct queue *from);

/* 0, or -EUCLEAN: links disagree, or a slot is free or notes another queue. */
int queue_check(const struct order *order, const struct queue *queue, uint32_t number);

#endif
