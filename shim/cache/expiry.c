// SPDX-License-Identifier: MIT
/* A textbook binary heap; each slot knows its place in it, so that any entry can leave early. */
#include "cache/expiry.h"

#include <errno.h>

static uint64_t expires_at(const struct expiry *expiry, uint32_t slot)
{
    return expiry_life(expiry, slot)->expires_ns;
}

static void put(struct expiry *expiry, uint32_t at, uint32_t slot)
{
    expiry->heap[at] = slot;
    expiry_life(expiry, slot)->heap_at = at;
}

static void move_up(struct expiry *expiry, uint32_t at)
{
    uint32_t slot = expiry->heap[at];
    uint64_t expires_ns = expires_at(expiry, slot);

    while (at > 0) {
        uint32_t parent = (at - 1) / 2;

        if (expires_at(expiry, expiry->heap[parent]) <= expires_ns) {
            break;
        }
        put(expiry, at, expiry->heap[parent]);
        at = parent;
    }
    put(expiry, at, slot);
}

static void move_down(struct expiry *expiry, uint32_t at)
{
    uint32_t slot = expiry->heap[at];
    uint64_t expires_ns = expires_at(expiry, slot);

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= expiry->n) {
            break;
        }
        if (child + 1 < expiry->n &&
            expires_at(expiry, expiry->heap[child + 1]) < expires_at(expiry, expiry->heap[child])) {
            child++;
        }
        if (expires_at(expiry, expiry->heap[child]) >= expires_ns) {
            break;
        }
        put(expiry, at, expiry->heap[child]);
        at = child;
    }
    put(expiry, at, slot);
}

void expiry_add(struct expiry *expiry, uint32_t slot, uint64_t expires_ns)
{
    expiry_life(expiry, slot)->expires_ns = expires_ns;
    put(expiry, expiry->n++, slot);
    move_up(expiry, expiry->n - 1);
}

void expiry_remove(struct expiry *expiry, uint32_t slot)
{
    uint32_t at = expiry_life(expiry, slot)->heap_at;
    uint32_t last = expiry->heap[--expiry->n];

    if (last != slot) {
        put(expiry, at, last);
        move_up(expiry, at);
        move_down(expiry, expiry_life(expiry, last)->heap_at);
    }
}

uint64_t expiry_next_ns(const struct expiry *expiry)
{
    return expiry->n == 0 ? UINT64_MAX : expires_at(expiry, expiry->heap[0]);
}

bool expiry_first_expired(const struct expiry *expiry, uint64_t now_ns, uint32_t *ret_slot)
{
    if (expiry->n == 0 || now_ns < expires_at(expiry, expiry->heap[0])) {
        return false;
    }
    *ret_slot = expiry->heap[0];
    return true;
}

int expiry_check(const struct expiry *expiry)
{
    for (uint32_t at = 0; at < expiry->n; at++) {
        uint32_t slot = expiry->heap[at];

        if (expiry_life(expiry, slot)->heap_at != at ||
            (at > 0 && expires_at(expiry, expiry->heap[(at - 1) / 2]) > expires_at(expiry, slot))) {
            return -EUCLEAN;
        }
    }
    return 0;
}
