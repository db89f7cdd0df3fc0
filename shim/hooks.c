// SPDX-License-Identifier: MIT
/*
 * Which functions are hooked: at the start all definitions of the configured names, and later those
 * in objects that come. A hook, once published, is never taken back; readers of statistics see each
 * function before or after, never in between.
 */
#include "process.h"

#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"

#include <errno.h>
#include <string.h>

#define MAX_ARRIVALS 512 /* later objects that were looked into */
#define MAX_GONE     64  /* that went away during one look */

static const char not_yet[] = "no loaded object defines it yet";

/*
 * One thread adds hooks at a time. Held while running: the arena, the entry pool and the arrays of
 * hooks and bindings. The start does without, there is one thread.
 */
static struct lock lock = LOCK_INITIALIZER(LOCK_RANK_HOOKS);

/* Guarded by lock; the count is read without. Pinned objects: their bases are theirs for good. */
static uintptr_t arrivals[MAX_ARRIVALS];
static _Atomic uint32_t n_arrivals;

/* Written at the start: of each function of the model, its C++ name, or NULL. */
static const char **readable;

/*
 * Written at the start. The first n_triggers wishes are for functions whose calls invalidate, the
 * next n_freeing for functions that free; of the others wished[i] is the function that asks for
 * wishes[i], by all of its names in a row.
 */
static struct interpose_wish *wishes;
static const struct config_function **wished;
static size_t n_wishes, n_triggers, n_freeing, n_hooks_room;

/* ---- one hook -------------------------------------------------------------------------------- */

/* The next hook, which nobody sees before publish; NULL when there is no room. */
static struct hook *new_hook(const struct config_function *function)
{
    uint32_t n = atomic_load_explicit(&process.n_hooks, memory_order_relaxed);
    struct hook *hook;

    if (n == n_hooks_room) {
        return NULL;
    }
    hook = &process.hooks[n];
    *hook = (struct hook){.function = function,
                          .readable = readable[function - process.model.functions]};
    atomic_store_explicit(&hook->name, function->named, memory_order_relaxed);
    return hook;
}

static void publish_new(void)
{
    atomic_fetch_add_explicit(&process.n_hooks, 1, memory_order_release);
}

static struct call_plan *plan_of(const struct hook *hook)
{
    return atomic_load_explicit(&hook->plan, memory_order_acquire);
}

static const char *name_of(const struct hook *hook)
{
    return atomic_load_explicit(&hook->name, memory_order_acquire);
}

static void refuse(const struct config_function *function, const char *reason)
{
    struct hook *hook = new_hook(function);

    if (hook != NULL) {
        hook->problem = reason;
        hook->is_pending = reason == not_yet;
        publish_new();
    }
    log_line(LOG_LEVEL_WARN, "%s is not memoized: %s", function->named, reason);
}

/*
 * Makes what one definition needs and fills in the hook, all but the plan, without which it is not
 * hooked yet. NULL with the reason.
 */
static struct call_plan *prepare_hook(struct hook *hook, const struct named_definition *named,
                                      const char **ret_reason)
{
    const struct config_function *function = hook->function;
    const struct interpose_definition *definition = &named->definition;
    const char *library = definition->library[0] != '\0' ? definition->library : process.program;
    struct call_plan_options options = {
        .function = function,
        .shown_as = function->named,
        .library = library,
        .original = definition->address,
        .seed = process.seed,
        .mac_key = process.mac_key,
        .mode = settings_mode(function),
    };
    struct call_plan *plan;
    void (*quick)(void);
    const char *reason;
    int entry;

    if (definition->is_vector_call) {
        *ret_reason = "it takes its arguments in vector registers, which the way through memoshim "
                      "does not keep";
        return NULL;
    }
    *ret_reason = "there is no memory for its cache";
    hook->caller_problems = hook_describe_callers(function);
    if (hook->caller_problems == NULL) {
        return NULL;
    }
    if (plan_bindings_create(function, named, &options.bindings, ret_reason) != 0) {
        return NULL;
    }
    if (call_plan_create(&options, &process.arena, &plan, ret_reason) != 0) {
        return NULL;
    }
    reason = triggers_tie(plan, function);
    if (reason != NULL) {
        *ret_reason = reason;
        return NULL;
    }
    quick = call_plan_quick(plan);
    entry = quick != NULL ? entry_open_quick(call_plan_abi(plan), definition->address, quick, plan)
                          : entry_open(call_plan_abi(plan), definition->address, call_handle, plan);
    if (entry < 0) {
        *ret_reason =
            entry == -ENOSPC ? "too many functions are named" : "libffi cannot carry its prototype";
        return NULL;
    }
    call_plan_note_way(plan, entry_way_ps(call_plan_abi(plan), quick != NULL));
    hook->version = definition->version;
    hook->library = library;
    hook->path = definition->path[0] != '\0' ? definition->path : process.executable;
    hook->entry = entry;
    definition_bind(hook, named);
    return plan;
}

static void set_plan(struct hook *hook, struct call_plan *plan)
{
    atomic_store_explicit(&hook->plan, plan, memory_order_release);
}

/* ---- the start ------------------------------------------------------------------------------- */

static void hook_definition(const struct config_function *function,
                            const struct named_definition *named)
{
    struct hook *hook = new_hook(function);
    struct call_plan *plan;
    const char *reason;

    if (definition_is_bound(function, named)) {
        refuse(function, "another entry names the same function");
        return;
    }
    plan = prepare_hook(hook, named, &reason);
    if (plan == NULL) {
        refuse(function, reason);
        return;
    }
    set_plan(hook, plan);
    publish_new();
}

static void hook_function(const struct config_function *function)
{
    struct named_definition definitions[MAX_DEFINITIONS];
    const char *denied = NULL;
    size_t n_found;

    if (settings_mode(function) == CONFIG_MODE_OFF) {
        new_hook(function)->is_off = true;
        publish_new();
        return;
    }
    for (uint32_t i = 0; i <= function->n_aliases && denied == NULL; i++) {
        denied = interpose_denied(definition_name(function, i));
    }
    if (denied != NULL) {
        refuse(function, denied);
        return;
    }
    for (uint32_t i = 0; i <= function->n_aliases; i++) {
        wished[n_wishes] = function;
        wishes[n_wishes++] = (struct interpose_wish){.symbol = definition_name(function, i),
                                                     .version = function->version,
                                                     .library = function->library};
    }
    n_found = definitions_find(function, definitions);
    if (n_found == 0) {
        refuse(function, not_yet);
        return;
    }
    for (size_t i = 0; i < n_found; i++) {
        hook_definition(function, &definitions[i]);
    }
}

/*
 * After patching: definitions that nobody imports are kept, since dlsym and later objects can reach
 * them, but while another is the one that is used they are not shown.
 */
static void settle_hooks(void)
{
    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook *hook = &process.hooks[i];
        uint32_t n_used = 0, n_definitions = 0;

        if (plan_of(hook) == NULL) {
            continue;
        }
        for (uint32_t k = 0; k < process.n_hooks; k++) {
            if (process.hooks[k].function == hook->function && plan_of(&process.hooks[k]) != NULL) {
                n_definitions++;
                n_used += hooks_count_slots(&process.hooks[k]) > 0;
            }
        }
        hook->is_spare = hooks_count_slots(hook) == 0 && n_used > 0;
        if (n_definitions > 1 && (n_used != 1 || hook->is_spare)) {
            hook_make_distinct(hook);
        }
        if (!hook->is_spare && hooks_problem(hook) != NULL) {
            log_line(LOG_LEVEL_WARN, "%s: %s", name_of(hook), hooks_problem(hook));
        }
        entry_switch(hook->entry, true);
    }
}

int hooks_start(void)
{
    size_t n_functions = process.model.n_functions, n_caught;
    size_t most_names, n_names = definitions_count_names(&most_names);
    void *pages;
    size_t n_bytes;
    int error;

    n_hooks_room = n_functions * MAX_DEFINITIONS;
    process.hooks = arena_alloc(&process.arena, n_hooks_room * sizeof(*process.hooks));
    process.shown = arena_alloc(&process.arena, n_hooks_room * sizeof(*process.shown));
    process.bindings =
        arena_alloc(&process.arena, (n_hooks_room * most_names + fixed_bindings_room() +
                                     MAX_TRIGGERS + MAX_FREEING) *
                                        sizeof(*process.bindings));
    if (process.bindings == NULL || triggers_start(&n_triggers) != 0 ||
        freeing_start(&n_freeing) != 0) {
        return -ENOMEM;
    }
    n_caught = n_triggers + n_freeing;
    wishes = arena_alloc(&process.arena, (n_caught + n_names) * sizeof(*wishes));
    wished = arena_alloc(&process.arena, (n_caught + n_names) * sizeof(*wished));
    readable = arena_alloc(&process.arena, n_functions * sizeof(*readable));
    if (process.hooks == NULL || process.shown == NULL || wishes == NULL || wished == NULL ||
        readable == NULL) {
        return -ENOMEM;
    }
    for (; n_wishes < n_caught; n_wishes++) {
        wishes[n_wishes] =
            n_wishes < n_triggers ? triggers_wish(n_wishes) : freeing_wish(n_wishes - n_triggers);
    }
    for (size_t i = 0; i < n_functions; i++) {
        readable[i] = hook_read_symbol(process.model.functions[i].symbol);
        hook_function(&process.model.functions[i]);
    }
    process.n_bindings += fixed_bindings_fill(&process.bindings[process.n_bindings]);
    interpose_expect(wishes, n_wishes);
    entry_sealable(&pages, &n_bytes);
    error = interpose_seal(pages, n_bytes);
    if (error != 0) {
        return error;
    }
    error = interpose_apply(process.bindings, process.n_bindings);
    if (interpose_export_problem() != NULL) {
        log_line(LOG_LEVEL_WARN, "calls by objects that are loaded later may not be seen: %s",
                 interpose_export_problem());
    }
    triggers_settle();
    freeing_settle();
    settle_hooks();
    return error;
}

/* ---- later ----------------------------------------------------------------------------------- */

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

        if (other != hook && other->function == hook->function && plan_of(other) != NULL) {
            has_others = true;
            if (name_of(other) == other->function->named) {
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
    hook = waiting != NULL ? waiting : new_hook(function);
    reason = "too many objects define it";
    plan = hook != NULL ? prepare_hook(hook, named, &reason) : NULL;
    if (plan == NULL) {
        log_line(LOG_LEVEL_WARN, "%s of %s is not memoized: %s", function->named, definition->path,
                 reason);
        return;
    }
    name_apart(hook);
    /* Complete before any slot leads to it, so that no call goes past it. */
    entry_switch(hook->entry, true);
    set_plan(hook, plan);
    if (waiting == NULL) {
        publish_new();
    }
    log_line(LOG_LEVEL_INFO, "%s is memoized from now on: %s defines it", name_of(hook),
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
    for (size_t i = 0; i < n_triggers + n_freeing; i++) {
        struct interpose_definition definitions[MAX_DEFINITIONS];
        size_t n_found =
            interpose_find_in_arrival(arrival, &wishes[i], definitions, MAX_DEFINITIONS);

        for (size_t k = 0; k < n_found && k < MAX_DEFINITIONS; k++) {
            if (i < n_triggers) {
                triggers_add_later(i, &definitions[k]);
            } else {
                freeing_add_later(i - n_triggers, &definitions[k]);
            }
        }
    }
    for (size_t i = n_triggers + n_freeing; i < n_wishes; i += wished[i]->n_aliases + 1) {
        struct named_definition definitions[MAX_DEFINITIONS];
        size_t n_found =
            definitions_find_in_arrival(arrival, &wishes[i], wished[i]->n_aliases + 1, definitions);

        for (size_t k = 0; k < n_found; k++) {
            hook_later_definition_locked(wished[i], &definitions[k]);
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
    struct look *look = n_wishes > 0 ? pages_map(n_bytes) : NULL;
    uint32_t n = 0, n_gone = 0;

    while (look != NULL && n_gone < MAX_GONE) {
        uint32_t n_now = atomic_load_explicit(&n_arrivals, memory_order_acquire);

        memmove(look->passed_over + n_now, look->passed_over + n, n_gone * sizeof(arrivals[0]));
        memcpy(look->passed_over, arrivals, n_now * sizeof(arrivals[0]));
        n = n_now;
        if (!interpose_find_arrival(wishes, n_wishes, look->passed_over, n + n_gone,
                                    &look->arrival)) {
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

void hooks_after_fork(void)
{
    if (lock_is_held(&lock)) {
        void *pages;
        size_t n_bytes;

        entry_sealable(&pages, &n_bytes);
        interpose_seal(pages, n_bytes);
    }
    lock_init(&lock, LOCK_RANK_HOOKS);
    hooks_rest_after_fork();
    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook *hook = &process.hooks[i];

        if (plan_of(hook) != NULL) {
            call_plan_after_fork(plan_of(hook));
            entry_reset_passed(hook->entry);
        }
    }
}
