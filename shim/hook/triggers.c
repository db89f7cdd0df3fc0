// SPDX-License-Identifier: MIT
/*
 * Functions whose calls invalidate what others remember: every definition of each is caught, in the
 * objects of the start and in later ones, by a thunk that lets its calls through and tells of them
 * before and after. What a call drops is call/'s business.
 *
 * A function that cannot be caught is one whose calls would go unnoticed: what hangs on it is not
 * memoized.
 */
#include "process.h"

#include "base/log.h"
#include "entry/entry.h"

#include <errno.h>
#include <string.h>

#define MAX_DEFINITIONS 16 /* of one symbol: versions and libraries */

/* A name that rules of the configuration give, each once. Written at the start. */
struct trigger_name {
    const char *symbol, *version;          /* version NULL: any */
    const char *denied;                    /* why it cannot be caught, or NULL */
    const char *unknown, *unused, *unseen; /* sentences: nobody defines it, or calls it; not all
                                              calls are seen */
};

/* One definition. Written by whoever adds hooks, before it is counted. */
struct trigger {
    const char *symbol, *version; /* version of the definition, or NULL */
    struct call_trigger *calls;
    struct interpose_binding *binding;
    _Atomic uint32_t n_redirected; /* binding->n_redirected_late, up to which all was dropped */
};

static struct trigger_name *names;
static size_t n_names;
static struct trigger triggers[MAX_TRIGGERS];
static _Atomic uint32_t n_triggers;
static _Atomic bool has_uncaught; /* a definition came for which there was no thunk */

_Static_assert(CALL_NOTE_BYTES <= ENTRY_NOTE_BYTES, "what a call leaves for its end");

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct trigger_name *find_name(const struct config_invalidation *rule)
{
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(names[i].symbol, rule->symbol) == 0 &&
            is_same(names[i].version, rule->version)) {
            return &names[i];
        }
    }
    return NULL;
}

static int add_name(const struct config_invalidation *rule)
{
    struct trigger_name *name = &names[n_names++];
    const char *denied = interpose_denied(rule->symbol);

    *name = (struct trigger_name){
        .symbol = rule->symbol,
        .version = rule->version,
        .unknown = hook_compose("no loaded object defines ", rule->symbol,
                                " yet, whose calls invalidate its results", ""),
        .unused = hook_compose("no loaded object imports ", rule->symbol,
                               ", whose calls invalidate its results; only dlsym reaches it", ""),
        .unseen =
            hook_compose("some calls of ", rule->symbol,
                         ", which invalidate its results, are not seen, so it is bypassed", ""),
    };
    if (denied != NULL) {
        name->denied = hook_compose("its results hang on calls that cannot be caught, those of ",
                                    rule->symbol, "", "");
        log_line(LOG_LEVEL_WARN, "calls of %s cannot be caught: %s", rule->symbol, denied);
    }
    return name->unknown == NULL || name->unused == NULL || name->unseen == NULL ||
                   (denied != NULL && name->denied == NULL)
               ? -ENOMEM
               : 0;
}

static bool fits(const struct trigger *trigger, const char *symbol, const char *version)
{
    return strcmp(trigger->symbol, symbol) == 0 &&
           (version == NULL || is_same(trigger->version, version));
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void tell_before(void *trigger, const struct abi_registers *registers, bool is_inside,
                        void *note)
{
    call_trigger_before(trigger, registers, is_inside, note);
    if (!is_inside) {
        call_look_at_resting();
    }
}

static void tell_after(void *trigger, bool is_inside, const void *note)
{
    call_trigger_after(trigger, is_inside, note);
}

/* ---- definitions ----------------------------------------------------------------------------- */

static bool is_caught_already(const char *symbol, const void *address)
{
    for (uint32_t i = 0; i < n_triggers; i++) {
        if (triggers[i].binding->original == address && strcmp(triggers[i].symbol, symbol) == 0) {
            return true;
        }
    }
    return false;
}

static const char too_many[] = "its results hang on more calls than can be caught";
static const char not_here[] = "its results hang on calls, which are not caught on this processor";

/* NULL: it cannot be caught, for *ret_reason. The trigger is not counted yet. */
static struct trigger *open_trigger(const struct trigger_name *name,
                                    const struct interpose_definition *definition,
                                    const char **ret_reason)
{
    struct trigger *trigger = &triggers[n_triggers];
    struct call_trigger *calls = call_trigger_create(&process.arena);
    int around = n_triggers == MAX_TRIGGERS || calls == NULL
                     ? -ENOSPC
                     : entry_open_around(definition->address, calls);

    if (around < 0) {
        log_line(LOG_LEVEL_WARN, "calls of %s cannot be caught: %s", name->symbol,
                 around == -ENOTSUP ? "not on this processor" : "too many functions invalidate");
        *ret_reason = around == -ENOTSUP ? not_here : too_many;
        return NULL;
    }
    *trigger = (struct trigger){
        .symbol = name->symbol,
        .version = definition->version,
        .calls = calls,
        .binding = hooks_bind(name->symbol, definition->address, entry_around_thunk(around)),
    };
    return trigger;
}

static void catch_name(struct trigger_name *name)
{
    struct interpose_definition definitions[MAX_DEFINITIONS];
    size_t n_found;

    if (name->denied != NULL) {
        return;
    }
    n_found = interpose_find(name->symbol, name->version, NULL, definitions, MAX_DEFINITIONS);
    for (size_t i = 0; i < n_found; i++) {
        if (i < MAX_DEFINITIONS && is_caught_already(name->symbol, definitions[i].address)) {
            continue;
        }
        if (i == MAX_DEFINITIONS) {
            name->denied = too_many;
            return;
        }
        if (open_trigger(name, &definitions[i], &name->denied) == NULL) {
            return;
        }
        n_triggers++;
    }
}

int triggers_start(size_t *ret_n_symbols)
{
    static const struct entry_around around = {tell_before, tell_after};
    size_t n_rules = 0;

    entry_around_init(&around);
    for (uint32_t i = 0; i < process.model.n_functions; i++) {
        n_rules += process.model.functions[i].n_invalidations;
    }
    names = arena_alloc(&process.arena, n_rules * sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < process.model.n_functions; i++) {
        const struct config_function *function = &process.model.functions[i];

        for (uint32_t k = 0;
             settings_mode(function) != CONFIG_MODE_OFF && k < function->n_invalidations; k++) {
            const struct config_invalidation *rule = &function->invalidations[k];

            if (rule->kind == INVALIDATE_ON_CALL && find_name(rule) == NULL &&
                add_name(rule) != 0) {
                return -ENOMEM;
            }
        }
    }
    for (size_t i = 0; i < n_names; i++) {
        catch_name(&names[i]);
    }
    *ret_n_symbols = n_names;
    return 0;
}

struct interpose_wish triggers_wish(size_t i)
{
    return (struct interpose_wish){.symbol = names[i].symbol, .version = names[i].version};
}

/* ---- ties ------------------------------------------------------------------------------------ */

static const char *tie(const struct trigger *trigger, struct call_plan *plan,
                       const struct config_invalidation *rule)
{
    switch (call_trigger_add(trigger->calls, plan, rule, &process.arena)) {
    case 0:
        return NULL;
    case -ENOTSUP:
        return "it hangs on an argument of which cannot be told where it travels";
    default:
        return "there is no memory for what invalidates its results";
    }
}

const char *triggers_tie(struct call_plan *plan, const struct config_function *function)
{
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];

        if (rule->kind != INVALIDATE_ON_CALL) {
            continue;
        }
        if (find_name(rule)->denied != NULL) {
            return find_name(rule)->denied;
        }
        for (uint32_t k = 0; k < n_triggers; k++) {
            const char *problem = fits(&triggers[k], rule->symbol, rule->version)
                                      ? tie(&triggers[k], plan, rule)
                                      : NULL;

            if (problem != NULL) {
                return problem;
            }
        }
    }
    return atomic_load(&has_uncaught) ? "its results may hang on more calls than can be caught"
                                      : NULL;
}

typedef void (*visit_fn)(struct call_plan *plan, const struct config_invalidation *rule,
                         const struct trigger *trigger);

/* Each plan that hangs on the name and is there already. */
static void each_plan(const struct trigger_name *name, visit_fn visit,
                      const struct trigger *trigger)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);

    for (uint32_t i = 0; i < n_hooks; i++) {
        const struct hook *hook = &process.hooks[i];
        struct call_plan *plan = atomic_load_explicit(&hook->plan, memory_order_acquire);

        for (uint32_t k = 0; plan != NULL && k < hook->function->n_invalidations; k++) {
            const struct config_invalidation *rule = &hook->function->invalidations[k];

            if (rule->kind == INVALIDATE_ON_CALL && find_name(rule) == name) {
                visit(plan, rule, trigger);
            }
        }
    }
}

static void each_plan_of(const struct trigger *trigger, visit_fn visit)
{
    for (size_t k = 0; k < n_names; k++) {
        if (fits(trigger, names[k].symbol, names[k].version)) {
            each_plan(&names[k], visit, trigger);
        }
    }
}

static void stop(struct call_plan *plan, const struct config_invalidation *rule,
                 const struct trigger *trigger)
{
    call_plan_bypass(plan);
}

/* Calls may have gone unseen so far. */
static void drop(struct call_plan *plan, const struct config_invalidation *rule,
                 const struct trigger *trigger)
{
    call_plan_invalidate(plan);
}

static void tie_or_stop(struct call_plan *plan, const struct config_invalidation *rule,
                        const struct trigger *trigger)
{
    if (tie(trigger, plan, rule) != NULL) {
        call_plan_bypass(plan);
    }
}

void triggers_stop(void)
{
    atomic_store(&has_uncaught, true);
    for (size_t i = 0; i < n_names; i++) {
        each_plan(&names[i], stop, NULL);
    }
}

void triggers_add_later(size_t i, const struct interpose_definition *definition)
{
    struct trigger *trigger;
    const char *unused_reason;

    if (names[i].denied != NULL || is_caught_already(names[i].symbol, definition->address)) {
        return;
    }
    trigger = open_trigger(&names[i], definition, &unused_reason);
    if (trigger != NULL) {
        trigger->n_redirected = UINT32_MAX; /* calls before this one are made up for */
    } else {
        atomic_store(&has_uncaught, true);
        each_plan(&names[i], stop, NULL);
        return;
    }
    each_plan_of(trigger, tie_or_stop);
    atomic_fetch_add_explicit(&n_triggers, 1, memory_order_release);
    log_line(LOG_LEVEL_INFO, "calls of %s in %s invalidate from now on", names[i].symbol,
             definition->path);
}

void triggers_settle(void)
{
    uint32_t n = atomic_load_explicit(&n_triggers, memory_order_acquire);

    for (uint32_t i = 0; i < n; i++) {
        struct trigger *trigger = &triggers[i];
        uint32_t n_redirected = trigger->binding->n_redirected_late;

        if (trigger->binding->n_refused > 0) {
            each_plan_of(trigger, stop);
        }
        if (n_redirected != atomic_load(&trigger->n_redirected)) {
            each_plan_of(trigger, drop);
            atomic_store(&trigger->n_redirected, n_redirected);
        }
    }
}

/* ---- what is said of it ---------------------------------------------------------------------- */

static const char *problem_of(const struct trigger_name *name)
{
    uint32_t n = atomic_load_explicit(&n_triggers, memory_order_acquire);
    uint32_t n_definitions = 0, n_slots = 0, n_refused = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (fits(&triggers[i], name->symbol, name->version)) {
            n_definitions++;
            n_slots += triggers[i].binding->n_jump_slots + triggers[i].binding->n_got_slots +
                       triggers[i].binding->n_pointers;
            n_refused += triggers[i].binding->n_refused;
        }
    }
    return n_refused > 0        ? name->unseen
           : n_definitions == 0 ? name->unknown
           : n_slots == 0       ? name->unused
                                : NULL;
}

const char *triggers_problem(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];
        const char *problem = rule->kind == INVALIDATE_ON_CALL ? problem_of(find_name(rule)) : NULL;

        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}
