// SPDX-License-Identifier: MIT
/* What the files that add hooks share: hooks.c at the start, arrivals.c later. */
#ifndef HOOK_PRIVATE_H
#define HOOK_PRIVATE_H

#include "process.h"

/*
 * What is looked for in objects. Written at the start. The first n_triggers wishes are for
 * functions whose calls invalidate, the next n_freeing for functions that free; of the others
 * wished[i] is the function that asks for wishes[i], by all of its names in a row.
 */
struct hook_wishes {
    struct interpose_wish *wishes;
    const struct config_function **wished;
    size_t n, n_triggers, n_freeing;
};

extern struct hook_wishes hook_wishes;

/* The next hook, which nobody sees before hook_publish; NULL when there is no room. */
struct hook *hook_new(const struct config_function *function);
void hook_publish(void);

/*
 * Makes what one definition needs and fills in the hook, all but the plan, without which it is not
 * hooked yet. NULL with the reason.
 */
struct call_plan *hook_prepare(struct hook *hook, const struct named_definition *named,
                               const char **ret_reason);

static inline void hook_set_plan(struct hook *hook, struct call_plan *plan)
{
    atomic_store_explicit(&hook->plan, plan, memory_order_release);
}

static inline struct call_plan *hook_plan(const struct hook *hook)
{
    return atomic_load_explicit(&hook->plan, memory_order_acquire);
}

static inline const char *hook_shown_as(const struct hook *hook)
{
    return atomic_load_explicit(&hook->name, memory_order_acquire);
}

/* For a forked child. */
void arrivals_after_fork(void);

#endif
