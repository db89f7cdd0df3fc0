// SPDX-License-Identifier: MIT
/* Least recently used, exactly: reads and writes both stamp, the smallest stamp goes. */
#include "cache/policy.h"

static void lru_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    order_stamp(order, order_slot(order, slot));
}

const struct policy policy_lru = {
    .hit = POLICY_HIT_STAMPS,
    .stamps = POLICY_STAMPS_ARE_MARKS,
    .on_insert = lru_on_insert,
    .victim = order_oldest,
};
