// SPDX-License-Identifier: MIT
/* First in, first out: the oldest write goes. Reads do not matter, a replaced entry is a new one.
 */
#include "cache/policy.h"

static void fifo_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    order_stamp(order, order_slot(order, slot));
}

const struct policy policy_fifo = {
    .hit = POLICY_HIT_NOTHING,
    .stamps = POLICY_STAMPS_ARE_MARKS,
    .on_insert = fifo_on_insert,
    .victim = order_oldest,
};
