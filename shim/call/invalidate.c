// SPDX-License-Identifier: MIT
/*
 * What calls of other functions drop. Before and after each such call, since a result that is
 * computed meanwhile may be of before; a call that never returns has dropped what there was when it
 * began.
 *
 * Several functions may hang on one such call, and one of them may call another. So nothing is kept
 * that begins before all of them have dropped what there was: a result of the first could rest on
 * what the second has remembered from before.
 *
 * Without `match` a call clears the cache. With it, the arguments that count are turned into the
 * bytes by which they would stand in a key (marshal/part.c). They choose one of a few counts, the
 * fence, which every computation of a key with the same bytes has seen before it began; when the
 * count moves on, the computation is not kept. Then all entries are visited and those that have
 * these bytes are dropped. Two values may share a fence: that costs a result, never an answer.
 */
#include "base/clock.h"
#include "base/fork_page.h"
#include "call/call_private.h"

#include <errno.h>
#include <string.h>

#define FENCES_PER_RULE 64

/* So long a call that has not returned is taken to be under way: it may have left for good. */
#define CHANGE_PATIENCE_NS 1000000000u

/* Distinct arguments that the rules tied to one trigger look at. */
#define MAX_TAKES 8

/* One argument of the invalidating call, as the keys of those tied to it have it. */
struct take {
    struct abi_place place;
    uint32_t n_value_bytes;
    bool by_content;
};

/* One rule of one plan. Immutable once it is in the list. */
struct call_target {
    struct call_target *next;
    struct call_plan *plan;
    const struct config_invalidation *rule;
    uint32_t fences_at;                /* in plan->fences */
    uint8_t takes[CONFIG_MAX_MATCHES]; /* of rule->matches */
};

struct call_trigger {
    struct call_target *_Atomic targets; /* the newest first */
    struct take takes[MAX_TAKES];
    uint32_t
        n_takes; /* written by whoever adds, before the target that needs them is in the list */
};

#define NOTE_ROOM (CALL_NOTE_BYTES - sizeof(void *) - 2 * MAX_TAKES)
#define NO_PART   UINT8_MAX

/* What `before` leaves for `after`: the arguments may be gone by then. */
struct note {
    const struct call_target *newest; /* those that were added later are in front of it */
    uint8_t part_at[MAX_TAKES];       /* NO_PART: there was no room */
    uint8_t n_part_bytes[MAX_TAKES];
    unsigned char room[NOTE_ROOM];
};

_Static_assert(sizeof(struct note) == CALL_NOTE_BYTES, "whole");
_Static_assert(NOTE_ROOM < NO_PART, "offsets are bytes");
_Static_assert(CONFIG_MAX_MATCHES == CACHE_MAX_FENCES, "one fence for each rule that matches");

/* ---- plans ----------------------------------------------------------------------------------- */

int call_rules_init(struct call_plan *plan, struct arena *arena)
{
    const struct config_function *function = plan->function;
    uint32_t n_matching = 0;

    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        n_matching += function->invalidations[i].n_matches > 0;
    }
    plan->has_fences = n_matching > 0;
    plan->fences = arena_alloc(arena, n_matching * FENCES_PER_RULE * sizeof(plan->fences[0]));
    return plan->fences == NULL ? -ENOMEM : files_init(&plan->files, function, arena);
}

/*
 * Before anything is dropped and after all of it is: who finds the count after a call as it was
 * before the look-up has looked up before the one or after the other, and has seen nothing of the
 * change. Noted only before, an entry that is about to be dropped could be found with the new
 * count.
 */
static void note_change(struct call_plan *plan)
{
    atomic_fetch_add_explicit(&plan->n_changes, 1, memory_order_seq_cst);
}

void call_fence(void *of)
{
    struct call_plan *plan = of;

    note_change(plan);
    if (plan->instances != NULL) {
        cache_instances_fence(plan->instances);
    } else {
        cache_fence(plan->cache);
    }
    note_change(plan);
}

static void begin_change(struct call_plan *plan)
{
    atomic_store_explicit(&plan->last_change_ns, clock_coarse_ns(), memory_order_relaxed);
    atomic_fetch_add_explicit(&plan->n_changing, 1, memory_order_seq_cst);
}

static void end_change(struct call_plan *plan)
{
    atomic_fetch_sub_explicit(&plan->n_changing, 1, memory_order_seq_cst);
}

/* All of them begin before anything is dropped, and end when all of it is. */
static void begin_dropping(const struct call_target *targets)
{
    for (const struct call_target *target = targets; target != NULL; target = target->next) {
        atomic_fetch_add_explicit(&target->plan->n_dropping, 1, memory_order_seq_cst);
    }
}

static void end_dropping(const struct call_target *targets)
{
    for (const struct call_target *target = targets; target != NULL; target = target->next) {
        atomic_fetch_sub_explicit(&target->plan->n_dropping, 1, memory_order_seq_cst);
    }
}

bool call_is_changing(const struct call_plan *plan)
{
    return atomic_load_explicit(&plan->n_changing, memory_order_acquire) != 0 &&
           clock_coarse_ns() - atomic_load_explicit(&plan->last_change_ns, memory_order_relaxed) <
               CHANGE_PATIENCE_NS;
}

void call_plan_bypass(struct call_plan *plan)
{
    atomic_store_explicit(&plan->is_unfollowed, true, memory_order_relaxed);
    quick_stop(plan);
    call_fence(plan);
}

void call_plan_invalidate(struct call_plan *plan)
{
    note_change(plan);
    if (plan->instances != NULL) {
        cache_instances_clear(plan->instances);
    } else {
        cache_clear(plan->cache);
    }
    note_change(plan);
}

/* The fence of these arguments among those of a rule. */
static _Atomic uint32_t *find_fence(const struct call_plan *plan, uint32_t fences_at,
                                    const struct bytes *parts, uint32_t n_parts)
{
    uint64_t hash = plan->seed;

    for (uint32_t i = 0; i < n_parts; i++) {
        hash = hash_bytes(parts[i], hash);
    }
    return &plan->fences[fences_at + (hash >> 32) % FENCES_PER_RULE];
}

void call_add_fences(const struct call_plan *plan, struct bytes key, struct cache_ticket *ticket)
{
    const struct config_function *function = plan->function;
    uint32_t fences_at = 0;

    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];
        struct bytes parts[CONFIG_MAX_MATCHES];
        struct cache_fence *fence = &ticket->fences[ticket->n_fences];

        if (rule->n_matches == 0 || function->has_secret) {
            continue; /* with a secret only whole instances match: cache/instances.c fences those */
        }
        for (uint32_t k = 0; k < rule->n_matches; k++) {
            parts[k] = marshal_key_part(plan->marshal, key, rule->matches[k].ours);
        }
        fence->count = find_fence(plan, fences_at, parts, rule->n_matches);
        fence->seen = atomic_load_explicit(fence->count, memory_order_acquire);
        ticket->n_fences++;
        fences_at += FENCES_PER_RULE;
    }
}

/* ---- one target ------------------------------------------------------------------------------ */

struct search {
    const struct call_target *target;
    struct bytes parts[CONFIG_MAX_MATCHES];
};

/* A cache_match_fn. */
static bool has_parts(void *context, struct bytes key)
{
    const struct search *search = context;
    const struct call_target *target = search->target;

    for (uint32_t i = 0; i < target->rule->n_matches; i++) {
        struct bytes part =
            marshal_key_part(target->plan->marshal, key, target->rule->matches[i].ours);

        if (part.n_bytes != search->parts[i].n_bytes ||
            memcmp(part.data, search->parts[i].data, part.n_bytes) != 0) {
            return false;
        }
    }
    return true;
}

/* The entries that have the parts, or the instance that is told by them. */
static void drop_parts(struct search *search)
{
    const struct call_target *target = search->target;
    const struct config_invalidation *rule = target->rule;
    const struct call_plan *plan = target->plan;

    if (plan->instances != NULL && rule->n_matches == 1 &&
        rule->matches[0].ours == plan->function->instance_parameter) {
        cache_instances_drop(plan->instances, search->parts[0],
                             hash_bytes(search->parts[0], plan->seed));
        return;
    }
    atomic_fetch_add_explicit(find_fence(plan, target->fences_at, search->parts, rule->n_matches),
                              1, memory_order_seq_cst);
    if (plan->instances != NULL) {
        cache_instances_drop_entries(plan->instances, has_parts, search);
    } else {
        cache_drop(plan->cache, has_parts, search);
    }
}

/* note NULL: everything goes. */
static void target_invalidate(const struct call_target *target, bool is_inside,
                              const struct note *note)
{
    struct search search = {.target = target};
    struct call_plan *plan = target->plan;
    bool is_known = note != NULL && target->rule->n_matches > 0;

    if (is_inside) {
        call_fence(plan);
        return;
    }
    for (uint32_t i = 0; is_known && i < target->rule->n_matches; i++) {
        uint8_t take = target->takes[i];

        is_known = note->part_at[take] != NO_PART;
        search.parts[i] = (struct bytes){note->room + (is_known ? note->part_at[take] : 0),
                                         note->n_part_bytes[take]};
    }
    if (!is_known) {
        call_plan_invalidate(plan);
        return;
    }
    note_change(plan);
    drop_parts(&search);
    note_change(plan);
}

/* ---- triggers -------------------------------------------------------------------------------- */

struct call_trigger *call_trigger_create(struct arena *arena)
{
    return arena_alloc(arena, sizeof(struct call_trigger));
}

/* The number of this take, added if there is none like it; MAX_TAKES: no room. */
static uint32_t find_take(struct call_trigger *trigger, const struct take *wanted)
{
    for (uint32_t i = 0; i < trigger->n_takes; i++) {
        const struct take *take = &trigger->takes[i];

        if (take->place.is_on_stack == wanted->place.is_on_stack &&
            take->place.offset == wanted->place.offset &&
            take->n_value_bytes == wanted->n_value_bytes &&
            take->by_content == wanted->by_content) {
            return i;
        }
    }
    if (trigger->n_takes < MAX_TAKES) {
        trigger->takes[trigger->n_takes] = *wanted;
        return trigger->n_takes++;
    }
    return MAX_TAKES;
}

static uint32_t fences_of(const struct call_plan *plan, const struct config_invalidation *rule)
{
    uint32_t fences_at = 0;

    for (const struct config_invalidation *i = plan->function->invalidations; i < rule; i++) {
        fences_at += i->n_matches > 0 ? FENCES_PER_RULE : 0;
    }
    return fences_at;
}

int call_trigger_add(struct call_trigger *trigger, struct call_plan *plan,
                     const struct config_invalidation *rule, struct arena *arena)
{
    struct call_target *target = arena_alloc(arena, sizeof(*target));

    if (target == NULL) {
        return -ENOMEM;
    }
    target->plan = plan;
    target->rule = rule;
    target->fences_at = fences_of(plan, rule);
    for (uint32_t i = 0; i < rule->n_matches; i++) {
        const struct config_match *match = &rule->matches[i];
        const struct ctype *type = plan->function->prototype.parameters[match->ours].type;
        struct take take = {.n_value_bytes = abi_value_bytes(type),
                            .by_content =
                                plan->function->parameters[match->ours].kind == DESCRIBE_STRING};
        int error = abi_find_argument(&rule->prototype, match->theirs, &take.place);
        uint32_t number = error == 0 ? find_take(trigger, &take) : MAX_TAKES;

        if (number == MAX_TAKES) {
            return -ENOTSUP;
        }
        target->takes[i] = (uint8_t)number;
    }
    target->next = atomic_load_explicit(&trigger->targets, memory_order_relaxed);
    atomic_store_explicit(&trigger->targets, target, memory_order_release);
    return 0;
}

static void take_parts(const struct call_trigger *trigger, const struct call_target *newest,
                       const struct abi_registers *registers, struct note *note)
{
    size_t n_used = 0;

    memset(note->part_at, NO_PART, sizeof(note->part_at));
    note->newest = newest;
    for (const struct call_target *target = newest; target != NULL; target = target->next) {
        for (uint32_t i = 0; i < target->rule->n_matches; i++) {
            uint8_t number = target->takes[i];
            const struct take *take = &trigger->takes[number];
            size_t n_bytes;

            if (note->part_at[number] == NO_PART &&
                marshal_part(take->n_value_bytes, take->by_content,
                             abi_argument(registers, take->place), note->room + n_used,
                             sizeof(note->room) - n_used, &n_bytes) == 0) {
                note->part_at[number] = (uint8_t)n_used;
                note->n_part_bytes[number] = (uint8_t)n_bytes;
                n_used += n_bytes;
            }
        }
    }
}

void call_trigger_before(struct call_trigger *trigger, const struct abi_registers *registers,
                         bool is_inside, void *note)
{
    const struct call_target *newest =
        atomic_load_explicit(&trigger->targets, memory_order_acquire);
    struct note *kept = note;

    if (!is_inside) {
        call_meet_child();
    }
    if (kept != NULL) {
        take_parts(trigger, newest, registers, kept);
    }
    begin_dropping(newest);
    for (const struct call_target *target = newest; target != NULL; target = target->next) {
        if (kept == NULL) {
            call_plan_bypass(target->plan);
        } else {
            begin_change(target->plan);
        }
        target_invalidate(target, is_inside, kept);
    }
    end_dropping(newest);
}

void call_trigger_after(struct call_trigger *trigger, bool is_inside, const void *note)
{
    const struct call_target *newest =
        atomic_load_explicit(&trigger->targets, memory_order_acquire);
    const struct note *kept = note;
    bool was_there = false;

    if (!is_inside) {
        call_meet_child();
    }
    begin_dropping(newest);
    for (const struct call_target *target = newest; target != NULL; target = target->next) {
        was_there |= target == kept->newest;
        target_invalidate(target, is_inside, was_there ? kept : NULL);
        if (was_there) {
            end_change(target->plan);
        }
    }
    end_dropping(newest);
}
