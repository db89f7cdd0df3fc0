// SPDX-License-Identifier: MIT
/*
 * Where a function is defined: under its symbol and its aliases, by any object. Two names of one
 * address are one definition; another address is another one, whatever it is called.
 */
#include "process.h"

#include "entry/entry.h"

#include <string.h>

const char *definition_name(const struct config_function *function, uint32_t i)
{
    return i == 0 ? function->symbol : function->aliases[i - 1];
}

bool hooks_is_bound(const char *symbol, const void *original)
{
    for (size_t i = 0; i < process.n_bindings; i++) {
        if (process.bindings[i].original == original &&
            strcmp(process.bindings[i].symbol, symbol) == 0) {
            return true;
        }
    }
    return false;
}

bool definition_is_bound(const struct config_function *function,
                         const struct named_definition *named)
{
    for (uint32_t i = 0; i <= function->n_aliases; i++) {
        if (((named->names >> i) & 1) != 0 &&
            hooks_is_bound(definition_name(function, i), named->definition.address)) {
            return true;
        }
    }
    return false;
}

/* Adds what was found under name number i. */
static size_t add(struct named_definition named[MAX_DEFINITIONS], size_t n_named, uint32_t i,
                  const struct interpose_definition *found, size_t n_found)
{
    for (size_t k = 0; k < n_found && k < MAX_DEFINITIONS; k++) {
        size_t at = 0;

        while (at < n_named && named[at].definition.address != found[k].address) {
            at++;
        }
        if (at == MAX_DEFINITIONS) {
            continue;
        }
        if (at == n_named) {
            named[n_named++] = (struct named_definition){.definition = found[k]};
        }
        named[at].names |= 1u << i;
    }
    return n_named;
}

size_t definitions_find(const struct config_function *function,
                        struct named_definition ret_named[MAX_DEFINITIONS])
{
    struct interpose_definition found[MAX_DEFINITIONS];
    size_t n_named = 0;

    for (uint32_t i = 0; i <= function->n_aliases; i++) {
        size_t n_found = interpose_find(definition_name(function, i), function->version,
                                        function->library, found, MAX_DEFINITIONS);

        n_named = add(ret_named, n_named, i, found, n_found);
    }
    return n_named;
}

size_t definitions_find_in_arrival(const struct interpose_arrival *arrival,
                                   const struct interpose_wish *wishes, uint32_t n_names,
                                   struct named_definition ret_named[MAX_DEFINITIONS])
{
    struct interpose_definition found[MAX_DEFINITIONS];
    size_t n_named = 0;

    for (uint32_t i = 0; i < n_names; i++) {
        size_t n_found = interpose_find_in_arrival(arrival, &wishes[i], found, MAX_DEFINITIONS);

        n_named = add(ret_named, n_named, i, found, n_found);
    }
    for (size_t i = 0; i < n_named; i++) {
        ret_named[i].arrival = arrival;
    }
    return n_named;
}

size_t definitions_count_names(size_t *ret_most)
{
    size_t n_names = 0;

    *ret_most = 0;
    for (size_t i = 0; i < process.model.n_functions; i++) {
        size_t n = process.model.functions[i].n_aliases + 1;

        n_names += n;
        *ret_most = n > *ret_most ? n : *ret_most;
    }
    return n_names;
}

struct interpose_binding *hooks_bind(const char *symbol, void *original, void *replacement)
{
    struct interpose_binding *binding = &process.bindings[process.n_bindings++];

    *binding = (struct interpose_binding){
        .symbol = symbol, .original = original, .replacement = replacement};
    return binding;
}

void definition_bind(struct hook *hook, const struct named_definition *named)
{
    const struct config_function *function = hook->function;

    for (uint32_t i = 0; i <= function->n_aliases; i++) {
        struct interpose_binding *binding;

        if (((named->names >> i) & 1) == 0) {
            continue;
        }
        binding = hooks_bind(definition_name(function, i), named->definition.address,
                             entry_thunk(hook->entry));
        binding->callers = function->callers;
        binding->n_callers = function->n_callers;
        if (hook->n_bindings++ == 0) {
            hook->bindings = binding;
        }
    }
}
