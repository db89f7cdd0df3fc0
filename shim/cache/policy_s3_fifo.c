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

#include <errno.h>

#define MAX_COUNT     3
#define PROMOTE_COUNT 2  /* hits that a new entry must have had */
#define SMALL_SHARE   10 /* one in so many entries */

enum {
    SMALL,
    MAIN
};

struct s3_fifo {
    struct queue queues[2];
    struct ghosts ghosts;
};

static void s3_fifo_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct s3_fifo *s3 = order->state;
    struct slot_head *head = order_slot(order, slot);
    struct queued *queued = queue_slot(order, slot);

    order_stamp(order, head);
    s3->ghosts.n_places = order->n_slots;
    if (past->is_known) {
        use_count_set(&queued->count, past->count + (past->count < MAX_COUNT));
        queued->queue = past->queue;
    } else {
        use_count_set(&queued->count, 0);
        queued->queue = ghosts_take(&s3->ghosts, head->hash) ? MAIN : SMALL;
    }
    queue_add(order, &s3->queues[queued->queue], slot);
}

static void s3_fifo_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct s3_fifo *s3 = order->state;
    const struct queued *queued = queue_slot(order, slot);

    if (past != NULL) {
        *past = (struct policy_past){
            .is_known = true, .count = use_count_read(&queued->count), .queue = queued->queue};
    }
    queue_remove(order, &s3->queues[queued->queue], slot);
}

/* The oldest of a queue goes to the newest end of the main one. */
static void to_main(struct order *order, struct s3_fifo *s3, uint32_t slot, uint32_t count)
{
    struct queued *queued = queue_slot(order, slot);

    queue_remove(order, &s3->queues[queued->queue], slot);
    queued->queue = MAIN;
    use_count_set(&queued->count, count);
    queue_add(order, &s3->queues[MAIN], slot);
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
        count = use_count_read(&queue_slot(order, slot)->count);
        if (is_small && count >= PROMOTE_COUNT) {
            to_main(order, s3, slot, 0);
        } else if (!is_small && count > 0) {
            to_main(order, s3, slot, count - 1);
        } else {
            break;
        }
    }
    if (queue_slot(order, slot)->queue == SMALL) {
        ghosts_add(&s3->ghosts, order_slot(order, slot)->hash, n - max_small);
    }
    *ret_slot = slot;
    return true;
}

static void s3_fifo_on_move(struct order *to, const struct order *from)
{
    struct s3_fifo *s3 = to->state;
    const struct s3_fifo *old = from->state;

    for (int i = 0; i < 2; i++) {
        queue_move(to, &s3->queues[i], from, &old->queues[i]);
    }
    s3->ghosts.n_places = to->n_slots;
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
    .slot_bytes = sizeof(struct queued),
    .state_bytes = sizeof(struct s3_fifo),
    .share_bytes = GHOSTS_PLACE_BYTES,
    .on_insert = s3_fifo_on_insert,
    .on_remove = s3_fifo_on_remove,
    .victim = s3_fifo_victim,
    .on_move = s3_fifo_on_move,
    .check = s3_fifo_check,
};
