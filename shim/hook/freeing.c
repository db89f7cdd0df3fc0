// SPDX-License-Identifier: MIT
/*
 * Functions that free what others hand out, such as freeaddrinfo: every definition of each is
 * hooked, so that a block that came from memory of ours is freed as it was made, and all others go
 * to the real function.
 *
 * A function whose freeing function is not there, or cannot be hooked, is not memoized. Once hooked
 * they stay so: what is out must find its way back, whatever becomes of the function that it is
 * from.
 */
#include "hook/freeing.h"
#include "process.h"

#include "abi/abi.h"
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"

#include <errno.h>
#include <string.h>

#define MAX_DEFINITIONS 16 /* of one symbol: versions and libraries */

/* One definition. Written by whoever adds hooks, before it is counted. */
struct freeing {
    const struct freeing_name *name;
    struct interpose_binding *binding;
    void (*release)(void *block);
};

static struct freeing_name *names; /* written at the start */
static struct freeing definitions[MAX_FREEING];
static _Atomic uint32_t n_definitions;

/* ---- calls ----------------------------------------------------------------------------------- */

/* A call that is being answered. */
struct answer {
    const struct freeing *freeing;
    void **arguments;
    int *caller_errno;
};

/* The program's own call once more, with another block. The guard is set. */
static void give_to_real(void *context, void *block)
{
    const struct answer *answer = context;
    const struct freeing_name *name = answer->freeing->name;
    void *arguments[PROTOTYPE_MAX_PARAMETERS], *pointer = &block;
    union {
        uint64_t bits;
        long double wide;
    } unused[2];

    memcpy(arguments, answer->arguments, name->prototype.n_parameters * sizeof(arguments[0]));
    arguments[name->at] = name->is_indirect ? (void *)&pointer : (void *)&block;
    lock_assert_none_held();
    guard_leave();
    errno = *answer->caller_errno;
    abi_call_real(name->abi, answer->freeing->binding->original, unused, arguments);
    guard_enter();
    *answer->caller_errno = errno;
}

/* An entry_handler_fn. */
static void handle_free(void *context, void *result, void **arguments)
{
    const struct freeing *freeing = context;
    const struct freeing_name *name = freeing->name;
    int caller_errno = errno;
    struct answer answer = {freeing, arguments, &caller_errno};
    struct freeing_call call = {
        .symbol = name->symbol,
        .release = freeing->release,
        .give_to_real = give_to_real,
        .context = &answer,
        .pointee = name->are_alike ? name->as : NULL,
    };
    void *given = *(void **)arguments[name->at], *block = given;
    bool is_ours;

    guard_enter();
    if (fork_page_is_new_child()) {
        report_new_child();
    }
    if (name->is_indirect && given != NULL) {
        block = *(void **)given;
    }
    is_ours = freeing_release(&call, block);
    if (is_ours && name->is_indirect) {
        *(void **)given = NULL;
    }
    guard_leave();
    errno = caller_errno;
    if (is_ours) {
        memset(result, 0, sizeof(uint64_t));
    } else {
        abi_call_real(name->abi, freeing->binding->original, result, arguments);
    }
}

/* ---- definitions ----------------------------------------------------------------------------- */

static bool is_hooked(const struct freeing_name *name, const void *address)
{
    for (uint32_t i = 0; i < n_definitions; i++) {
        if (definitions[i].name == name && definitions[i].binding->original == address) {
            return true;
        }
    }
    return false;
}

static const char *hook_one(const struct freeing_name *name, void *address)
{
    struct freeing *freeing = &definitions[n_definitions];
    int entry;

    if (n_definitions == MAX_FREEING) {
        return "its results are freed by more functions than can be hooked";
    }
    if (hooks_is_bound(name->symbol, address)) {
        return hook_compose("its results are freed by ", name->symbol,
                            ", whose calls are caught for another reason already", "");
    }
    freeing->name = name;
    freeing->release = plan_bindings_release();
    entry = entry_open(name->abi, address, handle_free, freeing);
    if (entry < 0) {
        return entry == -ENOSPC ? "too many functions are named"
                                : "libffi cannot carry what frees its results";
    }
    freeing->binding = hooks_bind(name->symbol, address, entry_thunk(entry));
    entry_switch(entry, true);
    atomic_fetch_add_explicit(&n_definitions, 1, memory_order_release);
    return NULL;
}

static void hook_name(struct freeing_name *name)
{
    struct interpose_definition found[MAX_DEFINITIONS];
    size_t n_found = interpose_find(name->symbol, NULL, NULL, found, MAX_DEFINITIONS);

    for (size_t i = 0; i < n_found && i < MAX_DEFINITIONS && name->problem == NULL; i++) {
        if (!is_hooked(name, found[i].address)) {
            name->problem = hook_one(name, found[i].address);
        }
    }
}

int freeing_start(size_t *ret_n_symbols)
{
    if (freeing_collect_names(&names, ret_n_symbols) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < *ret_n_symbols; i++) {
        hook_name(&names[i]);
    }
    return 0;
}

struct interpose_wish freeing_wish(size_t i)
{
    return (struct interpose_wish){.symbol = names[i].symbol};
}

/* ---- those who hand out ---------------------------------------------------------------------- */

static bool has_definition(const struct freeing_name *name)
{
    for (uint32_t i = 0; i < n_definitions; i++) {
        if (definitions[i].name == name) {
            return true;
        }
    }
    return false;
}

/* A config_visit_lifetime_fn; context: where the reason goes. */
static int find_problem(const struct config_lifetime *lifetime,
                        const struct config_pointee *pointee, void *context)
{
    const char **ret_reason = context;
    const struct freeing_name *name;

    if (lifetime->kind != LIFETIME_FREED_BY) {
        return 0;
    }
    name = freeing_find_name(lifetime->freed_by);
    if (name == NULL) {
        *ret_reason = "its results are freed by more functions than can be hooked";
    } else if (name->problem != NULL) {
        *ret_reason = name->problem;
    } else if (!has_definition(name)) {
        *ret_reason = name->unknown;
    } else if (!freeing_can_follow(pointee)) {
        *ret_reason = "memory that hangs on its results is counted by arguments, which are not "
                      "known any more when it is freed";
    } else {
        return 0;
    }
    return -ENOTSUP;
}

const char *freeing_tie(const struct config_function *function)
{
    const char *reason = NULL;

    config_each_lifetime(function, find_problem, &reason);
    return reason;
}

/* A config_visit_lifetime_fn: the lifetime names this one. */
static int is_freed_by(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                       void *name)
{
    return lifetime->kind == LIFETIME_FREED_BY && freeing_find_name(lifetime->freed_by) == name;
}

/* Whoever hands out what the name frees no longer does. */
static void stop_all(const struct freeing_name *name)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);

    for (uint32_t i = 0; i < n_hooks; i++) {
        const struct hook *hook = &process.hooks[i];
        struct call_plan *plan = atomic_load_explicit(&hook->plan, memory_order_acquire);

        if (plan != NULL && config_each_lifetime(hook->function, is_freed_by, (void *)name) == 1) {
            call_plan_bypass(plan);
        }
    }
}

void freeing_add_later(size_t i, const struct interpose_definition *definition)
{
    struct freeing_name *name = &names[i];

    if (name->problem != NULL || is_hooked(name, definition->address)) {
        return;
    }
    name->problem = hook_one(name, definition->address);
    if (name->problem != NULL) {
        log_line(LOG_LEVEL_WARN, "%s of %s is not hooked: %s", name->symbol, definition->path,
                 name->problem);
        stop_all(name);
    }
}

void freeing_settle(void)
{
    uint32_t n = atomic_load_explicit(&n_definitions, memory_order_acquire);

    for (uint32_t i = 0; i < n; i++) {
        if (definitions[i].binding->n_refused > 0) {
            stop_all(definitions[i].name);
        }
    }
}

/* ---- what is said of it ---------------------------------------------------------------------- */

/* A config_visit_lifetime_fn; context: where the sentence goes. */
static int find_limit(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                      void *context)
{
    const char **ret_problem = context;
    uint32_t n = atomic_load_explicit(&n_definitions, memory_order_acquire);
    uint32_t n_slots = 0, n_refused = 0;
    const struct freeing_name *name;

    if (lifetime->kind != LIFETIME_FREED_BY) {
        return 0;
    }
    name = freeing_find_name(lifetime->freed_by);
    for (uint32_t i = 0; i < n; i++) {
        const struct interpose_binding *binding = definitions[i].binding;

        if (definitions[i].name == name) {
            n_slots += binding->n_jump_slots + binding->n_got_slots + binding->n_pointers;
            n_refused += binding->n_refused;
        }
    }
    *ret_problem = name->problem != NULL ? name->problem
                   : n_refused > 0       ? name->unseen
                   : n_slots == 0        ? name->unused
                                         : NULL;
    return *ret_problem != NULL;
}

const char *freeing_problem(const struct config_function *function)
{
    const char *problem = NULL;

    config_each_lifetime(function, find_limit, &problem);
    return problem;
}
