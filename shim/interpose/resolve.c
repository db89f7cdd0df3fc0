// SPDX-License-Identifier: MIT
/*
 * Look-up through the objects of the start, as ld.so does it, and interpose_find.
 *
 * The chosen implementation of an IFUNC is had by calling its resolver, exactly as ld.so does for
 * every slot that refers to it: so a resolver stands being called again. The other way, dlsym on a
 * handle from dlopen(path, RTLD_NOLOAD), computes the dependencies of a start-up library on its
 * first dlopen, which allocates from the program's malloc, and it cannot see a definition that is
 * not the default one of its object without dlvsym.
 */
#include "interpose/resolve.h"

#include "interpose/interpose.h"
#include <string.h>

/* Versions of one name in one object that are looked at. glibc 2.36 has at most four. */
enum {
    VERSIONS_ROOM = 16
};

static bool is_visible(const struct elf_symbol *symbol, bool is_for_call)
{
    return symbol->visibility != STV_HIDDEN && symbol->visibility != STV_INTERNAL &&
           (symbol->is_defined || !is_for_call);
}

bool resolve_in_object(const struct elf_view *view, const struct resolve_request *request,
                       struct elf_symbol *ret_symbol)
{
    /* Versions below this index answer an unversioned request at once, even if hidden: dlsym takes
     * only unversioned ones so, an old unversioned binary also the first version there was. */
    uint16_t first_passed_over = request->is_from_dlsym ? 2 : 3;
    struct elf_symbol found[VERSIONS_ROOM];
    size_t n_found = elf_view_find(view, request->name, request->name_hash, found, VERSIONS_ROOM);
    const struct elf_symbol *newest = NULL;

    for (size_t i = 0; i < n_found; i++) {
        bool is_exact_unused;
        const char *version;

        if (!is_visible(&found[i], request->is_for_call)) {
            continue;
        }
        if (view->versions == NULL) {
            *ret_symbol = found[i];
            return true;
        }
        if (request->version == NULL) {
            if (found[i].version < first_passed_over) {
                *ret_symbol = found[i];
                return true;
            }
            if (!found[i].is_hidden && newest == NULL) {
                newest = &found[i];
            }
            continue;
        }
        version = elf_view_version(view, found[i].version, &is_exact_unused);
        if (version != NULL ? strcmp(version, request->version) == 0
                            : !request->is_exact && !found[i].is_hidden) {
            *ret_symbol = found[i];
            return true;
        }
    }
    if (newest != NULL) {
        *ret_symbol = *newest;
    }
    return newest != NULL;
}

bool resolve_in_scope(const struct resolve_request *request, size_t first_object,
                      struct elf_symbol *ret_symbol, const struct object **ret_object)
{
    for (size_t i = first_object; i < interpose_known.n_objects; i++) {
        const struct object *object = &interpose_known.objects[i];

        if (object->role != OBJECT_OWN && object->role != OBJECT_VDSO &&
            resolve_in_object(&object->view, request, ret_symbol)) {
            *ret_object = object;
            return true;
        }
    }
    return false;
}

uintptr_t resolve_function(const struct elf_view *view, const struct elf_symbol *symbol)
{
    if (!symbol->is_defined || !elf_view_has(view, symbol->address, 1, PF_X)) {
        return 0;
    }
    switch (symbol->type) {
    case STT_GNU_IFUNC:
        return elf_machine_call_resolver(symbol->address);
    case STT_FUNC:
    case STT_NOTYPE: /* assembly without a .type */
        return symbol->address;
    default:
        return 0;
    }
}

bool resolve_is_named(const struct object *object, const char *library)
{
    const char *slash = strrchr(object->view.path, '/');

    return library == NULL || strcmp(object->library, library) == 0 ||
           strcmp(slash != NULL ? slash + 1 : object->view.path, library) == 0;
}

/* Adds a definition to those of the same object, unless its address is there already. */
static size_t add_definition(struct interpose_definition *definitions, size_t n_definitions,
                             const struct interpose_definition *added)
{
    for (size_t i = 0; i < n_definitions; i++) {
        if (definitions[i].address == added->address) {
            if (added->is_default) {
                definitions[i] = *added;
            }
            return n_definitions;
        }
    }
    definitions[n_definitions] = *added;
    return n_definitions + 1;
}

/* True, with its version, when the symbol may be what is asked for. */
static bool is_wanted(const struct elf_view *view, const struct elf_symbol *symbol,
                      const char *version, const char **ret_version)
{
    bool is_exact_unused;

    *ret_version = elf_view_version(view, symbol->version, &is_exact_unused);
    return is_visible(symbol, true) &&
           (version == NULL || (*ret_version != NULL && strcmp(*ret_version, version) == 0));
}

bool resolve_has_definition(const struct object *object, const char *symbol, uint32_t name_hash,
                            const char *version)
{
    struct elf_symbol found[VERSIONS_ROOM];
    size_t n_found = elf_view_find(&object->view, symbol, name_hash, found, VERSIONS_ROOM);
    const char *found_version;

    for (size_t i = 0; i < n_found; i++) {
        if (is_wanted(&object->view, &found[i], version, &found_version) &&
            (found[i].type == STT_FUNC || found[i].type == STT_GNU_IFUNC ||
             found[i].type == STT_NOTYPE) &&
            elf_view_has(&object->view, found[i].address, 1, PF_X)) {
            return true;
        }
    }
    return false;
}

size_t resolve_definitions(const struct object *object, const char *symbol, uint32_t name_hash,
                           const char *version, struct interpose_definition *ret_definitions,
                           size_t n_room)
{
    struct interpose_definition definitions[VERSIONS_ROOM];
    struct elf_symbol found[VERSIONS_ROOM];
    size_t n_found = elf_view_find(&object->view, symbol, name_hash, found, VERSIONS_ROOM);
    size_t n_definitions = 0;

    for (size_t i = 0; i < n_found; i++) {
        struct interpose_definition definition = {
            .library = object->library,
            .path = object->view.path,
            .is_default = !found[i].is_hidden,
            .is_vector_call = found[i].is_vector_call,
            .size_bytes = found[i].size_bytes,
        };

        if (is_wanted(&object->view, &found[i], version, &definition.version)) {
            definition.address = (void *)resolve_function(&object->view, &found[i]);
        }
        if (definition.address != NULL) {
            n_definitions = add_definition(definitions, n_definitions, &definition);
        }
    }
    for (size_t i = 0; i < n_definitions && i < n_room; i++) {
        ret_definitions[i] = definitions[i];
    }
    return n_definitions;
}

void *interpose_find_called(const char *symbol)
{
    struct resolve_request request = {
        .name = symbol,
        .name_hash = elf_name_hash(symbol),
        .is_from_dlsym = true,
        .is_for_call = true,
    };
    const struct object *object;
    struct elf_symbol found;

    return resolve_in_scope(&request, 0, &found, &object)
               ? (void *)resolve_function(&object->view, &found)
               : NULL;
}

size_t interpose_find(const char *symbol, const char *version, const char *library,
                      struct interpose_definition *ret_definitions, size_t n_room)
{
    uint32_t name_hash = elf_name_hash(symbol);
    size_t n_found = 0;

    for (size_t i = 0; i < interpose_known.n_objects; i++) {
        const struct object *object = &interpose_known.objects[i];
        size_t n_written = n_found < n_room ? n_found : n_room;
        size_t n_more;

        if (object->role != OBJECT_ORDINARY || !resolve_is_named(object, library)) {
            continue;
        }
        n_more = resolve_definitions(object, symbol, name_hash, version,
                                     n_room > 0 ? ret_definitions + n_written : NULL,
                                     n_room - n_written);
        for (size_t k = n_written; k < n_room && k < n_written + n_more; k++) {
            ret_definitions[k].is_startup = true;
        }
        n_found += n_more;
    }
    return n_found;
}
