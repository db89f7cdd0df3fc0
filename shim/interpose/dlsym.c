// SPDX-License-Identifier: MIT
/*
 * Decides what the exported dlsym and dlvsym answer. Runs for every such call of the program, so a
 * name that no binding has costs one hash and one load. Takes no lock of ours and allocates nothing
 * of its own. Whatever is not known for certain is left to the real function, which the caller then
 * jumps to with the program's own frame.
 */
#include "interpose/bindings.h"

#include "interpose/callers.h"
#include "interpose/resolve.h"
#include <dlfcn.h>
#include <string.h>

/* With a handle the caller does not matter, so the real function may be called from here. */
static void *ask_real(void *handle, const char *symbol, const char *version)
{
    if (version == NULL) {
        return ((void *(*)(void *, const char *))interpose_known.real_dlsym)(handle, symbol);
    }
    return ((void *(*)(void *, const char *, const char *))interpose_known.real_dlvsym)(
        handle, symbol, version);
}

static bool swap(const char *symbol, uintptr_t original, const void *caller, void **ret_address)
{
    const struct interpose_binding *binding = bindings_find(symbol, original);

    if (binding == NULL || !callers_have_address(binding, caller)) {
        return false;
    }
    *ret_address = binding->replacement;
    return true;
}

static bool swap_found(const struct resolve_request *request, const struct object *provider,
                       const struct elf_symbol *found, const void *caller, void **ret_address)
{
    if (!swap(request->name, resolve_function(&provider->view, found), caller, ret_address)) {
        return false;
    }
    dlerror(); /* as every dlsym that finds something: an older error is gone */
    return true;
}

/*
 * RTLD_DEFAULT for an object that came later, or is linked with -Bsymbolic: its scope is not known,
 * its own libraries may come first (RTLD_DEEPBIND). But every scope has all objects of the global
 * one, so a definition that is the only one, and in that, is found in any order.
 */
static bool answer_from_any_scope(const struct resolve_request *request, const void *caller,
                                  void **ret_address)
{
    const struct object *provider, *other;
    struct elf_symbol found, unused;
    uintptr_t unused_address;
    enum later_definers definers;

    if (!objects_may_be_walked()) {
        return false;
    }
    definers = objects_later_definers(request->name, request->name_hash, &unused_address);
    if (!resolve_in_scope(request, 0, &found, &provider)) {
        return definers == LATER_ONE &&
               swap(request->name,
                    (uintptr_t)ask_real(RTLD_DEFAULT, request->name, request->version), caller,
                    ret_address);
    }
    return definers == LATER_NONE &&
           !resolve_in_scope(request, (size_t)(provider - interpose_known.objects) + 1, &unused,
                             &other) &&
           swap_found(request, provider, &found, caller, ret_address);
}

/*
 * RTLD_DEFAULT: the whole global scope, which begins with the objects of the start; RTLD_NEXT: what
 * comes after the caller in it, which is known for callers that were there at start.
 */
static bool answer_by_scope(void *handle, const char *symbol, uint32_t name_hash,
                            const char *version, const void *caller, void **ret_address)
{
    struct resolve_request request = {.name = symbol,
                                      .name_hash = name_hash,
                                      .version = version,
                                      .is_exact = version != NULL,
                                      .is_from_dlsym = true};
    const struct object *from = objects_containing(caller);
    const struct object *provider;
    struct elf_symbol found;

    if (from != NULL && from->role != OBJECT_ORDINARY) {
        return false;
    }
    if (from == NULL || (handle == RTLD_DEFAULT && from->view.is_symbolic)) {
        return handle == RTLD_DEFAULT && answer_from_any_scope(&request, caller, ret_address);
    }
    if (!resolve_in_scope(&request,
                          handle == RTLD_NEXT ? (size_t)(from - interpose_known.objects) + 1 : 0,
                          &found, &provider)) {
        /* Behind the objects of the start come later ones, for all callers of the start alike. */
        return handle == RTLD_DEFAULT &&
               swap(symbol, (uintptr_t)ask_real(handle, symbol, version), caller, ret_address);
    }
    return swap_found(&request, provider, &found, caller, ret_address);
}

bool interpose_answer_dlsym(void *handle, const char *symbol, const char *version,
                            const void *caller, void **ret_address)
{
    uint32_t name_hash;
    void *address;

    if (symbol == NULL) {
        return false;
    }
    name_hash = elf_name_hash(symbol);
    if (!bindings_may_have(name_hash)) {
        return false;
    }
    if (handle == RTLD_DEFAULT || handle == RTLD_NEXT) {
        return answer_by_scope(handle, symbol, name_hash, version, caller, ret_address);
    }
    /* Answered here even without a swap: asking again would only repeat the same dlerror. */
    address = ask_real(handle, symbol, version);
    if (!swap(symbol, (uintptr_t)address, caller, ret_address)) {
        *ret_address = address;
    }
    return true;
}
