// SPDX-License-Identifier: MIT
/*
 * What libffi's closure entry finds in the register in which a thunk hands it over. libffi would
 * write executable memory for it; here the thunks take the place of that. One file for each
 * processor: closure_<cpu>.c.
 */
#ifndef ENTRY_CLOSURE_H
#define ENTRY_CLOSURE_H

#include <ffi.h>

#if defined(__aarch64__)
/* The part of an ffi_closure that stands behind the room for generated code. */
struct entry_closure {
    ffi_cif *cif;
    void (*handler)(ffi_cif *cif, void *result, void **arguments, void *closure);
    void *user_data; /* the closure itself */
};
#else
struct entry_closure {
    ffi_go_closure go;
};
#endif

typedef void (*entry_closure_fn)(ffi_cif *cif, void *result, void **arguments, void *closure);

/*
 * Fills in the closure, of which handler gets the address. Returns the code that a thunk is to jump
 * to, or NULL when libffi refuses.
 */
void *entry_closure_prepare(struct entry_closure *closure, ffi_cif *cif, entry_closure_fn handler);

#endif
