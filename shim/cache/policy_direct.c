// SPDX-License-Identifier: MIT
/*
 * Direct-mapped: every key has one place, and who comes takes it, whoever is there and however much
 * room the cache has. When a bound is met all the same, the oldest goes: entries are linked in the
 * order in which they came, each to the next newer and older one, by slot number plus one.
 */
#include "cache/policy.h"

#include <errno.h>

struct direct {
    uint32_t newest, oldest; /* links */
};

/* At the end of every slot. 0: there is none. */
struct direct_links {
    uint32_t newer, older;
};

_Static_assert(sizeof(struct direct_links) == PLACE_LINKS_BYTES, "there is room");

static struct direct_links *links_of(const struct order *order, uint32_t link)
{
    return (struct direct_links *)(void *)(order->slots + (size_t)link * order->slot_bytes -
                                           PLACE_LINKS_BYTES);
}

/* What says who is the next newer one than this, or the oldest of all; and the reverse. */
static uint32_t *newer_than(const struct order *order, uint32_t link)
{
    return link == 0 ? &((struct direct *)order->state)->oldest : &links_of(order, link)->newer;
}

static uint32_t *older_than(const struct order *order, uint32_t link)
{
    return link == 0 ? &((struct direct *)order->state)->newest : &links_of(order, link)->older;
}

static void direct_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct direct *direct = order->state;

    *links_of(order, slot + 1) = (struct direct_links){.older = direct->newest};
    *newer_than(order, direct->newest) = slot + 1;
    direct->newest = slot + 1;
}

static void direct_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct direct_links links = *links_of(order, slot + 1);

    *older_than(order, links.newer) = links.older;
    *newer_than(order, links.older) = links.newer;
}

static bool direct_victim(struct order *order, uint32_t *ret_slot)
{
    const struct direct *direct = order->state;

    if (direct->oldest == 0) {
        return false;
    }
    *ret_slot = direct->oldest - 1;
    return true;
}

static int direct_check(const struct order *order, uint32_t n_live)
{
    const struct direct *direct = order->state;
    uint32_t older = 0, n = 0;

    for (uint32_t link = direct->oldest; link != 0; link = links_of(order, link)->newer) {
        if (link > order->n_slots || n++ == n_live || order_mark(order, link - 1) == 0 ||
            links_of(order, link)->older != older) {
            return -EUCLEAN;
        }
        older = link;
    }
    return n == n_live && direct->newest == older ? 0 : -EUCLEAN;
}

static size_t direct_state_bytes(uint32_t n_slots)
{
    return sizeof(struct direct);
}

const struct policy policy_direct = {
    .hit = POLICY_HIT_NOTHING,
    .one_per_place = true,
    .state_bytes = direct_state_bytes,
    .on_insert = direct_on_insert,
    .on_remove = direct_on_remove,
    .victim = direct_victim,
    .check = direct_check,
};
