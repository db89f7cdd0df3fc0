// SPDX-License-Identifier: MIT
/*
 * Objects that come while the program runs: each is looked into once, and what it defines of the
 * configured names is hooked. Objects that are looked into stay; those that went away meanwhile are
 * passed over.
 */
#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"
#include "hook/hook_private.h"

#include <string.h>

#define MAX_ARRIVALS 512 /* later objects that were looked into */
#define MAX_GONE     64  /* that went away during one look */

/*
 * One thread adds hooks at a time. Held while running: the arena, the entry pool and the arrays of
 * hooks and bindings. The start does without, there is one thread.
 */
static struct lock lock = LOCK_INITIALIZER(LOCK_RANK_HOOKS);

/* Guarded by lock; the count is read without. Pinned objects: their bases are theirs for good. */
static uintptr_t arrivals[MAX_ARRIVALS];
static _Atomic uint32_t n_arrivals;

/* Of a function that waits for its first definition, the hook that says so. */
static struct hook *find_waiting(const struct config_function *function)
{
    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook *hook = &process.hooks[i];

        if (hook->function == function && hooks_is_pending(hook)) {
            return hook;
        }
    }
    return NULL;
}

/* Others of the same function get names that say which is which. */
static void name_apart(struct hook *hook)
{
    bool has_others = false;

    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook *other = &process.hooks[i];

        if (other != hook && other->function == hook->function && hook_plan(other) != NULL) {
            has_others = true;
            if (hook_shown_as(other) == other->function->named) {
                hook_make_distinct(other);
            }
        }
    }
    if (has_others) {
        hook_make_distinct(hook);
    }
}

static void hook_later_definition_locked(const struct config_function *function,
                                         const struct named_definition *named)
{
    const struct interpose_definition *definition = &named->definition;
    struct hook *waiting, *hook;
    struct call_plan *plan;
    const char *reason;

    lock_assert_held(&lock);
    if (definition_is_bound(function, named)) {
        return;
    }
    waiting = find_waiting(function);
    hook = waiting != NULL ? waiting : hook_new(function);
    reason = "too many objects define it";
    plan = hook != NULL ? hook_prepare(hook, named, &reason) : NULL;
    if (plan == NULL) {
        log_line(LOG_LEVEL_WARN, "%s of %s is not memoized: %s", function->named, definition->path,
                 reason);
        return;
    }
    name_apart(hook);
    /* Complete before any slot leads to it, so that no call goes past it. */
    entry_switch(hook->entry, true);
    hook_set_plan(hook, plan);
    if (waiting == NULL) {
        hook_publish();
    }
    log_line(LOG_LEVEL_INFO, "%s is memoized from now on: %s defines it", hook_shown_as(hook),
             definition->path);
}

/* All definitions of a pinned object. */
static void hook_arrival_locked(const struct interpose_arrival *arrival)
{
    size_t n_before = process.n_bindings;
    void *pages;
    size_t n_bytes;

    lock_assert_held(&lock);
    entry_sealable(&pages, &n_bytes);
    if (interpose_unseal(pages, n_bytes) != 0) {
        triggers_stop();
        return;
    }
    for (size_t i = 0; i < hook_wishes.n_triggers + hook_wishes.n_freeing; i++) {
        struct interpose_definition definitions[MAX_DEFINITIONS];
        size_t n_found = interpose_find_in_arrival(arrival, &hook_wishes.wishes[i], definitions,
                                                   MAX_DEFINITIONS);

        for (size_t k = 0; k < n_found && k < MAX_DEFINITIONS; k++) {
            if (i < hook_wishes.n_triggers) {
                triggers_add_later(i, &definitions[k]);
            } else {
                freeing_add_later(i - hook_wishes.n_triggers, &definitions[k]);
            }
        }
    }
    for (size_t i = hook_wishes.n_triggers + hook_wishes.n_freeing; i < hook_wishes.n;
         i += hook_wishes.wished[i]->n_aliases + 1) {
        struct named_definition definitions[MAX_DEFINITIONS];
        size_t n_found = definitions_find_in_arrival(
            arrival, &hook_wishes.wishes[i], hook_wishes.wished[i]->n_aliases + 1, definitions);

        for (size_t k = 0; k < n_found; k++) {
            hook_later_definition_locked(hook_wishes.wished[i], &definitions[k]);
        }
    }
    interpose_seal(pages, n_bytes);
    if (process.n_bindings > n_before) {
        interpose_apply(&process.bindings[n_before], process.n_bindings - n_before);
        triggers_settle();
        freeing_settle();
    }
}

static void hook_arrival(const struct interpose_arrival *arrival)
{
    uint32_t n;

    if (!lock_acquire(&lock)) {
        return;
    }
    n = atomic_load_explicit(&n_arrivals, memory_order_relaxed);
    for (uint32_t i = 0; i < n; i++) {
        if (arrivals[i] == arrival->base) { /* by another thread, meanwhile */
            lock_release(&lock);
            return;
        }
    }
    if (n < MAX_ARRIVALS) {
        hook_arrival_locked(arrival);
        arrivals[n] = arrival->base;
        atomic_store_explicit(&n_arrivals, n + 1, memory_order_release);
    } else {
        triggers_stop();
    }
    lock_release(&lock);
}

/* Mapped for one look: not on the stack, which may be a small one. */
struct look {
    struct interpose_arrival arrival;
    uintptr_t passed_over[MAX_ARRIVALS + MAX_GONE]; /* looked into by anybody, then gone ones */
};

void hooks_look_for_definitions(void)
{
    size_t page = pages_size(), n_bytes = (sizeof(struct look) + page - 1) / page * page;
    struct look *look = hook_wishes.n > 0 ? pages_map(n_bytes) : NULL;
    uint32_t n = 0, n_gone = 0;

    while (look != NULL && n_gone < MAX_GONE) {
        uint32_t n_now = atomic_load_explicit(&n_arrivals, memory_order_acquire);

        memmove(look->passed_over + n_now, look->passed_over + n, n_gone * sizeof(arrivals[0]));
        memcpy(look->passed_over, arrivals, n_now * sizeof(arrivals[0]));
        n = n_now;
        if (!interpose_find_arrival(hook_wishes.wishes, hook_wishes.n, look->passed_over,
                                    n + n_gone, &look->arrival)) {
            break;
        }
        if (interpose_pin(&look->arrival) == 0) {
            hook_arrival(&look->arrival);
        }
        /* Gone, or nothing could be done: either way not again in this look. */
        if (atomic_load_explicit(&n_arrivals, memory_order_acquire) == n) {
            look->passed_over[n + n_gone++] = look->arrival.base;
        }
    }
    if (look != NULL) {
        pages_unmap(look, n_bytes);
    }
}

void arrivals_after_fork(void)
{
    if (lock_is_held(&lock)) {
        void *pages;
        size_t n_bytes;

        entry_sealable(&pages, &n_bytes);
        interpose_seal(pages, n_bytes);
    }
    lock_init(&lock, LOCK_RANK_HOOKS);
}
