// SPDX-License-Identifier: MIT
/* The entry of Go closures, which is part of libffi's interface: the closure arrives in r10. */
#include "entry/closure.h"

void *entry_closure_prepare(struct entry_closure *closure, ffi_cif *cif, entry_closure_fn handler)
{
    return ffi_prep_go_closure(&closure->go, cif, handler) == FFI_OK ? closure->go.tramp : NULL;
}
