// SPDX-License-Identifier: MIT
/*
 * What the inputs that all calls of a function share (variables, the zone, files) were found to be:
 * each state of affairs once, under a number that stands for it in keys. A call compares what is so
 * now with what is written here, in place of writing it all down again; and for the time of
 * `check_every` after a look at the files it takes their states from here as well.
 *
 * A number is never given to anything else, and nothing here is changed or given back while the
 * plan is there, so that calls read it without a lock. When the room is full, keys hold the states
 * themselves.
 */
#include "base/clock.h"
#include "base/environment.h"
#include "marshal/inputs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ROOM_BYTES 8192 /* some fifty zones */

struct marshal_seen {
    _Atomic(struct seen_inputs *) latest; /* that was so; NULL: none yet */
    _Atomic(struct seen_inputs *) first;  /* of all, the newest */
    struct lock lock;                     /* LOCK_RANK_FILES; guards the rest, and adding to it */
    uint32_t n;
    size_t n_used_bytes;
    _Alignas(8) unsigned char room[ROOM_BYTES];
};

/* All but the files; looks: these, too, by a look now. */
static inline bool are_so(const struct marshal_plan *plan, const struct seen_inputs *seen,
                          bool looks)
{
    const struct config_function *function = plan->function;
    const unsigned char *at = seen->bytes;

    for (uint32_t i = 0; i < function->n_inputs && at != NULL; i++) {
        const struct config_input *input = &function->inputs[i];

        if (input->kind == INPUT_FILE) {
            at = looks ? input_look_at(at, input->name) : at + MARSHAL_STATE_BYTES;
        } else if (input->kind == INPUT_ZONE) {
            at = looks ? input_look_at_zone(plan, at) : input_match_zone(at);
        } else if (input->kind == INPUT_VARIABLE) {
            at = input_match_variable(at, environment_get(environ, input->name));
        }
    }
    return at != NULL;
}

static bool is_so(const struct marshal_plan *plan, const struct seen_inputs *seen)
{
    return are_so(plan, seen, false);
}

bool seen_holds(const struct marshal_plan *plan, const struct seen_inputs *seen)
{
    return are_so(plan, seen, true);
}

static bool is_recent(const struct seen_inputs *seen, uint64_t now_ns)
{
    return now_ns < atomic_load_explicit(&seen->until_ns, memory_order_relaxed);
}

const struct seen_inputs *seen_find(const struct marshal_plan *plan, uint64_t now_ns)
{
    struct marshal_seen *all = plan->seen;
    struct seen_inputs *latest = atomic_load_explicit(&all->latest, memory_order_acquire), *seen;

    if (latest == NULL || (plan->looks_at_files && plan->function->check_every_ns == 0)) {
        return NULL;
    }
    if (plan->looks_at_files && now_ns == 0) {
        now_ns = clock_coarse_ns();
    }
    if (__builtin_expect(is_recent(latest, now_ns) && is_so(plan, latest), 1)) {
        return latest;
    }
    for (seen = atomic_load_explicit(&all->first, memory_order_acquire); seen != NULL;
         seen = seen->older) {
        if (seen != latest && is_recent(seen, now_ns) && is_so(plan, seen)) {
            atomic_store_explicit(&all->latest, seen, memory_order_release);
            return seen;
        }
    }
    return NULL;
}

static struct seen_inputs *find_bytes(const struct marshal_seen *all, struct bytes found,
                                      uint64_t hash)
{
    struct seen_inputs *seen = atomic_load_explicit(&all->first, memory_order_relaxed);

    while (seen != NULL && (seen->hash != hash || seen->n_bytes != found.n_bytes ||
                            memcmp(seen->bytes, found.data, found.n_bytes) != 0)) {
        seen = seen->older;
    }
    return seen;
}

static struct seen_inputs *add_locked(struct marshal_seen *all, struct bytes found, uint64_t hash)
{
    size_t n_bytes = (sizeof(struct seen_inputs) + found.n_bytes + 7) / 8 * 8;
    struct seen_inputs *seen;

    lock_assert_held(&all->lock);
    if (n_bytes > ROOM_BYTES - all->n_used_bytes) {
        return NULL;
    }
    seen = (struct seen_inputs *)(void *)(all->room + all->n_used_bytes);
    all->n_used_bytes += n_bytes;
    seen->older = atomic_load_explicit(&all->first, memory_order_relaxed);
    seen->number = ++all->n;
    seen->hash = hash;
    seen->n_bytes = found.n_bytes;
    memcpy(seen->bytes, found.data, found.n_bytes);
    atomic_store_explicit(&all->first, seen, memory_order_release);
    return seen;
}

/* Of the same variables and the same zone: the files are not what they were found to be before. */
static void forget_others_locked(const struct marshal_plan *plan, const struct seen_inputs *now)
{
    struct seen_inputs *seen = atomic_load_explicit(&plan->seen->first, memory_order_relaxed);

    lock_assert_held(&plan->seen->lock);
    for (; seen != NULL; seen = seen->older) {
        if (seen != now && is_recent(seen, 0) && is_so(plan, seen)) {
            atomic_store_explicit(&seen->until_ns, 0, memory_order_relaxed);
        }
    }
}

/* How long a look holds good. The clock may be behind. */
static uint64_t until_ns(const struct marshal_plan *plan, uint64_t looked_ns)
{
    uint64_t every_ns = plan->function->check_every_ns, lag_ns = clock_coarse_lag_ns();

    if (!plan->looks_at_files) {
        return UINT64_MAX;
    }
    every_ns = every_ns > lag_ns ? every_ns - lag_ns : 0;
    return every_ns < UINT64_MAX - looked_ns ? looked_ns + every_ns : UINT64_MAX;
}

const struct seen_inputs *seen_note(const struct marshal_plan *plan, struct bytes found,
                                    uint64_t hash, uint64_t looked_ns)
{
    struct marshal_seen *all = plan->seen;
    struct seen_inputs *seen;

    if (!lock_acquire(&all->lock)) {
        return NULL;
    }
    seen = find_bytes(all, found, hash);
    if (seen == NULL) {
        seen = add_locked(all, found, hash);
    }
    forget_others_locked(plan, seen);
    if (seen != NULL) {
        atomic_store_explicit(&seen->until_ns, until_ns(plan, looked_ns), memory_order_relaxed);
        atomic_store_explicit(&all->latest, seen, memory_order_release);
    }
    lock_release(&all->lock);
    return seen;
}

struct bytes marshal_shared_inputs(const struct marshal_plan *plan, uint32_t number)
{
    const struct seen_inputs *seen =
        plan->seen == NULL ? NULL : atomic_load_explicit(&plan->seen->first, memory_order_acquire);

    while (seen != NULL && seen->number != number) {
        seen = seen->older;
    }
    return seen != NULL ? (struct bytes){seen->bytes, seen->n_bytes} : (struct bytes){NULL, 0};
}

int seen_create(struct marshal_plan *plan, struct arena *arena)
{
    plan->seen = arena_alloc(arena, sizeof(*plan->seen));
    if (plan->seen == NULL) {
        return -ENOMEM;
    }
    lock_init(&plan->seen->lock, LOCK_RANK_FILES);
    for (uint32_t i = 0; i < plan->function->n_inputs; i++) {
        enum input_kind kind = plan->function->inputs[i].kind;

        plan->looks_at_files |= kind == INPUT_FILE || kind == INPUT_ZONE;
    }
    return 0;
}

void seen_after_fork(const struct marshal_plan *plan)
{
    struct seen_inputs *seen = atomic_load_explicit(&plan->seen->first, memory_order_relaxed);

    lock_init(&plan->seen->lock, LOCK_RANK_FILES);
    for (; seen != NULL && plan->looks_at_files; seen = seen->older) {
        atomic_store_explicit(&seen->until_ns, 0, memory_order_relaxed);
    }
}
