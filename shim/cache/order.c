// SPDX-License-Identifier: MIT
/*
 * The smallest stamps are collected with a bounded max-heap (what is smaller than its root replaces
 * it) that is then sorted in place. One collection reads every slot once and serves up to an eighth
 * of them, so an eviction pays for some eight slots; a candidate that was used in between is
 * skipped, at the expense of that use.
 */
#include "cache/order.h"

static void sift_down(uint64_t *heap, uint32_t n, uint32_t at)
{
    uint64_t value = heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= n) {
            break;
        }
        if (child + 1 < n && heap[child + 1] > heap[child]) {
            child++;
        }
        if (heap[child] <= value) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

static void heapify(uint64_t *heap, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;) {
        sift_down(heap, n, i);
    }
}

/* Of a heap: the largest goes to the end, until nothing is left of it. */
static void sort_heap(uint64_t *heap, uint32_t n)
{
    for (uint32_t rest = n; rest > 1; rest--) {
        uint64_t largest = heap[0];

        heap[0] = heap[rest - 1];
        heap[rest - 1] = largest;
        sift_down(heap, rest - 1, 0);
    }
}

void order_sort(uint64_t *values, uint32_t n)
{
    heapify(values, n);
    sort_heap(values, n);
}

/* Candidates: the live slots with the smallest stamps above the given one, ascending. */
static void collect_above(struct order *order, uint32_t above)
{
    uint64_t *heap = order->candidates;
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        uint32_t stamp = order_slot(order, slot)->stamp;
        uint64_t candidate = (uint64_t)stamp << 32 | slot;

        if (stamp <= above) {
            continue;
        }
        if (n < order->max_candidates) {
            heap[n++] = candidate;
            if (n == order->max_candidates) {
                heapify(heap, n);
            }
        } else if (candidate < heap[0]) {
            heap[0] = candidate;
            sift_down(heap, n, 0);
        }
    }
    if (n < order->max_candidates) {
        heapify(heap, n);
    }
    sort_heap(heap, n);
    order->n_candidates = n;
    order->next_candidate = 0;
}

void order_forget_candidates(struct order *order)
{
    order->n_candidates = 0;
    order->next_candidate = 0;
}

/*
 * Stamps are unique, so the i-th smallest is at least i: a slot that has its new number is never
 * above the bound of the next round, and none is numbered twice.
 */
void order_renumber(struct order *order)
{
    uint32_t above = 0;
    uint32_t n_numbered = 0;

    for (;;) {
        collect_above(order, above);
        if (order->n_candidates == 0) {
            break;
        }
        for (uint32_t i = 0; i < order->n_candidates; i++) {
            above = (uint32_t)(order->candidates[i] >> 32);
            order_slot(order, (uint32_t)order->candidates[i])->stamp = ++n_numbered;
        }
    }
    order->clock = n_numbered;
    order_forget_candidates(order);
}

bool order_oldest(struct order *order, uint32_t *ret_slot)
{
    for (;;) {
        while (order->next_candidate < order->n_candidates) {
            uint64_t candidate = order->candidates[order->next_candidate];
            uint32_t slot = (uint32_t)candidate;

            if (order_slot(order, slot)->stamp == (uint32_t)(candidate >> 32)) {
                *ret_slot = slot; /* not consumed: it leaves when its stamp changes */
                return true;
            }
            order->next_candidate++;
        }
        collect_above(order, 0);
        if (order->n_candidates == 0) {
            return false;
        }
    }
}
