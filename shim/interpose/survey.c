// SPDX-License-Identifier: MIT
/*
 * What `memoshim check` wants to know beyond what hooking itself needs: other names of the same
 * code, what else carries a name, how an object treats its own symbols. Reads memory only; may call
 * IFUNC resolvers, as resolve.c does.
 */
#include "interpose/interpose.h"

#include "interpose/bindings.h"
#include "interpose/resolve.h"
#include "interpose/slots.h"
#include <string.h>

enum {
    SYMBOLS_ROOM = 16
};

static enum interpose_role role_of(const struct object *object)
{
    static const enum interpose_role roles[] = {
        [OBJECT_ORDINARY] = INTERPOSE_ORDINARY,
        [OBJECT_OWN] = INTERPOSE_OWN,
        [OBJECT_LOADER] = INTERPOSE_LOADER,
        [OBJECT_VDSO] = INTERPOSE_VDSO,
    };

    return roles[object->role];
}

bool interpose_object_at(size_t i, struct interpose_object *ret_object)
{
    const struct object *object;

    if (i >= interpose_known.n_objects) {
        return false;
    }
    object = &interpose_known.objects[i];
    *ret_object = (struct interpose_object){object->library, object->view.path, role_of(object)};
    return true;
}

/* libc sets its `environ` when it begins: after the one constructor that is first, before others.
 */
bool interpose_is_late(void)
{
    struct resolve_request request = {.name = "environ", .name_hash = elf_name_hash("environ")};
    const struct object *object;
    struct elf_symbol symbol;

    return resolve_in_scope(&request, 0, &symbol, &object) &&
           elf_view_has(&object->view, symbol.address, sizeof(uintptr_t), PF_R) &&
           slots_read(symbol.address) != 0;
}

static bool is_code(const struct elf_symbol *symbol)
{
    return symbol->is_defined && (symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC ||
                                  symbol->type == STT_NOTYPE);
}

/* The symbol that the binding's original came from, and the object it stands in; NULL: later. */
static const struct object *find_symbol(const struct interpose_binding *binding,
                                        struct elf_symbol *ret_symbol)
{
    uint32_t name_hash = elf_name_hash(binding->symbol);
    const struct object *provider = NULL;

    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        const struct object *object = &interpose_known.objects[i];
        struct elf_symbol found[SYMBOLS_ROOM];
        size_t n_found =
            elf_view_find(&object->view, binding->symbol, name_hash, found, SYMBOLS_ROOM);

        for (size_t k = 0; object->role == OBJECT_ORDINARY && k < n_found; k++) {
            /* Of several versions with one address the default one, as resolve.c takes it. */
            if (is_code(&found[k]) && (provider == NULL || !found[k].is_hidden) &&
                resolve_function(&object->view, &found[k]) == (uintptr_t)binding->original) {
                *ret_symbol = found[k];
                provider = object;
            }
        }
        if (provider != NULL) {
            return provider;
        }
    }
    return NULL;
}

struct interpose_traits interpose_describe(const struct interpose_binding *binding)
{
    struct elf_symbol symbol;
    const struct object *provider = find_symbol(binding, &symbol);

    if (provider == NULL) {
        return (struct interpose_traits){0};
    }
    return (struct interpose_traits){
        .is_default = !symbol.is_hidden,
        .is_ifunc = symbol.type == STT_GNU_IFUNC,
        .is_protected = symbol.visibility == STV_PROTECTED,
        .is_symbolic = provider->view.is_symbolic,
    };
}

/* ---- aliases --------------------------------------------------------------------------------- */

/* True when the slot of this object leads, or will lead, to the original under the name. */
static bool leads_to(const struct elf_view *view, const struct elf_relocation *relocation,
                     const struct elf_symbol *symbol, const struct interpose_binding *binding)
{
    struct resolve_request request = {
        .name = symbol->name, .name_hash = elf_name_hash(symbol->name), .is_for_call = true};
    uintptr_t value = slots_read(relocation->slot);
    const struct object *provider;
    struct elf_symbol found;

    if (value == (uintptr_t)binding->original) {
        return true;
    }
    /* A PLT slot that is not bound yet leads into its own object. */
    if (relocation->kind != ELF_SLOT_JUMP || view->binds_now ||
        !elf_view_has(view, value, 1, PF_X)) {
        return false;
    }
    request.version = elf_view_version(view, symbol->version, &request.is_exact);
    return resolve_in_scope(&request, 0, &found, &provider) &&
           resolve_function(&provider->view, &found) == (uintptr_t)binding->original;
}

static void count_alias_slots(const struct elf_view *view, const struct interpose_binding *binding,
                              struct interpose_alias *aliases, size_t n_aliases)
{
    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < view->relocations[table].n_entries; i++) {
            struct elf_relocation relocation;
            struct elf_symbol symbol;

            if (!elf_view_relocation(view, table, i, &relocation) ||
                relocation.kind == ELF_SLOT_COPY ||
                !elf_view_symbol(view, relocation.symbol, &symbol)) {
                continue;
            }
            for (size_t k = 0; k < n_aliases; k++) {
                if (strcmp(aliases[k].name, symbol.name) == 0) {
                    aliases[k].n_slots += leads_to(view, &relocation, &symbol, binding);
                    break;
                }
            }
        }
    }
}

static bool is_listed(const struct interpose_alias *aliases, size_t n_aliases, const char *name)
{
    for (size_t i = 0; i < n_aliases; i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

size_t interpose_find_aliases(const struct interpose_binding *binding,
                              struct interpose_alias *ret_aliases, size_t n_room)
{
    struct elf_symbol own, other;
    const struct object *provider = find_symbol(binding, &own);
    size_t n_found = 0, n_symbols = 0;

    if (provider != NULL) {
        n_symbols = elf_view_count_symbols(&provider->view);
    }
    for (size_t i = 0; i < n_symbols; i++) {
        size_t n_listed = n_found < n_room ? n_found : n_room;

        if (!elf_view_symbol(&provider->view, i, &other) || other.address != own.address ||
            !is_code(&other) || other.binding == STB_LOCAL || other.visibility == STV_HIDDEN ||
            other.visibility == STV_INTERNAL || strcmp(other.name, binding->symbol) == 0 ||
            is_listed(ret_aliases, n_listed, other.name)) {
            continue;
        }
        if (n_found < n_room) {
            ret_aliases[n_found] = (struct interpose_alias){.name = other.name};
        }
        n_found++;
    }
    for (size_t i = 0; n_found > 0 && i < interpose_known.n_objects; i++) {
        if (interpose_known.objects[i].role == OBJECT_ORDINARY) {
            count_alias_slots(&interpose_known.objects[i].view, binding, ret_aliases,
                              n_found < n_room ? n_found : n_room);
        }
    }
    return n_found;
}

/* ---- namesakes ------------------------------------------------------------------------------- */

size_t interpose_find_namesakes(const char *symbol, struct interpose_namesake *ret_namesakes,
                                size_t n_room)
{
    uint32_t name_hash = elf_name_hash(symbol);
    size_t n_found = 0;

    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        const struct object *object = &interpose_known.objects[i];
        struct elf_symbol found[SYMBOLS_ROOM];
        size_t n = elf_view_find(&object->view, symbol, name_hash, found, SYMBOLS_ROOM);

        for (size_t k = 0; object->role != OBJECT_OWN && k < n; k++) {
            bool is_exact_unused;

            if (!found[k].is_defined) {
                continue;
            }
            if (n_found < n_room) {
                ret_namesakes[n_found] = (struct interpose_namesake){
                    .library = object->library,
                    .path = object->view.path,
                    .version = elf_view_version(&object->view, found[k].version, &is_exact_unused),
                    .role = role_of(object),
                    .is_function = is_code(&found[k]) &&
                                   elf_view_has(&object->view, found[k].address, 1, PF_X),
                    .is_hidden =
                        found[k].visibility == STV_HIDDEN || found[k].visibility == STV_INTERNAL,
                };
            }
            n_found++;
        }
    }
    return n_found;
}
