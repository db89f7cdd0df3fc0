// SPDX-License-Identifier: MIT
/*
 * A library that nobody has loaded at start, built several times: pending_step is STEP of the
 * counting library's functions. pending_own calls it as anybody else would, and is what its
 * constructor leaves for those who do without dlsym.
 */
#include "counted.h"

#include <stdio.h>
#include <stdlib.h>

long pending_step(long x);
long pending_own(long x);

long pending_step(long x)
{
    return STEP(x);
}

long pending_own(long x)
{
    return pending_step(x);
}

__attribute__((constructor)) static void construct(void)
{
    char text[32];

    snprintf(text, sizeof(text), "%p", (void *)pending_own);
    setenv("PLUGIN_HOOK", text, 1);
}
