// SPDX-License-Identifier: MIT
/*
 * S3-FIFO (Yang and others, SOSP 2023), with the constants of the paper: new entries stand in a
 * small queue, a tenth of the cache. Who leaves it after at least two hits goes over to the main
 * queue, the others go and leave a ghost; who comes back while its ghost is there goes to the main
 * queue at once. From there entries that were hit are put back, with one hit less. Hits are counted
 * up to three; a hit does nothing else.
 *
 * Sizes are shares of what the shard holds when somebody has to go, since neither a bound in bytes
 * nor one that is shared with other shards says how many entries there will be. There are as many
 * ghosts as entries in the main queue's share.
 */
#include "cache/ghosts.h"
#include "cache/policy.h"
#include "cache/queue.h"
#include "cache/tags.h"

#include <errno.h>

#define MAX_COUNT     3
#define PROMOTE_COUNT 2  /* hits that a new entry must have had */
#define SMALL_SHARE   10 /* one in so many entries */

enum {
    SMALL = 1,
    MAIN,
    QUEUES_END,
};

struct s3_fifo {
    struct queue queues[QUEUES_END]; /* the first is none */
    struct ghosts ghosts;
};

/* A fifth more than ghosts for nine of ten entries, so that those that are taken leave some room.
 */
static uint32_t ghost_places(uint32_t n_slots)
{
    return n_slots / GROUP_SLOTS * (GROUP_LOAD + 1);
}

static size_t s3_fifo_state_bytes(uint32_t n_slots)
{
    return sizeof(struct s3_fifo) + ghosts_bytes(ghost_places(n_slots));
}

static void s3_fifo_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct s3_fifo *s3 = order->state;
    uint32_t number = past->queue, count = past->count + (past->count < MAX_COUNT);

    s3->ghosts.n_places = ghost_places(order->n_slots);
    if (!past->is_known) {
        number = ghosts_take(&s3->ghosts, order_slot(order, slot)->hash) ? MAIN : SMALL;
        count = 0;
    }
    queue_add(order, &s3->queues[number], number, slot, count);
}

static void s3_fifo_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct s3_fifo *s3 = order->state;
    uint32_t number = queue_number_of(order, slot);

    if (past != NULL) {
        *past = (struct policy_past){
            .is_known = true, .count = queue_count_of(order, slot), .queue = number};
    }
    queue_remove(order, &s3->queues[number], slot);
}

/* The oldest of a queue goes to the newest end of the main one. */
static void to_main(struct order *order, struct s3_fifo *s3, uint32_t slot, uint32_t count)
{
    queue_remove(order, &s3->queues[queue_number_of(order, slot)], slot);
    queue_add(order, &s3->queues[MAIN], MAIN, slot, count);
}

/* Every step takes an entry out of the small queue, or a hit away from one of the main queue. */
static bool s3_fifo_victim(struct order *order, uint32_t *ret_slot)
{
    struct s3_fifo *s3 = order->state;
    uint32_t n, max_small, slot;

    if (s3 == NULL || s3->queues[SMALL].n + s3->queues[MAIN].n == 0) {
        return false;
    }
    n = s3->queues[SMALL].n + s3->queues[MAIN].n;
    max_small = n < SMALL_SHARE ? 1 : n / SMALL_SHARE;
    for (;;) {
        bool is_small = s3->queues[SMALL].n >= max_small || s3->queues[MAIN].n == 0;
        uint32_t count;

        queue_oldest(&s3->queues[is_small ? SMALL : MAIN], &slot);
        count = queue_count_of(order, slot);
        if (is_small && count >= PROMOTE_COUNT) {
            to_main(order, s3, slot, 0);
        } else if (!is_small && count > 0) {
            to_main(order, s3, slot, count - 1);
        } else {
            break;
        }
    }
    if (queue_number_of(order, slot) == SMALL) {
        ghosts_add(&s3->ghosts, order_slot(order, slot)->hash, n - max_small);
    }
    *ret_slot = slot;
    return true;
}

static void s3_fifo_on_move(struct order *to, const struct order *from)
{
    struct s3_fifo *s3 = to->state;
    const struct s3_fifo *old = from->state;

    for (uint32_t i = SMALL; i < QUEUES_END; i++) {
        queue_move(to, &s3->queues[i], from, &old->queues[i], i);
    }
    s3->ghosts.n_places = ghost_places(to->n_slots);
    ghosts_move(&s3->ghosts, &old->ghosts);
}

static int s3_fifo_check(const struct order *order, uint32_t n_live)
{
    const struct s3_fifo *s3 = order->state;

    if (s3->queues[SMALL].n + s3->queues[MAIN].n != n_live ||
        queue_check(order, &s3->queues[SMALL], SMALL) != 0 || ghosts_check(&s3->ghosts) != 0) {
        return -EUCLEAN;
    }
    return queue_check(order, &s3->queues[MAIN], MAIN);
}

const struct policy policy_s3_fifo = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = MAX_COUNT,
    .has_shares = true,
    .state_bytes = s3_fifo_state_bytes,
    .on_insert = s3_fifo_on_insert,
    .on_remove = s3_fifo_on_remove,
    .victim = s3_fifo_victim,
    .on_move = s3_fifo_on_move,
    .check = s3_fifo_check,
};
