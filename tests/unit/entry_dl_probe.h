// SPDX-License-Identifier: MIT
/* What the shared object with the exported dlsym and dlvsym offers to its test. */
#ifndef TESTS_ENTRY_DL_PROBE_H
#define TESTS_ENTRY_DL_PROBE_H

#include "entry/entry.h"

/* entry_init is hidden, as in the shim. */
void probe_init(const struct entry_dl *dl);

/* Defined in the program as well; this is the one that RTLD_NEXT gives to the program. */
int marker(void);

#endif
