// SPDX-License-Identifier: MIT
/*
 * Variables that functions set. An executable that is not position independent may have a copy of a
 * library's variable, which all objects then use: it comes first in the scope, so it is found
 * first.
 */
#include "interpose/resolve.h"

#include "interpose/interpose.h"

/* Thread-local ones have no address, so they are not looked up. */
static const char not_found[] = "is not found as a variable of all threads";

static const char *take(const struct elf_view *view, const struct elf_symbol *symbol,
                        struct interpose_variable *ret_variable)
{
    size_t n_bytes = symbol->size_bytes > 0 ? symbol->size_bytes : 1;

    if (symbol->type != STT_OBJECT && symbol->type != STT_COMMON && symbol->type != STT_NOTYPE) {
        return "is no variable";
    }
    if (!elf_view_has(view, symbol->address, n_bytes, PF_R | PF_W) ||
        (symbol->address < view->relro_end && symbol->address + n_bytes > view->relro_start)) {
        return "cannot be written";
    }
    *ret_variable = (struct interpose_variable){(void *)symbol->address, symbol->size_bytes};
    return NULL;
}

struct variable_search {
    uintptr_t base;
    const struct resolve_request *request;
    struct interpose_variable *variable;
    const char *problem;
};

static void search_variable(const struct elf_view *view, void *context)
{
    struct variable_search *search = context;
    struct elf_symbol found;

    if (view->base == search->base && resolve_in_object(view, search->request, &found)) {
        search->problem = take(view, &found, search->variable);
    }
}

const char *interpose_find_variable(const char *symbol, const struct interpose_arrival *arrival,
                                    struct interpose_variable *ret_variable)
{
    const struct resolve_request request = {
        .name = symbol,
        .name_hash = elf_name_hash(symbol),
        .is_from_dlsym = true,
        .is_for_call = true,
    };
    struct variable_search search = {
        .request = &request, .variable = ret_variable, .problem = not_found};
    const struct object *object;
    struct elf_symbol found;

    if (resolve_in_scope(&request, 0, &found, &object)) {
        return take(&object->view, &found, ret_variable);
    }
    if (arrival != NULL) {
        search.base = arrival->base;
        objects_each_later(search_variable, &search);
    }
    return search.problem;
}
