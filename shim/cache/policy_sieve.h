// SPDX-License-Identifier: MIT
/*
 * What SIEVE does at an insert and an eviction, for policy_sieve.c, which says what it is, and for
 * the short way of a miss (fill_words.c), of which it becomes a part.
 */
#ifndef CACHE_POLICY_SIEVE_H
#define CACHE_POLICY_SIEVE_H

#include "cache/policy.h"
#include "cache/queue.h"

#define SIEVE_MAX_COUNT 1
#define SIEVE_QUEUE     1 /* the only one */

struct sieve {
    struct queue queue;
    uint32_t hand; /* a link: who is asked next; 0: the oldest */
    uint32_t spare;
};

static inline void sieve_on_insert(struct order *order, uint32_t slot,
                                   const struct policy_past *past)
{
    struct sieve *sieve = order->state;

    queue_add(order, &sieve->queue, SIEVE_QUEUE, slot, past->is_known);
}

static inline void sieve_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
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

static inline bool sieve_victim(struct order *order, uint32_t *ret_slot)
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
        if (__builtin_expect(queue_count_of(order, slot) == 0, 1)) {
            *ret_slot = slot;
            return true;
        }
        queue_set_count(order, slot, 0);
        sieve->hand = queue_newer(order, slot);
    }
}

#endif
