// SPDX-License-Identifier: MIT
/*
 * The contract of an eviction policy: a const struct of a few functions, called while nobody else
 * can touch the shard. A policy never allocates, locks, logs or sees key bytes: it works on the
 * order alone. Lives are not its business either: what has expired is removed before it is asked.
 */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include "cache/order.h"

struct policy {
    /* The slot was just filled. It must leave here with a stamp that is not 0. */
    void (*on_insert)(struct order *order, uint32_t slot);
    /* An entry was read. NULL: it takes the next stamp, which the hit path does by itself. */
    void (*on_hit)(struct order *order, uint32_t slot);
    /* Who goes next; false only when no slot is live. The caller removes it. */
    bool (*victim)(struct order *order, uint32_t *ret_slot);
};

#define CACHE_POLICY(name, symbol, help) extern const struct policy symbol;
#include "cache/policies.def"
#undef CACHE_POLICY

#endif
