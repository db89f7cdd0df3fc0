// SPDX-License-Identifier: MIT
/*
 * The symbol table that linking leaves in a file unless it is stripped: there stand the functions
 * that the dynamic linker does not know. Reads files that nobody vouches for; every offset and size
 * is bounded.
 */
#ifndef CLI_SYMTAB_H
#define CLI_SYMTAB_H

#include <stddef.h>

enum symtab_found {
    SYMTAB_NOTHING,  /* none of that name */
    SYMTAB_STRIPPED, /* there is no such table, or it cannot be read */
    SYMTAB_STATIC,   /* a local function, whole or in parts: static, or hidden before linking */
    SYMTAB_HIDDEN,   /* one that is marked as hidden still */
    SYMTAB_INTERNAL, /* one for all of the object, which it does not export */
};

/*
 * Looks for functions of these n names in the file: ret_found[i] is what there is of names[i]. Of
 * several the last in the order above.
 */
void symtab_search(const char *path, const char *const *names, size_t n,
                   enum symtab_found *ret_found);

#endif
