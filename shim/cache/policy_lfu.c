// SPDX-License-Identifier: MIT
/*
 * Least frequently used, exactly as cachetools 5.2 does it: an entry counts 1 when it comes and one
 * more for each hit and each replacement, never less; the smallest count goes, and of equal ones
 * the entry that came first. The mark is the count; the share is the stamp of the first insert.
 *
 * A hit only counts. A heap of groups is put right when somebody must go: each group is filed in it
 * under the rank that its first to go had then, which is never above the true one, so that a root
 * whose rank is still true has the first of all, and one that is not is filed anew. Each such step
 * is paid for by a hit, or by who has gone. That takes a byte or so for each slot, where a heap of
 * slots took twelve, and the fourteen of a group are quickly looked through.
 */
#include "cache/policy.h"
#include "cache/tags.h"

#include <errno.h>
#include <string.h>

#define MAX_COUNT INT32_MAX

struct lfu_group {
    uint64_t rank;    /* of its first to go, when it was filed: the count and the stamp */
    uint32_t heap_at; /* its place in the heap, plus one; 0: it is not filed */
    uint32_t in_heap; /* the group at this place of the heap, which has nothing to do with this */
};

struct lfu {
    uint32_t n; /* groups in the heap */
    uint32_t spare;
    struct lfu_group groups[];
};

/* Who goes first has the smallest. */
static uint64_t rank_of(const struct order *order, uint32_t slot)
{
    return (uint64_t)order_mark(order, slot) << 32 | order->shares[slot];
}

/* The first to go of a group, and its slot; UINT64_MAX: no slot is live. */
static uint64_t first_of(const struct order *order, uint32_t group, uint32_t *ret_slot)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t slot = group * GROUP_SLOTS; slot < (group + 1) * GROUP_SLOTS; slot++) {
        uint64_t rank = rank_of(order, slot);

        if (order->shares[slot] != 0 && rank < first) {
            first = rank;
            *ret_slot = slot;
        }
    }
    return first;
}

static uint64_t rank_at(const struct lfu *lfu, uint32_t at)
{
    return lfu->groups[lfu->groups[at].in_heap].rank;
}

static void put(struct lfu *lfu, uint32_t at, uint32_t group)
{
    lfu->groups[at].in_heap = group;
    lfu->groups[group].heap_at = at + 1;
}

static void move_up(struct lfu *lfu, uint32_t at)
{
    uint32_t group = lfu->groups[at].in_heap;

    while (at > 0 && lfu->groups[group].rank < rank_at(lfu, (at - 1) / 2)) {
        put(lfu, at, lfu->groups[(at - 1) / 2].in_heap);
        at = (at - 1) / 2;
    }
    put(lfu, at, group);
}

static void move_down(struct lfu *lfu, uint32_t at)
{
    uint32_t group = lfu->groups[at].in_heap;
    uint64_t rank = lfu->groups[group].rank;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= lfu->n) {
            break;
        }
        if (child + 1 < lfu->n && rank_at(lfu, child + 1) < rank_at(lfu, child)) {
            child++;
        }
        if (rank_at(lfu, child) >= rank) {
            break;
        }
        put(lfu, at, lfu->groups[child].in_heap);
        at = child;
    }
    put(lfu, at, group);
}

/* The group has this slot. */
static void file(struct order *order, struct lfu *lfu, uint32_t slot)
{
    struct lfu_group *group = &lfu->groups[slot / GROUP_SLOTS];
    uint64_t rank = rank_of(order, slot);

    if (group->heap_at == 0) {
        group->rank = rank;
        put(lfu, lfu->n++, slot / GROUP_SLOTS);
    } else if (rank < group->rank) {
        group->rank = rank;
    } else {
        return;
    }
    move_up(lfu, group->heap_at - 1);
}

static size_t lfu_state_bytes(uint32_t n_slots)
{
    return sizeof(struct lfu) + n_slots / GROUP_SLOTS * sizeof(struct lfu_group);
}

/* New stamps for all, in the memory of the heap, which is then made anew. */
static void renumber(struct order *order, struct lfu *lfu)
{
    order->candidates = (uint64_t *)(void *)lfu->groups;
    order->max_candidates = order->n_slots / GROUP_SLOTS * 2;
    order_renumber(order);
    memset(lfu, 0, lfu_state_bytes(order->n_slots));
    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        if (order->shares[slot] != 0) {
            file(order, lfu, slot);
        }
    }
}

/* A stamp from before the stamps were given anew may be another entry's by now. */
static void lfu_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct lfu *lfu = order->state;
    uint32_t stamp;

    if (past->is_known && past->era == order->era) {
        order->shares[slot] = past->stamp;
    } else {
        while (!stamp_take_alone(order->clock, &stamp)) { /* under the lock */
            renumber(order, lfu);
        }
        order->shares[slot] = stamp;
    }
    order_set_mark(order, slot, past->is_known ? past->count + (past->count < MAX_COUNT) : 1);
    file(order, lfu, slot);
}

static void lfu_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    if (past != NULL) {
        *past = (struct policy_past){.is_known = true,
                                     .count = order_mark(order, slot),
                                     .stamp = order->shares[slot],
                                     .era = order->era};
    }
    order->shares[slot] = 0;
}

static bool lfu_victim(struct order *order, uint32_t *ret_slot)
{
    struct lfu *lfu = order->state;

    while (lfu != NULL && lfu->n > 0) {
        struct lfu_group *group = &lfu->groups[lfu->groups[0].in_heap];
        uint64_t rank = first_of(order, lfu->groups[0].in_heap, ret_slot);

        if (rank == group->rank) {
            return true;
        }
        if (rank != UINT64_MAX) {
            group->rank = rank;
        } else {
            put(lfu, 0, lfu->groups[--lfu->n].in_heap);
            group->heap_at = 0;
        }
        if (lfu->n > 0) {
            move_down(lfu, 0);
        }
    }
    return false;
}

static void lfu_on_move(struct order *to, const struct order *from)
{
    for (uint32_t slot = 0; slot < from->n_slots; slot++) {
        if (from->shares[slot] != 0) {
            uint32_t new_slot = order_moved_to(from, slot);

            to->shares[new_slot] = from->shares[slot];
            file(to, to->state, new_slot);
        }
    }
}

static int lfu_check(const struct order *order, uint32_t n_live)
{
    const struct lfu *lfu = order->state;
    uint32_t n_groups = order->n_slots / GROUP_SLOTS, n_filed = 0;

    for (uint32_t i = 0; i < n_groups; i++) {
        const struct lfu_group *group = &lfu->groups[i];
        uint32_t at = group->heap_at - 1, slot;
        uint64_t rank = first_of(order, i, &slot);

        if (group->heap_at == 0
                ? rank != UINT64_MAX
                : at >= lfu->n || lfu->groups[at].in_heap != i || rank < group->rank ||
                      group->rank < rank_at(lfu, at == 0 ? 0 : (at - 1) / 2)) {
            return -EUCLEAN;
        }
        n_filed += group->heap_at != 0;
    }
    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        if ((order->shares[slot] != 0) != (order_mark(order, slot) != 0)) {
            return -EUCLEAN;
        }
    }
    return n_filed == lfu->n ? 0 : -EUCLEAN;
}

const struct policy policy_lfu = {
    .hit = POLICY_HIT_COUNTS,
    .max_count = MAX_COUNT,
    .stamps = POLICY_STAMPS_ARE_SHARES,
    .has_shares = true,
    .state_bytes = lfu_state_bytes,
    .on_insert = lfu_on_insert,
    .on_remove = lfu_on_remove,
    .victim = lfu_victim,
    .on_move = lfu_on_move,
    .check = lfu_check,
};
