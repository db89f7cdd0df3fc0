// SPDX-License-Identifier: MIT
/* A library that cannot be without another one: found.c's, or one that nobody has. */

long found(long x);
long needing(long x);

long needing(long x)
{
    return found(x) + 1;
}
