// SPDX-License-Identifier: MIT
/*
 * W-TinyLFU (Einziger, Friedman and Manes 2017) with a window that adapts, as Caffeine has it for
 * caches of one shard's size. New entries stand in a window, which is an LRU; who leaves it stays
 * only if it was seen more often lately than the one that would go for it, the least recently used
 * of the main part. That part is an LRU in two segments: a hit in probation is promoted to
 * protected, and the oldest there come back.
 *
 * A hill climber moves the border between the two parts. After so many uses it goes to where an
 * entry of the cache brought more hits: into the window, or into the main part, whose protected
 * segment counts less than probation, since the next entry that the main part gains or loses is one
 * of the latter. Steps shrink whenever it turns and grow for as long as it does not. Caffeine
 * climbs by the hit ratio itself, and by such a density only in large caches; in small ones the
 * ratio of two samples differs by chance as much as by any step: over six seeds of the hash the
 * worst of the 51 cells that tests/bench/traces.py knows was 5.7 points below its reference, with
 * densities it was 1.0, and the mean rose by half a point. Over ten seeds the worst median of a
 * cell is now 0.4 below, the mean of all cells 0.6 above.
 *
 * All in whole numbers: the program's floating-point flags stay as they are. Sizes are shares of
 * what the shard holds, since neither a bound in bytes nor one that is shared with other shards
 * says how many entries there will be. Segments, ageing and the largest step are Caffeine's; the
 * rest of the constants are the best of a hundred that were tried on those traces, those of steps
 * and samples over 24 seeds, since in a small cache one seed differs from the next by a point and
 * more.
 */
#include "base/draw.h"
#include "cache/policy.h"
#include "cache/queue.h"
#include "cache/sketch.h"
#include "cache/tags.h"

#include <errno.h>

#define ONE             65536 /* of shares */
#define FIRST_WINDOW    ((ONE * 3 + 99) / 100)
#define PROBATION       (ONE / 5)
#define AGE_USES        10 /* for each entry, between halvings of the sketch */
#define SAMPLE_USES     6  /* for each entry, between two steps */
#define STEP_UNIT       16 /* parts of a share that steps are kept in */
#define STEP_MAX        (ONE * STEP_UNIT / 16)
#define STEP_MIN        (ONE * STEP_UNIT / 200)
#define STEP_TURN(step) ((step) / 5 * 2)
#define STEP_ON(step)   ((step) / 5 * 6)
#define PROTECTED_PART  4    /* of 5: what its entries and hits count in the main part's density */
#define MAX_MOVES       1000 /* for one insert */

/* A loser that was seen so often wins one time in 128, or floods of one hash would stay. */
#define STUBBORN_COUNT 6

enum {
    WINDOW = 1,
    PROBATION_QUEUE,
    PROTECTED,
    QUEUES_END,
};

struct w_tinylfu {
    struct queue queues[QUEUES_END]; /* the first is none */
    uint64_t random;
    uint32_t window_share;       /* at least 1 */
    uint32_t n_uses;             /* in this sample */
    uint32_t n_hits[QUEUES_END]; /* the first: of those that are new */
    int32_t step;                /* of the window's share, the last one, in STEP_UNITs */
    uint32_t is_full;            /* somebody had to go */
    uint32_t spare;
    struct sketch sketch;
};

static size_t w_tinylfu_state_bytes(uint32_t n_slots)
{
    return sizeof(struct w_tinylfu) + (size_t)n_slots * sizeof(uint64_t);
}

static uint32_t n_entries(const struct w_tinylfu *tiny)
{
    return tiny->queues[WINDOW].n + tiny->queues[PROBATION_QUEUE].n + tiny->queues[PROTECTED].n;
}

/* What shares are of: before anybody had to go, what the table is made for. */
static uint32_t capacity(const struct order *order, const struct w_tinylfu *tiny)
{
    uint32_t n = n_entries(tiny);
    uint32_t n_made_for = order->n_slots / GROUP_SLOTS * GROUP_LOAD;

    return tiny->is_full || n > n_made_for ? n : n_made_for;
}

static uint32_t max_window(const struct w_tinylfu *tiny, uint32_t n)
{
    return (uint32_t)(((uint64_t)n * tiny->window_share + ONE - 1) / ONE);
}

static uint32_t max_protected(const struct w_tinylfu *tiny, uint32_t n)
{
    return (uint32_t)((uint64_t)n * (ONE - PROBATION - tiny->window_share) / ONE);
}

static void move_to(struct order *order, struct w_tinylfu *tiny, uint32_t slot, uint32_t number)
{
    queue_remove(order, &tiny->queues[queue_number_of(order, slot)], slot);
    queue_add(order, &tiny->queues[number], number, slot, 0);
}

/* The oldest of one queue becomes the newest of another. False: there is none. */
static bool move_oldest(struct order *order, struct w_tinylfu *tiny, uint32_t from, uint32_t to)
{
    uint32_t slot;

    if (!queue_oldest(&tiny->queues[from], &slot)) {
        return false;
    }
    move_to(order, tiny, slot, to);
    return true;
}

static void demote(struct order *order, struct w_tinylfu *tiny, uint32_t n)
{
    uint32_t max = max_protected(tiny, n);

    for (int i = 0; i < MAX_MOVES && tiny->queues[PROTECTED].n > max; i++) {
        move_oldest(order, tiny, PROTECTED, PROBATION_QUEUE);
    }
}

static void shrink_window(struct order *order, struct w_tinylfu *tiny, uint32_t max)
{
    for (int i = 0; i < MAX_MOVES && tiny->queues[WINDOW].n > max; i++) {
        move_oldest(order, tiny, WINDOW, PROBATION_QUEUE);
    }
}

/* What the window gains comes from the oldest of the main part; what it loses leaves later. */
static void resize_window(struct order *order, struct w_tinylfu *tiny, int32_t change, uint32_t n)
{
    int32_t share = (int32_t)tiny->window_share + change;
    uint32_t before = max_window(tiny, n), after;

    share = share < 1 ? 1 : share > ONE - PROBATION ? ONE - PROBATION : share;
    tiny->window_share = (uint32_t)share;
    after = max_window(tiny, n);
    demote(order, tiny, n);
    for (uint32_t i = before; i < after && i - before < MAX_MOVES; i++) {
        if (!move_oldest(order, tiny, PROBATION_QUEUE, WINDOW)) {
            break;
        }
    }
}

/* Hits for each entry, and one of each that was never there: nothing is known of an empty part. */
static uint64_t density(uint64_t n_hits, uint64_t n)
{
    return (n_hits + 5) * ONE / (n + 5);
}

static bool window_brings_more(const struct w_tinylfu *tiny)
{
    uint64_t n_main = 5 * (uint64_t)tiny->queues[PROBATION_QUEUE].n +
                      PROTECTED_PART * (uint64_t)tiny->queues[PROTECTED].n;
    uint64_t n_main_hits = 5 * (uint64_t)tiny->n_hits[PROBATION_QUEUE] +
                           PROTECTED_PART * (uint64_t)tiny->n_hits[PROTECTED];

    return density(5 * (uint64_t)tiny->n_hits[WINDOW], 5 * (uint64_t)tiny->queues[WINDOW].n) >
           density(n_main_hits, n_main);
}

static void climb(struct order *order, struct w_tinylfu *tiny, uint32_t n)
{
    int32_t sign = window_brings_more(tiny) ? 1 : -1;
    int32_t step = tiny->step * sign;

    step = step < 0 ? STEP_TURN(-step) : STEP_ON(step);
    step = step > STEP_MAX ? STEP_MAX : step < STEP_MIN ? STEP_MIN : step;
    tiny->step = step * sign;
    tiny->n_uses = 0;
    for (uint32_t i = 0; i < QUEUES_END; i++) {
        tiny->n_hits[i] = 0;
    }
    resize_window(order, tiny, tiny->step / STEP_UNIT, n);
}

static uint32_t times(uint32_t n, uint32_t factor)
{
    return n > UINT32_MAX / factor ? UINT32_MAX : n * factor;
}

/* number: the queue in which it was hit; 0: it is new. */
static void note_use(struct order *order, struct w_tinylfu *tiny, uint32_t slot, uint32_t number)
{
    uint32_t n = capacity(order, tiny);

    sketch_add(&tiny->sketch, order_slot(order, slot)->hash, times(n, AGE_USES));
    if (!tiny->is_full) {
        return;
    }
    tiny->n_hits[number]++;
    if (++tiny->n_uses >= times(n, SAMPLE_USES)) {
        climb(order, tiny, n);
    }
}

/* A hit in probation is promoted, every other one only moves to the newest end. */
static void promote(struct order *order, struct w_tinylfu *tiny, uint32_t slot)
{
    uint32_t number = queue_number_of(order, slot);

    move_to(order, tiny, slot, number == WINDOW ? WINDOW : PROTECTED);
    if (number == PROBATION_QUEUE) {
        demote(order, tiny, capacity(order, tiny));
    }
}

static void w_tinylfu_on_hit(struct order *order, uint32_t slot)
{
    struct w_tinylfu *tiny = order->state;
    uint32_t number = queue_number_of(order, slot);

    promote(order, tiny, slot);
    note_use(order, tiny, slot, number);
}

static void w_tinylfu_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct w_tinylfu *tiny = order->state;
    uint32_t number = past->is_known ? past->queue : WINDOW;

    if (tiny->sketch.n_blocks == 0) {
        tiny->sketch.n_blocks = order->n_slots / SKETCH_BLOCK_WORDS;
        tiny->window_share = FIRST_WINDOW;
        tiny->step = STEP_MAX;
    }
    queue_add(order, &tiny->queues[number], number, slot, 0);
    if (past->is_known) {
        promote(order, tiny, slot);
    }
    if (!tiny->is_full) {
        shrink_window(order, tiny, max_window(tiny, capacity(order, tiny)));
    }
    note_use(order, tiny, slot, past->is_known ? past->queue : 0);
}

static void w_tinylfu_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct w_tinylfu *tiny = order->state;
    uint32_t number = queue_number_of(order, slot);

    if (past != NULL) {
        *past = (struct policy_past){.is_known = true, .queue = number};
    }
    queue_remove(order, &tiny->queues[number], slot);
}

static uint32_t estimate(const struct order *order, const struct w_tinylfu *tiny, uint32_t slot)
{
    return sketch_estimate(&tiny->sketch, order_slot(order, slot)->hash);
}

static bool is_admitted(struct order *order, struct w_tinylfu *tiny, uint32_t candidate,
                        uint32_t victim)
{
    uint32_t count = estimate(order, tiny, candidate);

    if (count > estimate(order, tiny, victim)) {
        return true;
    }
    return count >= STUBBORN_COUNT && draw_next(&tiny->random, order->seed) % 128 == 0;
}

/* The window makes room for who is about to come; the first that leaves it is the candidate. */
static bool w_tinylfu_victim(struct order *order, uint32_t *ret_slot)
{
    struct w_tinylfu *tiny = order->state;
    uint32_t n, max, candidate, victim;
    bool has_candidate;

    if (tiny == NULL || n_entries(tiny) == 0) {
        return false;
    }
    n = n_entries(tiny);
    tiny->is_full = true;
    max = max_window(tiny, n);
    has_candidate =
        tiny->queues[WINDOW].n >= max && queue_oldest(&tiny->queues[WINDOW], &candidate);
    shrink_window(order, tiny, max - 1);
    if (!queue_oldest(&tiny->queues[PROBATION_QUEUE], &victim) &&
        !queue_oldest(&tiny->queues[PROTECTED], &victim)) {
        queue_oldest(&tiny->queues[WINDOW], &victim);
    }
    *ret_slot = has_candidate && candidate != victim && !is_admitted(order, tiny, candidate, victim)
                    ? candidate
                    : victim;
    return true;
}

static void w_tinylfu_on_move(struct order *to, const struct order *from)
{
    struct w_tinylfu *tiny = to->state;
    const struct w_tinylfu *old = from->state;

    tiny->random = old->random;
    tiny->window_share = old->window_share;
    tiny->is_full = old->is_full;
    tiny->n_uses = old->n_uses;
    tiny->step = old->step;
    for (uint32_t i = 0; i < QUEUES_END; i++) {
        tiny->n_hits[i] = old->n_hits[i];
        queue_move(to, &tiny->queues[i], from, &old->queues[i], i);
    }
    tiny->sketch.n_blocks = to->n_slots / SKETCH_BLOCK_WORDS;
    sketch_move(&tiny->sketch, &old->sketch);
}

static int w_tinylfu_check(const struct order *order, uint32_t n_live)
{
    const struct w_tinylfu *tiny = order->state;

    for (uint32_t i = WINDOW; i < QUEUES_END; i++) {
        if (queue_check(order, &tiny->queues[i], i) != 0) {
            return -EUCLEAN;
        }
    }
    return n_entries(tiny) == n_live && tiny->window_share <= ONE - PROBATION ? 0 : -EUCLEAN;
}

const struct policy policy_w_tinylfu = {
    .hit = POLICY_HIT_MOVES,
    .has_shares = true,
    .state_bytes = w_tinylfu_state_bytes,
    .on_insert = w_tinylfu_on_insert,
    .on_hit = w_tinylfu_on_hit,
    .on_remove = w_tinylfu_on_remove,
    .victim = w_tinylfu_victim,
    .on_move = w_tinylfu_on_move,
    .check = w_tinylfu_check,
};
