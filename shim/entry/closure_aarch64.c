// SPDX-License-Identifier: MIT
/*
 * The entry of ordinary closures, which takes the closure in x17. That of Go closures would do, but
 * takes it in x18, which belongs to the platform (a shadow call stack lives there), and libffi 3.4
 * does not sign its return address where the way out authenticates it. Both are hidden symbols of
 * the statically linked libffi. Which of two entries a signature needs, with or without vector
 * registers, libffi says by its choice for a Go closure.
 */
#include "entry/closure.h"

#include "entry/layout.h"
#include <stddef.h>

_Static_assert(ENTRY_CLOSURE_OFFSET == offsetof(ffi_closure, cif) &&
                   offsetof(struct entry_closure, handler) ==
                       offsetof(ffi_closure, fun) - ENTRY_CLOSURE_OFFSET &&
                   offsetof(struct entry_closure, user_data) ==
                       offsetof(ffi_closure, user_data) - ENTRY_CLOSURE_OFFSET,
               "libffi reads it as an ffi_closure");

extern char ffi_closure_SYSV[], ffi_closure_SYSV_V[], ffi_go_closure_SYSV_V[];

void *entry_closure_prepare(struct entry_closure *closure, ffi_cif *cif, entry_closure_fn handler)
{
    ffi_go_closure choice;

    if (ffi_prep_go_closure(&choice, cif, handler) != FFI_OK) {
        return NULL;
    }
    *closure = (struct entry_closure){.cif = cif, .handler = handler, .user_data = closure};
    return choice.tramp == ffi_go_closure_SYSV_V ? ffi_closure_SYSV_V : ffi_closure_SYSV;
}
