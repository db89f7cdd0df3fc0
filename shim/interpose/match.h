// SPDX-License-Identifier: MIT
/*
 * Which binding a slot belongs to. A slot belongs to one when its relocation names the symbol and
 * it holds the original, or when it is a PLT slot that still leads into its own object's PLT and
 * would be bound to the original. Identity is by value, so equal names in different objects never
 * mix; values that lead to the executable's canonical PLT entry are nobody's: calls through them
 * arrive at the executable's own slot.
 *
 * All of it is under the patch lock.
 */
#ifndef INTERPOSE_MATCH_H
#define INTERPOSE_MATCH_H

#include "interpose/patch.h"

/* The bindings of a pass, one after the other. */
struct pass_cursor {
    size_t i;
    struct bindings_cursor all;
};

struct interpose_binding *match_next_binding(const struct pass *pass, struct pass_cursor *cursor);

/* The binding of this name whose slots hold value before the pass, or NULL. */
struct interpose_binding *match_value(const struct pass *pass, const char *name, uintptr_t value);

/* The binding that a slot leads to already: ld.so bound it to an exported name. */
struct interpose_binding *match_redirected(const struct pass *pass, const char *name,
                                           uintptr_t value);

/*
 * For a PLT slot of view that leads into its own object: the binding that ld.so would bind it to.
 * Sets is_ambiguous of the pass when nobody can know.
 */
struct interpose_binding *match_unresolved(struct pass *pass, const struct elf_view *view,
                                           const struct elf_symbol *symbol, uintptr_t value);

#endif
