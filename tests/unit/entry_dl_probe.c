// SPDX-License-Identifier: MIT
/* A shared object that overrides dlsym and dlvsym as the shim does, and nothing else. */
#include "entry_dl_probe.h"

void probe_init(const struct entry_dl *dl)
{
    entry_init(dl);
}

int marker(void)
{
    return 2;
}
