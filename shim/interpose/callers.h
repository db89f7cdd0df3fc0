// SPDX-License-Identifier: MIT
/*
 * Whose calls a binding is for. A caller is an object: the one that has the slot, or the one that
 * asks dlsym. It is called by its soname, by the basename of its path, and the executable also by
 * the basename that it was started by and that of its file.
 */
#ifndef INTERPOSE_CALLERS_H
#define INTERPOSE_CALLERS_H

#include "interpose/elf_view.h"
#include "interpose/interpose.h"

/* The names of one object, borrowed from the loader; NULL where there are fewer. */
struct caller_names {
    const char *names[3];
};

/* Learns the name of the executable's file. Before the first binding with callers is active. */
void callers_init(void);

struct caller_names callers_names_of(const struct elf_view *view);

/* True when the binding is for calls of this object: of every object if it has no patterns. */
bool callers_have(const struct interpose_binding *binding, const struct caller_names *names);

/* The same for the object that contains the address; false when no object does. */
bool callers_have_address(const struct interpose_binding *binding, const void *address);

/* Notes in the binding which of its patterns the object matches. Under the patch lock. */
void callers_note_locked(struct interpose_binding *binding, const struct caller_names *names);

#endif
