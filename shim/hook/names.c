// SPDX-License-Identifier: MIT
/*
 * What is said of hooks: how they are called where the configured name alone would say two things,
 * and what limits them.
 */
#include "process.h"

#include "base/demangle.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define READABLE_MAX 1024 /* bytes of a C++ name as it is shown */

/* A stack may grow to so many bytes; false where it cannot be told. */
static bool may_stack_be(rlim_t n_bytes)
{
    int saved_errno = errno;
    struct rlimit limit;
    bool may_be = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= n_bytes;

    errno = saved_errno;
    return may_be;
}

const char *hook_read_symbol(const char *symbol)
{
    char room[READABLE_MAX];

    if (!may_stack_be(2 * DEMANGLE_MAX_STACK) || demangle(symbol, room, sizeof(room)) == NULL) {
        return NULL;
    }
    return arena_copy_text(&process.arena, room, strlen(room));
}

static bool is_taken(const char *name, const struct hook *own)
{
    uint32_t n = atomic_load_explicit(&process.n_hooks, memory_order_relaxed);

    for (uint32_t i = 0; i < n; i++) {
        if (&process.hooks[i] != own &&
            strcmp(atomic_load_explicit(&process.hooks[i].name, memory_order_acquire), name) == 0) {
            return true;
        }
    }
    return false;
}

char *hook_compose(const char *first, const char *second, const char *third, const char *fourth)
{
    const char *const parts[] = {first, second, third, fourth};
    size_t n_bytes = 1;
    char *text, *end;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        n_bytes += strlen(parts[i]);
    }
    text = end = arena_alloc(&process.arena, n_bytes);
    for (size_t i = 0; text != NULL && i < sizeof(parts) / sizeof(parts[0]); i++) {
        end = stpcpy(end, parts[i]);
    }
    return text;
}

/* "pow@GLIBC_2.29", "f (libx.so)", or the whole path, where the name alone would say two things. */
void hook_make_distinct(struct hook *hook)
{
    const char *symbol = hook->function->symbol;
    char *name = NULL;

    if (hook->version != NULL) {
        name = hook_compose(symbol, "@", hook->version, "");
    }
    if (name == NULL || is_taken(name, hook)) {
        name = hook_compose(symbol, " (", hook->library, ")");
    }
    if (name != NULL && is_taken(name, hook)) {
        name = hook_compose(symbol, " (", hook->path, ")");
    }
    if (name != NULL) {
        atomic_store_explicit(&hook->name, name, memory_order_release);
    }
}

const char *const *hook_describe_callers(const struct config_function *function)
{
    const char **texts = arena_alloc(&process.arena, (function->n_callers + 1) * sizeof(texts[0]));

    for (uint32_t i = 0; texts != NULL && i < function->n_callers; i++) {
        texts[i] =
            hook_compose("its caller \"", function->callers[i], "\" is no loaded object", "");
        if (texts[i] == NULL) {
            return NULL;
        }
    }
    return texts;
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static bool is_hooked(const struct hook *hook)
{
    return atomic_load_explicit(&hook->plan, memory_order_acquire) != NULL;
}

bool hooks_is_pending(const struct hook *hook)
{
    return !is_hooked(hook) && hook->is_pending;
}

uint64_t hooks_count_slots(const struct hook *hook)
{
    uint64_t n_slots = 0;

    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        const struct interpose_binding *binding = &hook->bindings[i];

        n_slots += (uint64_t)binding->n_jump_slots + binding->n_got_slots + binding->n_pointers;
    }
    return n_slots;
}

uint64_t hooks_count_later_slots(const struct hook *hook)
{
    uint64_t n_slots = 0;

    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        struct interpose_slots later;

        interpose_copy_counts(&later, &hook->bindings[i].later, sizeof(later));
        n_slots += (uint64_t)later.jump + later.got + later.pointers;
    }
    return n_slots;
}

const struct interpose_importer *hooks_next_importer(const struct hook *hook,
                                                     const struct interpose_importer *importer)
{
    bool is_next = importer == NULL;

    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        const struct interpose_importer *at = NULL;

        while ((at = interpose_next_importer(&hook->bindings[i], at)) != NULL) {
            if (is_next) {
                return at;
            }
            is_next = at == importer;
        }
    }
    return NULL;
}

const char *hooks_unexported(const struct hook *hook)
{
    const char *reason = NULL;

    for (uint32_t i = 0; i < hook->n_bindings && reason == NULL; i++) {
        reason = hook->bindings[i].unexported_because;
    }
    return reason;
}

const char *hooks_problem(const struct hook *hook)
{
    const char *let_go = atomic_load_explicit(&hook->let_go, memory_order_acquire);
    uint64_t seen = 0, n_refused = 0, n_exported = 0;

    if (!is_hooked(hook)) {
        return hook->problem;
    }
    if (let_go != NULL) {
        return let_go;
    }
    if (atomic_load(&hook->rest.is_resting)) {
        return atomic_load_explicit(&hook->rest.reason, memory_order_acquire);
    }
    for (uint32_t i = 0; i < hook->n_bindings; i++) {
        const struct interpose_binding *binding = &hook->bindings[i];

        seen |= __atomic_load_n(&binding->callers_seen, __ATOMIC_RELAXED);
        n_refused += binding->n_refused;
        n_exported += binding->exported_as != 0;
    }
    if (n_refused > 0) {
        return "some slots could not be redirected: those calls are not seen";
    }
    for (uint32_t i = 0; i < hook->function->n_callers; i++) {
        if (((seen >> i) & 1) == 0) {
            return hook->caller_problems[i];
        }
    }
    if (hooks_count_slots(hook) > 0) {
        const char *problem = triggers_problem(hook->function);

        return problem != NULL ? problem : freeing_problem(hook->function);
    }
    if (hook->function->n_callers > 0) {
        return "none of its callers imports it; only dlsym reaches it";
    }
    return n_exported > 0
               ? "no loaded object imports it; only dlsym and objects that come later reach it"
               : "no loaded object imports it; only dlsym reaches it";
}
