// SPDX-License-Identifier: MIT
/*
 * The shim's own dynamic symbols, renamed in memory. The dynamic linker reads symbol tables from
 * memory at each look-up, and the shim stands second in the global scope: a placeholder that
 * carries a hooked name and the address of its thunk makes ld.so itself bind later objects to the
 * thunk, their constructors and static pointers included, without any hook on dlopen.
 */
#ifndef INTERPOSE_DYNSLOTS_H
#define INTERPOSE_DYNSLOTS_H

#include "interpose/interpose.h"

/*
 * Gives placeholders to those bindings whose original is what every look-up of the name in the
 * global scope finds today, and sets their is_exported. The caller holds the patch lock; only the
 * first call does anything. Without room, or when the shim's tables are not as they must be,
 * nothing is changed and dynslots_problem says why.
 */
void dynslots_export_locked(struct interpose_binding *bindings, size_t n_bindings);

/* Makes the symbol of an exported binding lead to its replacement, or to its original. */
void dynslots_switch_locked(const struct interpose_binding *binding, bool is_active);

/* After fork: closes pages that the lock's holder in the parent had opened. */
void dynslots_after_fork(void);

#endif
