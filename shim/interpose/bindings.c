// SPDX-License-Identifier: MIT
/* A short list of the arrays that interpose_apply was given, and a filter over their names. */
#include "interpose/bindings.h"

#include "interpose/elf_view.h"
#include <errno.h>
#include <string.h>

/* Arrays that can be registered: the configuration's, and some to spare for tests. */
enum {
    ARRAYS_ROOM = 16
};

/* Written under the patch lock, the counts last; read without. Never shrinks. */
static struct {
    struct interpose_binding *bindings;
    size_t n_bindings;
} arrays[ARRAYS_ROOM];
static size_t n_arrays;
static struct filter names;

int bindings_register_locked(struct interpose_binding *bindings, size_t n_bindings)
{
    size_t last = n_arrays - 1;

    for (size_t i = 0; i < n_bindings; i++) {
        if (!bindings[i].is_for_later) {
            filter_add(&names, elf_name_hash(bindings[i].symbol));
        }
    }
    if (n_arrays > 0 && bindings == arrays[last].bindings + arrays[last].n_bindings) {
        __atomic_store_n(&arrays[last].n_bindings, arrays[last].n_bindings + n_bindings,
                         __ATOMIC_RELEASE);
        return 0;
    }
    if (n_arrays == ARRAYS_ROOM) {
        return -ENOSPC;
    }
    arrays[n_arrays].bindings = bindings;
    arrays[n_arrays].n_bindings = n_bindings;
    __atomic_store_n(&n_arrays, n_arrays + 1, __ATOMIC_RELEASE);
    return 0;
}

struct interpose_binding *bindings_next_active(struct bindings_cursor *cursor)
{
    size_t n = __atomic_load_n(&n_arrays, __ATOMIC_ACQUIRE);

    for (; cursor->array < n; cursor->array++, cursor->i = 0) {
        while (cursor->i < __atomic_load_n(&arrays[cursor->array].n_bindings, __ATOMIC_ACQUIRE)) {
            struct interpose_binding *binding = &arrays[cursor->array].bindings[cursor->i++];

            if (binding_is_active(binding)) {
                return binding;
            }
        }
    }
    return NULL;
}

void bindings_expect(uint32_t name_hash)
{
    filter_add(&names, name_hash);
}

bool bindings_may_have(uint32_t name_hash)
{
    return filter_may_have(&names, name_hash);
}

const struct interpose_binding *bindings_find(const char *symbol, uintptr_t original)
{
    struct bindings_cursor cursor = {0};
    struct interpose_binding *binding;

    while ((binding = bindings_next_active(&cursor)) != NULL) {
        if (!binding->is_for_later && (uintptr_t)binding->original == original &&
            strcmp(binding->symbol, symbol) == 0) {
            return binding;
        }
    }
    return NULL;
}
