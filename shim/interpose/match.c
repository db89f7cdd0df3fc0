// SPDX-License-Identifier: MIT
/* See match.h. */
#include "interpose/match.h"

#include "interpose/resolve.h"
#include <string.h>

enum {
    OWN_DEFINITIONS_ROOM = 16
};

struct interpose_binding *match_next_binding(const struct pass *pass, struct pass_cursor *cursor)
{
    if (pass->bindings == NULL) {
        return bindings_next_active(&cursor->all);
    }
    return cursor->i < pass->n_bindings ? &pass->bindings[cursor->i++] : NULL;
}

/* The same, but only those that concern the object at hand. */
static struct interpose_binding *next_concerned(const struct pass *pass, struct pass_cursor *cursor)
{
    struct interpose_binding *binding;

    do {
        binding = match_next_binding(pass, cursor);
    } while (binding != NULL && binding->is_for_later && !pass->is_later);
    return binding;
}

static uintptr_t wanted_value(const struct pass *pass, const struct interpose_binding *binding)
{
    return (uintptr_t)(pass->is_revert ? binding->replacement : binding->original);
}

struct interpose_binding *match_value(const struct pass *pass, const char *name, uintptr_t value)
{
    struct pass_cursor cursor = {0};
    struct interpose_binding *binding;

    while ((binding = next_concerned(pass, &cursor)) != NULL) {
        if (wanted_value(pass, binding) == value && strcmp(binding->symbol, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

struct interpose_binding *match_redirected(const struct pass *pass, const char *name,
                                           uintptr_t value)
{
    struct pass_cursor cursor = {0};
    struct interpose_binding *binding;

    while ((binding = next_concerned(pass, &cursor)) != NULL) {
        if ((uintptr_t)binding->replacement == value && strcmp(binding->symbol, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

/* True when a value in the object's own code may be a definition of the object's own. */
static bool may_be_own(const struct elf_view *view, const struct resolve_request *request,
                       uintptr_t value)
{
    struct elf_symbol own[OWN_DEFINITIONS_ROOM];
    size_t n_own =
        elf_view_find(view, request->name, request->name_hash, own, OWN_DEFINITIONS_ROOM);

    for (size_t i = 0; i < n_own; i++) {
        if (own[i].is_defined && (own[i].address == value || own[i].type == STT_GNU_IFUNC)) {
            return true;
        }
    }
    return false;
}

/*
 * What ld.so would bind an object's slot to when it was opened later. Its scope is not known: with
 * RTLD_DEEPBIND its own libraries come first. So only when there is one definition in all.
 */
static struct interpose_binding *match_unresolved_later(struct pass *pass,
                                                        const struct resolve_request *request)
{
    const struct object *provider;
    struct elf_symbol found;
    uintptr_t address;
    enum later_definers definers =
        objects_later_definers(request->name, request->name_hash, &address);
    bool is_at_start = resolve_in_scope(request, 0, &found, &provider);

    if (is_at_start && definers == LATER_NONE) {
        return match_value(pass, request->name, resolve_function(&provider->view, &found));
    }
    if (!is_at_start && definers == LATER_ONE) {
        return match_value(pass, request->name, address);
    }
    pass->is_ambiguous |= definers != LATER_NONE;
    return NULL;
}

struct interpose_binding *match_unresolved(struct pass *pass, const struct elf_view *view,
                                           const struct elf_symbol *symbol, uintptr_t value)
{
    struct resolve_request request = {
        .name = symbol->name, .name_hash = elf_name_hash(symbol->name), .is_for_call = true};
    const struct object *provider;
    struct elf_symbol found;

    if (!filter_may_have(&pass->names, request.name_hash) || symbol->visibility != STV_DEFAULT ||
        may_be_own(view, &request, value)) {
        return NULL;
    }
    request.version = elf_view_version(view, symbol->version, &request.is_exact);
    if (pass->is_later) {
        return match_unresolved_later(pass, &request);
    }
    if (view->is_symbolic && resolve_in_object(view, &request, &found)) {
        return match_value(pass, symbol->name, resolve_function(view, &found));
    }
    if (!resolve_in_scope(&request, 0, &found, &provider)) {
        return NULL;
    }
    return match_value(pass, symbol->name, resolve_function(&provider->view, &found));
}
