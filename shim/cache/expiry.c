// SPDX-License-Identifier: MIT
/* A textbook binary heap; each slot knows its place in it, so that any entry can leave early. */
#include "cache/expiry.h"

#include "cache/refresh.h"

#include <errno.h>

static uint64_t expires_at(const struct expiry *expiry, uint32_t slot)
{
    return atomic_load_explicit(&expiry_life(expiry, slot)->expires_ns, memory_order_relaxed);
}

static void put(struct expiry *expiry, uint32_t at, uint32_t slot)
{
    expiry->heap[at] = slot;
    expiry_life(expiry, slot)->heap_at = at & INT32_MAX;
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

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t expiry_end_ns(const struct expiry *expiry, uint32_t slot)
{
    const struct slot_use *use = expiry_use(expiry, slot);

    if (expiry->idle_ns == 0) {
        return expires_at(expiry, slot);
    }
    return earlier(
        atomic_load_explicit(&use->end_ns, memory_order_relaxed),
        cache_end_ns(atomic_load_explicit(&use->used_ns, memory_order_relaxed), expiry->idle_ns));
}

static void set_expires(struct expiry *expiry, uint32_t slot, uint64_t expires_ns)
{
    atomic_store_explicit(&expiry_life(expiry, slot)->expires_ns, expires_ns, memory_order_relaxed);
}

void expiry_add(struct expiry *expiry, uint32_t slot, uint64_t now_ns,
                const struct cache_life *life)
{
    struct slot_life *kept = expiry_life(expiry, slot);

    set_expires(expiry, slot, life->expires_ns);
    kept->is_failure = life->is_failure;
    atomic_store_explicit(&kept->early, refresh_pack(life->early_ns), memory_order_relaxed);
    if (expiry->idle_ns != 0) {
        struct slot_use *use = expiry_use(expiry, slot);

        atomic_store_explicit(&use->used_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&use->end_ns, life->expires_ns, memory_order_relaxed);
        set_expires(expiry, slot, expiry_end_ns(expiry, slot));
    }
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

bool expiry_first_expired(struct expiry *expiry, uint64_t now_ns, uint32_t max_outlived,
                          uint32_t *ret_slot)
{
    for (uint32_t n_outlived = 0; expiry->n > 0 && now_ns >= expiry_next_ns(expiry); n_outlived++) {
        uint32_t slot = expiry->heap[0];
        uint64_t end_ns = expiry_end_ns(expiry, slot);

        if (end_ns == expires_at(expiry, slot)) {
            *ret_slot = slot;
            return true;
        }
        if (n_outlived == max_outlived) {
            break;
        }
        set_expires(expiry, slot, end_ns);
        move_down(expiry, 0);
    }
    return false;
}

bool expiry_is_spent(const struct expiry *expiry, uint32_t slot, uint64_t now_ns)
{
    return expiry_life(expiry, slot)->is_failure ||
           now_ns >= cache_end_ns(expiry_end_ns(expiry, slot), expiry->stale_ns);
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
