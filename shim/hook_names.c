// SPDX-License-Identifier: MIT
/* How hooks are shown where the configured name alone would say two things. */
#include "process.h"

#include <string.h>

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

/* The symbol with detail behind it, or NULL without memory. */
static char *compose_name(const char *symbol, const char *before, const char *detail,
                          const char *after)
{
    const char *const parts[] = {symbol, before, detail, after};
    size_t n_bytes = 1;
    char *name, *end;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        n_bytes += strlen(parts[i]);
    }
    name = end = arena_alloc(&process.arena, n_bytes);
    for (size_t i = 0; name != NULL && i < sizeof(parts) / sizeof(parts[0]); i++) {
        end = stpcpy(end, parts[i]);
    }
    return name;
}

/* "pow@GLIBC_2.29", "f (libx.so)", or the whole path, where the name alone would say two things. */
void hook_make_distinct(struct hook *hook)
{
    const char *symbol = hook->function->symbol;
    char *name = NULL;

    if (hook->version != NULL) {
        name = compose_name(symbol, "@", hook->version, "");
    }
    if (name == NULL || is_taken(name, hook)) {
        name = compose_name(symbol, " (", hook->library, ")");
    }
    if (name != NULL && is_taken(name, hook)) {
        name = compose_name(symbol, " (", hook->path, ")");
    }
    if (name != NULL) {
        atomic_store_explicit(&hook->name, name, memory_order_release);
    }
}
