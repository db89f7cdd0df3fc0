// SPDX-License-Identifier: MIT
/*
 * Which functions are hooked at the start: all definitions of the configured names; arrivals.c has
 * those of later objects. A hook, once published, is never taken back; readers of statistics see
 * each function before or after, never in between.
 */
#include "base/log.h"
#include "entry/entry.h"
#include "hook/hook_private.h"

#include <errno.h>

static const char not_yet[] = "no loaded object defines it yet";

/* Written at the start: of each function of the model, its C++ name, or NULL. */
static const char **readable;

struct hook_wishes hook_wishes;

static size_t n_hooks_room; /* written at the start */

/* ---- one hook -------------------------------------------------------------------------------- */

struct hook *hook_new(const struct config_function *function)
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

void hook_publish(void)
{
    atomic_fetch_add_explicit(&process.n_hooks, 1, memory_order_release);
}

static void refuse(const struct config_function *function, const char *reason)
{
    struct hook *hook = hook_new(function);

    if (hook != NULL) {
        hook->problem = reason;
        hook->is_pending = reason == not_yet;
        hook_publish();
    }
    log_line(LOG_LEVEL_WARN, "%s is not memoized: %s", function->named, reason);
}

struct call_plan *hook_prepare(struct hook *hook, const struct named_definition *named,
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
    abi_words_fn words;
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
    words = call_plan_words(plan);
    entry = quick != NULL ? entry_open_quick(call_plan_abi(plan), definition->address, quick, plan)
            : words != NULL
                ? entry_open_words(call_plan_abi(plan), definition->address, words, plan)
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

/* ---- the start ------------------------------------------------------------------------------- */

static void hook_definition(const struct config_function *function,
                            const struct named_definition *named)
{
    struct hook *hook = hook_new(function);
    struct call_plan *plan;
    const char *reason;

    if (definition_is_bound(function, named)) {
        refuse(function, "another entry names the same function");
        return;
    }
    plan = hook_prepare(hook, named, &reason);
    if (plan == NULL) {
        refuse(function, reason);
        return;
    }
    hook_set_plan(hook, plan);
    hook_publish();
}

static void hook_function(const struct config_function *function)
{
    struct named_definition definitions[MAX_DEFINITIONS];
    const char *denied = NULL;
    size_t n_found;

    if (settings_mode(function) == CONFIG_MODE_OFF) {
        hook_new(function)->is_off = true;
        hook_publish();
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
        hook_wishes.wished[hook_wishes.n] = function;
        hook_wishes.wishes[hook_wishes.n++] =
            (struct interpose_wish){.symbol = definition_name(function, i),
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

        if (hook_plan(hook) == NULL) {
            continue;
        }
        for (uint32_t k = 0; k < process.n_hooks; k++) {
            if (process.hooks[k].function == hook->function &&
                hook_plan(&process.hooks[k]) != NULL) {
                n_definitions++;
                n_used += hooks_count_slots(&process.hooks[k]) > 0;
            }
        }
        hook->is_spare = hooks_count_slots(hook) == 0 && n_used > 0;
        if (n_definitions > 1 && (n_used != 1 || hook->is_spare)) {
            hook_make_distinct(hook);
        }
        if (!hook->is_spare && hooks_problem(hook) != NULL) {
            log_line(LOG_LEVEL_WARN, "%s: %s", hook_shown_as(hook), hooks_problem(hook));
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
    if (process.bindings == NULL || triggers_start(&hook_wishes.n_triggers) != 0 ||
        freeing_start(&hook_wishes.n_freeing) != 0) {
        return -ENOMEM;
    }
    n_caught = hook_wishes.n_triggers + hook_wishes.n_freeing;
    hook_wishes.wishes =
        arena_alloc(&process.arena, (n_caught + n_names) * sizeof(*hook_wishes.wishes));
    hook_wishes.wished =
        arena_alloc(&process.arena, (n_caught + n_names) * sizeof(*hook_wishes.wished));
    readable = arena_alloc(&process.arena, n_functions * sizeof(*readable));
    if (process.hooks == NULL || process.shown == NULL || hook_wishes.wishes == NULL ||
        hook_wishes.wished == NULL || readable == NULL) {
        return -ENOMEM;
    }
    for (; hook_wishes.n < n_caught; hook_wishes.n++) {
        hook_wishes.wishes[hook_wishes.n] =
            hook_wishes.n < hook_wishes.n_triggers
                ? triggers_wish(hook_wishes.n)
                : freeing_wish(hook_wishes.n - hook_wishes.n_triggers);
    }
    for (size_t i = 0; i < n_functions; i++) {
        readable[i] = hook_read_symbol(process.model.functions[i].symbol);
        hook_function(&process.model.functions[i]);
    }
    process.n_bindings += fixed_bindings_fill(&process.bindings[process.n_bindings]);
    interpose_expect(hook_wishes.wishes, hook_wishes.n);
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

void hooks_after_fork(void)
{
    arrivals_after_fork();
    hooks_rest_after_fork();
    for (uint32_t i = 0; i < process.n_hooks; i++) {
        struct hook *hook = &process.hooks[i];

        if (hook_plan(hook) != NULL) {
            call_plan_after_fork(hook_plan(hook));
            entry_reset_passed(hook->entry);
        }
    }
}
