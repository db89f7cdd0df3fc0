// SPDX-License-Identifier: MIT
/*
 * One collection reads every slot once, and serves a sixth of them: an eviction pays for six slots,
 * each of which takes a load, a comparison and a store without a branch. Where to stop, so that
 * there is room for all that are older, is told by the last collection, whose stamps lay as close;
 * if it was not so, a look at a few slots says more, and what is too much is cut off.
 *
 * Where few entries are used again, their stamps lie close to each other. Then a collection is a
 * run: each slot is put where its stamp says, into half as much memory, and nothing has to be
 * sorted.
 *
 * Other candidates are put into buckets at once and sorted a bucket at a time, when its turn comes:
 * so the one insert in many that collects waits no longer than it must, which is some 3 ns for each
 * slot of the table. A candidate that was used in between is skipped, at the expense of that use.
 *
 * With threads, hits go on stamping meanwhile. So nothing is collected beyond the newest stamp that
 * there was when it began: what was stamped up to there, by a hit that is not to be looked for
 * again, is seen, and what comes later is younger than all that is collected.
 */
#include "cache/order.h"

#include <string.h>

#define BUCKETS 64
#define FEW     16 /* sorted by insertion */

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

/* How many lowest bits values may differ in if they are to be of one bucket, of at most BUCKETS. */
static unsigned bucket_shift(const uint64_t *values, uint32_t n)
{
    uint64_t lowest = values[0], highest = values[0];
    uint32_t wanted = n / 4 < BUCKETS ? n / 4 : BUCKETS; /* 4 or more */
    unsigned shift;

    for (uint32_t i = 1; i < n; i++) {
        lowest = values[i] < lowest ? values[i] : lowest;
        highest = values[i] > highest ? values[i] : highest;
    }
    shift = highest == lowest ? 0 : 64 - (unsigned)__builtin_clzll(highest - lowest);
    while (shift > 0 && (highest >> (shift - 1)) - (lowest >> (shift - 1)) < wanted) {
        shift--;
    }
    return shift;
}

/*
 * Each value goes to where its bucket is, without other memory: P. McIlroy's, K. Bostic's and
 * D. McIlroy's "American flag" (1993). Buckets ascend.
 */
static void put_into_buckets(uint64_t *values, uint32_t n, unsigned shift)
{
    uint32_t next[BUCKETS], end[BUCKETS], n_buckets;
    uint64_t lowest = values[0] >> shift, highest = lowest;

    for (uint32_t i = 1; i < n; i++) {
        lowest = values[i] >> shift < lowest ? values[i] >> shift : lowest;
        highest = values[i] >> shift > highest ? values[i] >> shift : highest;
    }
    n_buckets = (uint32_t)(highest - lowest + 1);
    for (uint32_t b = 0; b < n_buckets; b++) {
        end[b] = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        end[(values[i] >> shift) - lowest]++;
    }
    for (uint32_t b = 0, sum = 0; b < n_buckets; b++) {
        next[b] = sum;
        sum += end[b];
        end[b] = sum;
    }
    for (uint32_t b = 0; b < n_buckets; b++) {
        while (next[b] < end[b]) {
            uint64_t value = values[next[b]];
            uint32_t home = (uint32_t)((value >> shift) - lowest);

            values[next[b]] = values[next[home]];
            values[next[home]++] = value;
        }
    }
}

/* From there on, how many are of one bucket. */
static uint32_t bucket_size(const uint64_t *values, uint32_t n, unsigned shift)
{
    uint32_t size = 1;

    while (size < n && values[size] >> shift == values[0] >> shift) {
        size++;
    }
    return size;
}

#define DEEP 8

/*
 * Many values are spread over 32 buckets or more, and differ in 32 bits: what is left in a bucket
 * so deep are few, and sorting them by insertion keeps the stack small.
 */
static void sort_deep(uint64_t *values, uint32_t n, int depth)
{
    unsigned shift;

    if (n <= FEW || depth == DEEP) {
        sort_few(values, n);
        return;
    }
    shift = bucket_shift(values, n);
    put_into_buckets(values, n, shift);
    for (uint32_t at = 0, size; at < n; at += size) {
        size = bucket_size(values + at, n - at, shift);
        sort_deep(values + at, size, depth + 1);
    }
}

void order_sort(uint64_t *values, uint32_t n)
{
    sort_deep(values, n, 0);
}

/* So many candidates are aimed at: if somewhat more come, there is room. */
static uint32_t n_wanted(const struct order *order)
{
    return (order->max_candidates * 2 + 2) / 3;
}

#define SAMPLES 64

/*
 * The newest stamp, behind a change that has begun: hits without the lock that have not seen it
 * yet have taken theirs before, and stamped, or else see it when they have (beside.h).
 */
static uint32_t newest_stamp(const struct order *order)
{
    if (!__libc_single_threaded) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    return atomic_load_explicit(order->clock, memory_order_relaxed);
}

/*
 * A stamp above the given one, and not above the newest, at or below which probably about as many
 * live slots lie as are wanted. The slots that are looked at are evenly spread: keys lie in them by
 * their hashes.
 */
static uint32_t look_for_bound(const struct order *order, uint32_t above, uint32_t newest)
{
    uint64_t stamps[SAMPLES];
    uint32_t n_looks = order->n_slots < SAMPLES ? order->n_slots : SAMPLES;
    uint32_t wanted = (uint32_t)((uint64_t)n_looks * n_wanted(order) / order->n_slots);
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_looks; i++) {
        uint32_t slot = (uint32_t)((uint64_t)order->n_slots * i / n_looks);
        uint32_t stamp = order_stamp_of(order, slot);

        if (stamp - above - 1 < newest - above) {
            stamps[n++] = stamp;
        }
    }
    if (n <= wanted) {
        return newest;
    }
    order_sort(stamps, n);
    return (uint32_t)stamps[wanted];
}

/* Keeps the smaller half. The largest of them is the bound then. */
static uint32_t cut_off(uint64_t *candidates, uint32_t n, size_t *ret_n)
{
    order_sort(candidates, n);
    *ret_n = n - n / 2;
    return (uint32_t)(candidates[*ret_n - 1] >> 32);
}

/*
 * Candidates: the live slots with stamps above the one and not above the other, in any order.
 * Returns the other, or what it had to be lowered to.
 */
static uint32_t collect_between(struct order *order, uint32_t above, uint32_t bound)
{
    uint64_t *candidates = order->candidates;
    const char *stamp = order->stamps;
    size_t stamp_bytes = order->stamp_bytes, n = 0, max = order->max_candidates;
    uint64_t slot = 0, n_slots = order->n_slots;
    uint32_t lowest = above + 1;

    while (slot < n_slots) {
        uint64_t end = n_slots - slot < max - n ? n_slots : slot + (max - n);

        for (; slot < end; slot++, stamp += stamp_bytes) {
            uint32_t found = order_stamp_at(stamp);

            candidates[n] = (uint64_t)found << 32 | slot;
            n += found - lowest < bound - above;
        }
        if (n == max && slot < n_slots) {
            bound = cut_off(candidates, (uint32_t)max, &n);
        }
    }
    order->n_candidates = (uint32_t)n;
    return bound;
}

static void put_candidates_into_buckets(struct order *order)
{
    order->next_candidate = 0;
    order->n_sorted = 0;
    order->bucket_shift = 0;
    if (order->n_candidates > FEW) {
        order->bucket_shift = bucket_shift(order->candidates, order->n_candidates);
        put_into_buckets(order->candidates, order->n_candidates, order->bucket_shift);
    } else {
        sort_few(order->candidates, order->n_candidates);
        order->n_sorted = order->n_candidates;
    }
}

/* The live slots with the smallest stamps above the given one, if there are any. */
static void collect_above(struct order *order, uint32_t above, uint32_t bound, uint32_t newest)
{
    bound = collect_between(order, above, bound);
    if (order->n_candidates < n_wanted(order) / 4 && bound != newest) {
        uint32_t second = look_for_bound(order, above, newest);

        if (second > bound) {
            bound = collect_between(order, above, second);
        }
    }
    order->bound = bound;
    put_candidates_into_buckets(order);
}

/* How far to go next time, if so many were found over this distance. */
static void note_width(struct order *order, uint32_t distance, uint32_t n_found)
{
    uint64_t width = n_found == 0 ? 0 : (uint64_t)distance * n_wanted(order) / n_found;

    order->width = width < UINT32_MAX ? (uint32_t)width : UINT32_MAX;
}

/* The longest run. One place more takes all that does not belong to it. */
static uint32_t max_run(const struct order *order)
{
    return order->max_candidates * 2 - 1;
}

/*
 * Whether stamps lie so close that reading every slot for a run is worth it: it serves a third as
 * many entries at least as there would be candidates, which take three times that, to be sorted.
 */
static bool is_run_worth_it(const struct order *order, uint32_t newest)
{
    return order->width != 0 && order->width / 3 <= max_run(order) && order->bound < newest;
}

/* A run from behind the last collection on. False: nobody is there. */
static bool collect_run(struct order *order, uint32_t newest)
{
    uint32_t n_run = newest - order->bound, first = order->bound + 1, n = 0;
    const char *stamp = order->stamps;
    size_t stamp_bytes = order->stamp_bytes;
    order_place *run = order_run(order);
    uint32_t n_slots = order->n_slots;

    n_run = n_run < max_run(order) ? n_run : max_run(order);
    memset(run, 0, n_run * sizeof(*run));
    for (uint32_t link = 1; link <= n_slots; link++, stamp += stamp_bytes) {
        uint32_t i = order_stamp_at(stamp) - first; /* far off in a free slot */

        n += i < n_run;
        run[i < n_run ? i : n_run] = link;
    }
    order->run_first = first;
    order->n_run = n == 0 ? 0 : n_run;
    order->next_in_run = 0;
    order->bound += n_run;
    note_width(order, n_run, n);
    return n != 0;
}

/* The oldest, and how far to go next time, by how close they were to each other. */
static __attribute__((noinline)) void collect_oldest(struct order *order)
{
    uint32_t newest = newest_stamp(order), era = stamp_era(newest);
    uint32_t bound, before;

    if (is_run_worth_it(order, newest) && collect_run(order, newest)) {
        return;
    }
    bound = before = order->bound;
    if (order->width == 0) {
        bound = look_for_bound(order, era, newest);
        before = era;
    } else {
        bound = order->width < newest - bound ? bound + order->width : newest;
    }
    collect_above(order, era, bound, newest);
    bound = order->bound;
    note_width(order, bound <= before ? 0 : bound - before, order->n_candidates);
}

/* Not inlined, as collect_oldest: most evictions need neither. */
static __attribute__((noinline)) void sort_next_bucket(struct order *order)
{
    uint64_t *candidates = order->candidates + order->n_sorted;
    uint32_t n =
        bucket_size(candidates, order->n_candidates - order->n_sorted, order->bucket_shift);

    order_sort(candidates, n);
    order->n_sorted += n;
}

static void forget_candidates(struct order *order)
{
    order->n_candidates = 0;
    order->next_candidate = 0;
    order->n_sorted = 0;
    order->n_run = 0;
    order->next_in_run = 0;
}

/* Who has a number of the next era is in nobody's reach any more, and so none is numbered twice. */
void order_renumber(struct order *order)
{
    uint32_t newest = newest_stamp(order), above = stamp_era(newest);
    uint32_t next_era = above ^ STAMP_ERA, n_numbered = 0;

    for (;;) {
        collect_above(order, above, look_for_bound(order, above, newest), newest);
        if (order->n_candidates == 0) {
            break;
        }
        order_sort(order->candidates, order->n_candidates);
        for (uint32_t i = 0; i < order->n_candidates; i++) {
            above = (uint32_t)(order->candidates[i] >> 32);
            order_set_stamp(order, (uint32_t)order->candidates[i], next_era + ++n_numbered);
        }
    }
    atomic_store_explicit(order->clock, next_era + n_numbered, memory_order_relaxed);
    order->era++;
    order->bound = next_era;
    order->width = 0;
    forget_candidates(order);
}

/* The next entry of a run that was not used since, if there is one. */
static bool find_in_run(struct order *order, uint32_t *ret_slot)
{
    const order_place *run = order_run(order);

    for (; order->next_in_run < order->n_run; order->next_in_run++) {
        uint32_t link = run[order->next_in_run];

        if (link != 0 && order_stamp_of(order, link - 1) == order->run_first + order->next_in_run) {
            *ret_slot = link - 1;
            return true;
        }
    }
    order->n_run = 0;
    order->next_in_run = 0;
    return false;
}

bool order_find_oldest(struct order *order, uint32_t *ret_slot)
{
    for (;;) {
        if (order->n_run > 0 && find_in_run(order, ret_slot)) {
            return true;
        }
        for (; order->next_candidate < order->n_candidates; order->next_candidate++) {
            uint64_t candidate;
            uint32_t slot;

            if (order->next_candidate == order->n_sorted) {
                sort_next_bucket(order);
            }
            candidate = order->candidates[order->next_candidate];
            slot = (uint32_t)candidate;
            if (order_stamp_of(order, slot) == (uint32_t)(candidate >> 32)) {
                *ret_slot = slot; /* not consumed: it leaves when its stamp changes */
                return true;
            }
        }
        if (order->n_slots > 0) {
            collect_oldest(order);
        }
        if (order->n_candidates == 0 && order->n_run == 0) {
            forget_candidates(order);
            return false;
        }
    }
}
