// SPDX-License-Identifier: MIT
/*
 * W-TinyLFU (Einziger, Friedman and Manes 2017) with a window that adapts, as Caffeine has it for
 * caches of one shard's size. New entries stand in a window, which is an LRU; who leaves it stays
 * only if it was seen more often lately than the one that would go for it, the least recently used
 * of the main part. That part is an LRU in two segments: a hit in probation is promoted to
 * protected, and the oldest there come back.
 *
 * A hill climber moves the border between the two parts: after so many uses it goes on in the same
 * direction if more of them were hits than before, else it turns, by steps that shrink until the
 * hit ratio changes suddenly. All in whole numbers: the program's floating-point flags stay as they
 * are. Sizes are shares of what the shard holds, since neither a bound in bytes nor one that is
 * shared with other shards says how many entries there will be.
 *
 * The constants are Caffeine's but for two: the first window is 2 % instead of 1, and a change of
 * 15 points instead of 5 makes the steps large again, since two samples of a small cache, a
 * thousand uses each, differ by 5 points by themselves. On the average of 48 cells of published
 * traces and twelve seeds that was 0.05 points above a reference that has Caffeine's, and theirs
 * 0.05 below.
 */
#include "cache/draw.h"
#include "cache/policy.h"
#include "cache/queue.h"
#include "cache/sketch.h"
#include "cache/tags.h"

#include <errno.h>

#define ONE               65536             /* of shares and hit ratios */
#define FIRST_WINDOW      ((ONE + 49) / 50) /* 2 % */
#define PROBATION         (ONE / 5)
#define SAMPLE_USES       10 /* for each entry: between two steps, and between halvings */
#define STEP              (ONE / 16)
#define STEP_UNIT         16 /* parts of a share that steps are kept in */
#define STEP_DECAY_PERMIL 980
#define RESTART_CHANGE    (ONE * 15 / 100)
#define MAX_MOVES         1000 /* for one insert */

/* A loser that was seen so often wins one time in 128, or floods of one hash would stay. */
#define STUBBORN_COUNT 6

enum {
    WINDOW,
    PROBATION_QUEUE,
    PROTECTED,
    QUEUE_COUNT,
};

struct w_tinylfu {
    struct queue queues[QUEUE_COUNT];
    uint64_t random;
    uint32_t window_share;   /* at least 1 */
    uint32_t n_uses, n_hits; /* in this sample */
    uint32_t last_ratio;
    int32_t step;     /* of the window's share, next time, in STEP_UNITs */
    uint32_t is_full; /* somebody had to go */
    struct sketch sketch;
};

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
    struct queued *queued = queue_slot(order, slot);

    queue_remove(order, &tiny->queues[queued->queue], slot);
    queued->queue = number;
    queue_add(order, &tiny->queues[number], slot);
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

static void climb(struct order *order, struct w_tinylfu *tiny, uint32_t n)
{
    uint32_t ratio = (uint32_t)((uint64_t)tiny->n_hits * ONE / tiny->n_uses);
    int32_t change = (int32_t)ratio - (int32_t)tiny->last_ratio;
    int32_t step = change >= 0 ? tiny->step : -tiny->step;

    if (change >= RESTART_CHANGE || change <= -RESTART_CHANGE) {
        tiny->step = (step >= 0 ? STEP : -STEP) * STEP_UNIT;
    } else {
        tiny->step = (int32_t)((int64_t)step * STEP_DECAY_PERMIL / 1000);
    }
    tiny->last_ratio = ratio;
    tiny->n_uses = 0;
    tiny->n_hits = 0;
    resize_window(order, tiny, step / STEP_UNIT, n);
}

static void note_use(struct order *order, struct w_tinylfu *tiny, uint32_t slot, bool is_hit)
{
    uint32_t n = capacity(order, tiny);
    uint32_t max_uses = n > UINT32_MAX / SAMPLE_USES ? UINT32_MAX : n * SAMPLE_USES;

    sketch_add(&tiny->sketch, order_slot(order, slot)->hash, max_uses);
    if (!tiny->is_full) {
        return;
    }
    tiny->n_uses++;
    tiny->n_hits += is_hit;
    if (tiny->n_uses >= max_uses) {
        climb(order, tiny, n);
    }
}

/* A hit in probation is promoted, every other one only moves to the newest end. */
static void promote(struct order *order, struct w_tinylfu *tiny, uint32_t slot)
{
    uint32_t number = queue_slot(order, slot)->queue;

    move_to(order, tiny, slot, number == WINDOW ? WINDOW : PROTECTED);
    if (number == PROBATION_QUEUE) {
        demote(order, tiny, capacity(order, tiny));
    }
}

static void w_tinylfu_on_hit(struct order *order, uint32_t slot)
{
    struct w_tinylfu *tiny = order->state;

    promote(order, tiny, slot);
    note_use(order, tiny, slot, true);
}

static void w_tinylfu_on_insert(struct order *order, uint32_t slot, const struct policy_past *past)
{
    struct w_tinylfu *tiny = order->state;

    if (tiny->sketch.n_blocks == 0) {
        tiny->sketch.n_blocks = order->n_slots / SKETCH_BLOCK_WORDS;
        tiny->window_share = FIRST_WINDOW;
        tiny->step = STEP * STEP_UNIT;
    }
    order_stamp(order, order_slot(order, slot));
    queue_slot(order, slot)->queue = past->is_known ? past->queue : WINDOW;
    queue_add(order, &tiny->queues[queue_slot(order, slot)->queue], slot);
    if (past->is_known) {
        promote(order, tiny, slot);
    }
    if (!tiny->is_full) {
        shrink_window(order, tiny, max_window(tiny, capacity(order, tiny)));
    }
    note_use(order, tiny, slot, past->is_known);
}

static void w_tinylfu_on_remove(struct order *order, uint32_t slot, struct policy_past *past)
{
    struct w_tinylfu *tiny = order->state;
    uint32_t number = queue_slot(order, slot)->queue;

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
    tiny->n_hits = old->n_hits;
    tiny->last_ratio = old->last_ratio;
    tiny->step = old->step;
    for (int i = 0; i < QUEUE_COUNT; i++) {
        queue_move(to, &tiny->queues[i], from, &old->queues[i]);
    }
    tiny->sketch.n_blocks = to->n_slots / SKETCH_BLOCK_WORDS;
    sketch_move(&tiny->sketch, &old->sketch);
}

static int w_tinylfu_check(const struct order *order, uint32_t n_live)
{
    const struct w_tinylfu *tiny = order->state;

    for (uint32_t i = 0; i < QUEUE_COUNT; i++) {
        if (queue_check(order, &tiny->queues[i], i) != 0) {
            return -EUCLEAN;
        }
    }
    return n_entries(tiny) == n_live && tiny->window_share <= ONE - PROBATION ? 0 : -EUCLEAN;
}

const struct policy policy_w_tinylfu = {
    .hit = POLICY_HIT_MOVES,
    .slot_bytes = sizeof(struct queued),
    .state_bytes = sizeof(struct w_tinylfu),
    .share_bytes = sizeof(uint64_t),
    .on_insert = w_tinylfu_on_insert,
    .on_hit = w_tinylfu_on_hit,
    .on_remove = w_tinylfu_on_remove,
    .victim = w_tinylfu_victim,
    .on_move = w_tinylfu_on_move,
    .check = w_tinylfu_check,
};
