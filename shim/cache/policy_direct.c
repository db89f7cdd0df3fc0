// SPDX-License-Identifier: MIT
/*
 * Direct-mapped: every key has one place, and who comes takes it, whoever is there and however much
 * room the cache has. There is at least one place for each entry that the cache may hold; when the
 * bound on entries or bytes is met all the same, the oldest goes.
 */
#include "cache/policy.h"

static void direct_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    order_stamp(order, order_slot(order, slot));
}

const struct policy policy_direct = {
    .hit = POLICY_HIT_NOTHING,
    .one_per_place = true,
    .stamps = POLICY_STAMPS_ARE_MARKS,
    .on_insert = direct_on_insert,
    .victim = order_oldest,
};
