// SPDX-License-Identifier: MIT
/* Stands for the shim: the object whose slots are never redirected. */
#include "anchor.h"

#include "target.h"

int anchor_call(int x)
{
    return target_called(x);
}

const void *anchor_address(void)
{
    static const char here;

    return &here;
}
