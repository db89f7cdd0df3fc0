// SPDX-License-Identifier: MIT
/*
 * A library that nobody has loaded at start, built several times: pending_step is STEP of the
 * counting library's functions. pending_own calls it as anybody else would.
 */
#include "counted.h"

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
