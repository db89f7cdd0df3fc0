// SPDX-License-Identifier: MIT
/*
 * The smallest stamps are collected with a bounded max-heap (what is smaller than its root replaces
 * it) that is then sorted in place. A look at a few slots says beforehand below which stamp about
 * as many lie as there is room for, so that most slots are passed over at once and the heap has
 * little to do. One collection reads every slot once and serves up to an eighth of them, so an
 * eviction pays for some eight slots; a candidate that was used in between is skipped, at the
 * expense of that use.
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

/* For a few values. */
static void sort_few(uint64_t *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint64_t value = values[i];
        uint32_t at = i;

        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

#define BUCKETS    64
#define BUCKET_FEW 24

/*
 * Sorts candidates, whose stamps are often evenly spread: first into buckets of stamps, each value
 * to where its bucket is (P. McIlroy's, K. Bostic's and D. McIlroy's "American flag", 1993), then
 * within each. Half the time of a heap, and that of a heap at worst.
 */
static void sort_candidates(uint64_t *values, uint32_t n)
{
    uint32_t next[BUCKETS] = {0}, end[BUCKETS];
    uint64_t lowest = UINT64_MAX, highest = 0;
    unsigned shift = 32;

    if (n <= BUCKET_FEW) {
        sort_few(values, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        lowest = values[i] < lowest ? values[i] : lowest;
        highest = values[i] > highest ? values[i] : highest;
    }
    while ((highest >> shift) - (lowest >> shift) >= BUCKETS) {
        shift++;
    }
    lowest >>= shift;
    for (uint32_t i = 0; i < n; i++) {
        next[(values[i] >> shift) - lowest]++;
    }
    for (uint32_t b = 0, sum = 0; b < BUCKETS; b++) {
        sum += next[b];
        end[b] = sum;
        next[b] = sum - next[b];
    }
    for (uint32_t b = 0; b < BUCKETS; b++) {
        uint32_t begin = b == 0 ? 0 : end[b - 1];

        while (next[b] < end[b]) {
            uint64_t value = values[next[b]];
            uint32_t home = (uint32_t)((value >> shift) - lowest);

            values[next[b]] = values[next[home]];
            values[next[home]++] = value;
        }
        if (end[b] - begin <= BUCKET_FEW) {
            sort_few(values + begin, end[b] - begin);
        } else {
            order_sort(values + begin, end[b] - begin);
        }
    }
}

#define SAMPLES          64
#define SAMPLES_AT_LEAST 1024 /* slots; fewer are read as fast */

/*
 * A stamp above the given one at or below which probably not much less than max_candidates live
 * slots lie, and not many more.
 */
static uint32_t guess_bound(const struct order *order, uint32_t above)
{
    uint64_t stamps[SAMPLES];
    uint32_t n = 0, wanted;

    if (order->n_slots < SAMPLES_AT_LEAST) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint32_t slot = (uint32_t)((uint64_t)order->n_slots * i / SAMPLES);
        uint32_t stamp = *order_stamp_of(order, slot);

        if (stamp > above) {
            stamps[n++] = stamp;
        }
    }
    /* An eighth of all slots is wanted: that is so many of the samples. */
    wanted = SAMPLES / 8;
    if (n <= wanted) {
        return UINT32_MAX;
    }
    order_sort(stamps, n);
    return (uint32_t)stamps[wanted];
}

/*
 * Candidates: the live slots with the smallest stamps above the given one and not above the bound,
 * ascending.
 */
static void collect_between(struct order *order, uint32_t above, uint32_t bound)
{
    uint64_t *heap = order->candidates;
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < order->n_slots; slot++) {
        uint32_t stamp = *order_stamp_of(order, slot);
        uint64_t candidate = (uint64_t)stamp << 32 | slot;

        if (stamp > bound || stamp <= above) {
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
    sort_candidates(heap, n);
    order->n_candidates = n;
    order->next_candidate = 0;
}

/* The live slots with the smallest stamps above the given one. */
static void collect_above(struct order *order, uint32_t above)
{
    uint32_t bound = guess_bound(order, above);

    collect_between(order, above, bound);
    if (order->n_candidates == 0 && bound != UINT32_MAX) {
        collect_between(order, above, UINT32_MAX);
    }
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
            *order_stamp_of(order, (uint32_t)order->candidates[i]) = ++n_numbered;
        }
    }
    order->clock = n_numbered;
    order->era++;
    order_forget_candidates(order);
}

bool order_oldest(struct order *order, uint32_t *ret_slot)
{
    for (;;) {
        while (order->next_candidate < order->n_candidates) {
            uint64_t candidate = order->candidates[order->next_candidate];
            uint32_t slot = (uint32_t)candidate;

            if (*order_stamp_of(order, slot) == (uint32_t)(candidate >> 32)) {
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
