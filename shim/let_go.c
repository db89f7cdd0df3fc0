// SPDX-License-Identifier: MIT
/*
 * Functions that are let go of while the program runs. The hook stays where it is, for the
 * statistics; its thunk leads to the real function from here on, and its slots too.
 */
#include "process.h"

#include "base/log.h"
#include "entry/entry.h"

void hooks_let_go(struct call_plan *plan, const char *reason)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);
    struct hook *hook = process.hooks;
    const char *none = NULL;

    while (hook < process.hooks + n_hooks &&
           atomic_load_explicit(&hook->plan, memory_order_acquire) != plan) {
        hook++;
    }
    if (hook == process.hooks + n_hooks || atomic_load(&hook->let_go) != NULL) {
        return;
    }
    /* Before it is said: who reads that finds no fewer calls passed than this. */
    atomic_store(&hook->n_passed_before, entry_passed(hook->entry));
    if (!atomic_compare_exchange_strong(&hook->let_go, &none, reason)) {
        return; /* another thread was quicker */
    }
    entry_switch(hook->entry, false);
    /* The thunk passes on what still arrives at it: slots that cannot be reverted now stay. */
    if (interpose_loader_is_free()) {
        for (uint32_t i = 0; i < hook->n_bindings; i++) {
            interpose_revert(&hook->bindings[i]);
        }
    }
    log_line(LOG_LEVEL_ERROR, "%s is not memoized from here on: %s",
             atomic_load_explicit(&hook->name, memory_order_acquire), reason);
}
