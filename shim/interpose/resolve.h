// SPDX-License-Identifier: MIT
/*
 * What ld.so would find for a name: the first definition in the global scope of the start, by its
 * rules for versions. Reads memory only; takes no lock, allocates nothing, never fails half-way.
 */
#ifndef INTERPOSE_RESOLVE_H
#define INTERPOSE_RESOLVE_H

#include "interpose/interpose.h"
#include "interpose/objects.h"

struct resolve_request {
    const char *name;
    uint32_t name_hash;  /* elf_name_hash(name) */
    const char *version; /* NULL: none is asked for */
    bool is_exact;       /* unversioned definitions in a versioned object will not do */
    bool is_from_dlsym;  /* without a version: the default one, never the oldest */
    bool is_for_call;    /* the executable's canonical PLT entry is no definition */
};

/* The definition that `view` has for the request. */
bool resolve_in_object(const struct elf_view *view, const struct resolve_request *request,
                       struct elf_symbol *ret_symbol);

/* The first one among the objects of the start from index first_object on. */
bool resolve_in_scope(const struct resolve_request *request, size_t first_object,
                      struct elf_symbol *ret_symbol, const struct object **ret_object);

/*
 * The definitions in one object, as interpose_find gives them. Calls the resolvers of IFUNCs, so
 * the object must be through with relocation.
 */
size_t resolve_definitions(const struct object *object, const char *symbol, uint32_t name_hash,
                           const char *version, struct interpose_definition *ret_definitions,
                           size_t n_room);

/* Whether there are any, without calling a resolver. */
bool resolve_has_definition(const struct object *object, const char *symbol, uint32_t name_hash,
                            const char *version);

/* library as interpose_find takes it. */
bool resolve_is_named(const struct object *object, const char *library);

/*
 * What a resolved slot holds for this symbol of `view`: for an IFUNC what its resolver chooses. 0
 * when the symbol is not a function in the object's executable memory.
 */
uintptr_t resolve_function(const struct elf_view *view, const struct elf_symbol *symbol);

#endif
