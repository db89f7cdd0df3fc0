// SPDX-License-Identifier: MIT
/* A short list of the arrays that interpose_apply was given, and a filter over their names. */
#include "interpose/bindings.h"

#include "interpose/elf_view.h"
#include <errno.h>
#include <string.h>

/* Arrays that can be registered: the configuration's, and some to spare for what comes later. */
enum {
    ARRAYS_ROOM = 16
};

/* Written under the patch lock, the count last; read without. Never shrinks. */
static struct {
    struct interpose_binding *bindings;
    size_t n_bindings;
} arrays[ARRAYS_ROOM];
static size_t n_arrays;
static struct filter names;

int bindings_register_locked(struct interpose_binding *bindings, size_t n_bindings)
{
    if (n_arrays == ARRAYS_ROOM) {
        return -ENOSPC;
    }
    arrays[n_arrays].bindings = bindings;
    arrays[n_arrays].n_bindings = n_bindings;
    __atomic_store_n(&n_arrays, n_arrays + 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < n_bindings; i++) {
        filter_add(&names, elf_name_hash(bindings[i].symbol));
    }
    return 0;
}

bool bindings_may_have(uint32_t name_hash)
{
    return filter_may_have(&names, name_hash);
}

void *bindings_replacement(const char *symbol, uintptr_t original)
{
    size_t n = __atomic_load_n(&n_arrays, __ATOMIC_ACQUIRE);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < arrays[i].n_bindings; k++) {
            const struct interpose_binding *binding = &arrays[i].bindings[k];

            if ((uintptr_t)binding->original == original && binding_is_active(binding) &&
                strcmp(binding->symbol, symbol) == 0) {
                return binding->replacement;
            }
        }
    }
    return NULL;
}
