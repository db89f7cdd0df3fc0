// SPDX-License-Identifier: MIT
/*
 * Least frequently used, exactly as cachetools 5.2 does it: an entry counts 1 when it comes and one
 * more for each hit and each replacement, never less; the smallest count goes, and of equal ones
 * the entry that came first. The stamp is that of the first insert.
 *
 * A hit only counts. The heap of slots is put right when somebody must go: each entry is filed in
 * it under the count that it had then, which is never above its true count, so that a root whose
 * count is still true is the smallest of all, and one that is not is filed anew. Each such step is
 * paid for by a hit.
 */
#include "cache/policy.h"

#include <errno.h>

/* Hits without the lock may count past it, but never around. */
#define MAX_COUNT (UINT32_MAX / 2)

/* In every slot. */
struct lfu_words {
    struct use_count count;
    uint32_t filed_count;
    uint32_t heap_at;
    uint32_t spare;
};

struct lfu {
    uint32_t n;
    uint32_t spare;
    uint32_t heap[]; /* slots, the first to go in front */
};

static struct lfu_words *words_of(const struct order *order, uint32_t slot)
{
    return order_words(order, slot);
}

static bool goes_before(const struct order *order, uint32_t slot, uint32_t other)
{
    uint32_t count = words_of(order, slot)->filed_count;
    uint32_t other_count = words_of(order, other)->filed_count;

    return count != other_count ? count < other_count
                                : order_slot(order, slot)->stamp < order_slot(order, other)->stamp;
}

static void put(struct order *order, struct lfu *lfu, uint32_t at, uint32_t slot)
{
    lfu->heap[at] = slot;
    words_of(order, slot)->heap_at = at;
}

static void move_up(struct order *order, struct lfu *lfu, uint32_t at)
{
    uint32_t slot = lfu->heap[at];

    while (at > 0 && goes_before(order, slot, lfu->heap[(at - 1) / 2])) {
        put(order, lfu, at, lfu->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(order, lfu, at, slot);
}

static void move_down(struct order *order, struct lfu *lfu, uint32_t at)
{
    uint32_t slot = lfu->heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= lfu->n) {
            break;
        }
        if (child + 1 < lfu->n && goes_before(order, lfu->heap[child + 1], lfu->heap[child])) {
            child++;
        }
        if (!goes_before(order, lfu->heap[child], slot)) {
            break;
        }
        put(order, lfu, at, lfu->heap[child]);
        at = child;
    }
    put(order, lfu, at, slot);
}

/* A stamp from before the stamps were given anew may be another entry's by now. */
static void lfu_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct lfu *lfu = order->state;
    struct lfu_words *words = words_of(order, slot);

    words->filed_count = past->is_known ? past->count + (past->count < MAX_COUNT) : 1;
    use_count_set(&words->count, words->filed_count);
    if (past->is_known && past->clock <= order->clock) {
        order_slot(order, slot)->stamp = past->stamp;
    } else {
        order_stamp(order, order_slot(order, slot));
    }
    put(order, lfu, lfu->n++, slot);
    move_up(order, lfu, lfu->n - 1);
}

static void lfu_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct lfu *lfu = order->state;
    const struct lfu_words *words = words_of(order, slot);
    uint32_t at = words->heap_at;
    uint32_t last = lfu->heap[--lfu->n];

    if (past != NULL) {
        *past = (struct policy_past){.is_known = true,
                                     .count = use_count_read(&words->count),
                                     .stamp = order_slot(order, slot)->stamp,
                                     .clock = order->clock};
    }
    if (last != slot) {
        put(order, lfu, at, last);
        move_up(order, lfu, at);
        move_down(order, lfu, words_of(order, last)->heap_at);
    }
}

static bool lfu_victim(struct order *order, uint32_t *ret_slot)
{
    struct lfu *lfu = order->state;
    struct lfu_words *words;

    if (lfu == NULL || lfu->n == 0) {
        return false;
    }
    for (;;) {
        uint32_t count;

        words = words_of(order, lfu->heap[0]);
        count = use_count_read(&words->count);
        if (words->filed_count == count) {
            *ret_slot = lfu->heap[0];
            return true;
        }
        words->filed_count = count;
        move_down(order, lfu, 0);
    }
}

static void lfu_on_move(struct order *to, const struct order *from)
{
    struct lfu *lfu = to->state;
    const struct lfu *old = from->state;

    lfu->n = old->n;
    for (uint32_t i = 0; i < old->n; i++) {
        lfu->heap[i] = order_moved_to(from, old->heap[i]);
    }
}

static int lfu_check(const struct order *order, uint32_t n_live)
{
    const struct lfu *lfu = order->state;

    if (lfu->n != n_live) {
        return -EUCLEAN;
    }
    for (uint32_t i = 0; i < lfu->n; i++) {
        const struct lfu_words *words;

        if (lfu->heap[i] >= order->n_slots || order_slot(order, lfu->heap[i])->stamp == 0) {
            return -EUCLEAN;
        }
        words = words_of(order, lfu->heap[i]);
        if (words->heap_at != i || words->filed_count > use_count_read(&words->count) ||
            words->filed_count == 0 ||
            (i > 0 && goes_before(order, lfu->heap[i], lfu->heap[(i - 1) / 2]))) {
            return -EUCLEAN;
        }
    }
    return 0;
}

const struct policy policy_lfu = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = MAX_COUNT,
    .slot_bytes = sizeof(struct lfu_words),
    .state_bytes = sizeof(struct lfu),
    .share_bytes = sizeof(uint32_t),
    .on_insert = lfu_on_insert,
    .on_remove = lfu_on_remove,
    .victim = lfu_victim,
    .on_move = lfu_on_move,
    .check = lfu_check,
};
