// SPDX-License-Identifier: MIT
/*
 * Functions that are let go of while the program runs: for good, or, by the guard, for a while. The
 * hook stays where it is, for the statistics; its slots lead to the real function, and its thunk,
 * which pointers that the program has copied may still reach, passes calls on.
 *
 * When the while is over is seen by whatever comes through memoshim next: a miss, or a call that is
 * timed, of another memoized function, a call that invalidates, a dlsym, a call that is announced.
 * Nothing else is to be had. A thread of our own, even one that libc does not know of, would keep
 * privileges that the program drops and filters that it installs, and have unshare, setns and
 * sandboxes fail that want one thread; a timer needs one of the program's signals; and a thunk left
 * in one of the slots costs what is to be spared. So in a program in which nothing else is hooked,
 * what was let go of stays so until the process ends.
 */
#include "process.h"

#include "base/clock.h"
#include "base/log.h"
#include "entry/entry.h"

#include <errno.h>

#define RETRY_NS 100000000u /* when slots could not be written just now */

static struct lock lock = LOCK_INITIALIZER(LOCK_RANK_REST);

static const char *name_of(const struct hook *hook)
{
    return atomic_load_explicit(&hook->name, memory_order_acquire);
}

static struct hook *find_hook(const struct call_plan *plan)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);

    for (uint32_t i = 0; i < n_hooks; i++) {
        if (atomic_load_explicit(&process.hooks[i].plan, memory_order_acquire) == plan) {
            return &process.hooks[i];
        }
    }
    return NULL;
}

/* ---- switches -------------------------------------------------------------------------------- */

uint64_t hooks_passed_off(const struct hook *hook)
{
    const struct hook_rest *rest = &hook->rest;
    uint64_t n_passed = atomic_load(&rest->n_passed);

    if (atomic_load(&rest->is_resting) || atomic_load(&hook->let_go) != NULL) {
        n_passed += entry_passed(hook->entry) - atomic_load(&rest->n_passed_before);
    }
    return n_passed;
}

/* False when another thread was at the slots meanwhile: not all of them are restored. */
static bool restore_all(struct hook *hook)
{
    bool is_done = true;

    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        is_done = interpose_restore(&hook->bindings[i]) != -EBUSY && is_done;
    }
    return is_done;
}

/* The same. */
static bool revert_all(struct hook *hook)
{
    bool is_done = true;

    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        is_done = interpose_revert(&hook->bindings[i]) != -EBUSY && is_done;
    }
    return is_done;
}

/* Before it is said that it is off: who reads that finds no fewer calls passed than this. */
static void note_passed(struct hook *hook)
{
    atomic_store(&hook->rest.n_passed_before, entry_passed(hook->entry));
}

void hooks_let_go(struct call_plan *plan, const char *reason)
{
    struct hook *hook = find_hook(plan);
    bool is_locked = lock_acquire(&lock);
    const char *none = NULL;

    if (hook != NULL && atomic_load(&hook->let_go) == NULL) {
        if (!atomic_load(&hook->rest.is_resting)) {
            note_passed(hook);
        }
        if (atomic_compare_exchange_strong(&hook->let_go, &none, reason)) {
            entry_switch(hook->entry, false);
            /* The thunk passes on what still arrives: slots that cannot be reverted now stay. */
            if (interpose_loader_is_free()) {
                revert_all(hook);
            }
            log_line(LOG_LEVEL_ERROR, "%s is not memoized from here on: %s", name_of(hook), reason);
        }
    }
    if (is_locked) {
        lock_release(&lock);
    }
}

/* ---- the guard ------------------------------------------------------------------------------- */

/* When the next of them is due. */
static void note_next_due_locked(void)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);
    uint64_t due_ns = UINT64_MAX;

    lock_assert_held(&lock);
    for (uint32_t i = 0; i < n_hooks; i++) {
        const struct hook *hook = &process.hooks[i];

        if (atomic_load(&hook->rest.is_resting) && atomic_load(&hook->let_go) == NULL &&
            hook->rest.due_ns < due_ns) {
            due_ns = hook->rest.due_ns;
        }
    }
    call_try_again_at(due_ns);
}

/* "61.2 ns" of picoseconds, in parts for a format. */
#define NS(ps) (unsigned long long)((ps) / 1000), (unsigned)((ps) / 100 % 10)

static void compose_reason_locked(struct hook_rest *rest, const struct call_balance *balance)
{
    char *text = rest->texts[rest->n_rests % (sizeof(rest->texts) / sizeof(rest->texts[0]))];
    uint64_t permille = balance->n_calls == 0 ? 0 : balance->n_hits * 1000 / balance->n_calls;
    size_t n;

    lock_assert_held(&lock);
    n = log_format(text, REST_TEXT_BYTES,
                   "the guard let go of it: the function takes %llu.%u ns, of %llu calls %u.%u %% "
                   "were hits",
                   NS(balance->real_ps), (unsigned long long)balance->n_calls,
                   (unsigned)(permille / 10), (unsigned)(permille % 10));
    if (balance->hit_ps != 0) {
        n += log_format(text + n, REST_TEXT_BYTES - n, ", a hit takes %llu.%u ns",
                        NS(balance->hit_ps));
    }
    if (balance->miss_ps != 0) {
        log_format(text + n, REST_TEXT_BYTES - n, ", a miss %llu.%u ns more than the function",
                   NS(balance->miss_ps));
    }
    atomic_store_explicit(&rest->reason, text, memory_order_release);
}

static void rest_locked(struct hook *hook, const struct call_balance *balance)
{
    struct hook_rest *rest = &hook->rest;
    uint64_t rest_ns = call_rest_ns(rest->n_in_a_row + 1);

    lock_assert_held(&lock);
    /* It would cost as much as before when its slots could not be reverted. */
    if (!interpose_loader_is_free()) {
        return;
    }
    if (!revert_all(hook)) {
        restore_all(hook);
        return;
    }
    note_passed(hook);
    compose_reason_locked(rest, balance);
    atomic_fetch_add(&rest->n_rests, 1);
    rest->n_in_a_row++;
    rest->due_ns = clock_coarse_ns() + rest_ns;
    atomic_store(&rest->is_resting, true);
    entry_switch(hook->entry, false);
    note_next_due_locked();
    log_line(LOG_LEVEL_INFO, "%s is not memoized for at least %u s: %s", name_of(hook),
             (unsigned)(rest_ns / 1000000000u), rest->reason);
}

void hooks_rest(struct call_plan *plan, const struct call_balance *balance)
{
    struct hook *hook = find_hook(plan);

    if (hook == NULL || !lock_try_acquire(&lock)) {
        return;
    }
    if (!atomic_load(&hook->rest.is_resting) && atomic_load(&hook->let_go) == NULL) {
        rest_locked(hook, balance);
    }
    lock_release(&lock);
}

/* False when its slots cannot be written now. */
static bool try_again_locked(struct hook *hook)
{
    struct hook_rest *rest = &hook->rest;

    lock_assert_held(&lock);
    if (!interpose_loader_is_free() || !restore_all(hook)) {
        return false;
    }
    call_plan_try_again(atomic_load_explicit(&hook->plan, memory_order_acquire));
    atomic_fetch_add(&rest->n_probes, 1);
    atomic_store(&rest->n_passed, hooks_passed_off(hook));
    atomic_store(&rest->is_resting, false);
    entry_switch(hook->entry, true);
    log_line(LOG_LEVEL_INFO, "%s is memoized again, to see whether it pays", name_of(hook));
    return true;
}

void hooks_try_again(void)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);
    uint64_t now_ns = clock_coarse_ns();

    if (!lock_try_acquire(&lock)) {
        return;
    }
    for (uint32_t i = 0; i < n_hooks; i++) {
        struct hook *hook = &process.hooks[i];

        if (atomic_load(&hook->rest.is_resting) && atomic_load(&hook->let_go) == NULL &&
            hook->rest.due_ns <= now_ns && !try_again_locked(hook)) {
            hook->rest.due_ns = now_ns + RETRY_NS;
        }
    }
    note_next_due_locked();
    lock_release(&lock);
}

void hooks_note_pays(struct call_plan *plan)
{
    struct hook *hook = find_hook(plan);

    if (hook != NULL && lock_try_acquire(&lock)) {
        hook->rest.n_in_a_row = 0;
        lock_release(&lock);
        log_line(LOG_LEVEL_INFO, "%s stays memoized: it pays by now", name_of(hook));
    }
}

void hooks_rest_after_fork(void)
{
    lock_init(&lock, LOCK_RANK_REST);
    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook_rest *rest = &process.hooks[i].rest;

        atomic_store(&rest->n_passed, 0);
        atomic_store(&rest->n_passed_before, 0);
        atomic_store(&rest->n_rests, 0);
        atomic_store(&rest->n_probes, 0);
    }
}
