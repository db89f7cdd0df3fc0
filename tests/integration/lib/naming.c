// SPDX-License-Identifier: MIT
/* See naming.h. With OTHER: the library that defines naming_double otherwise. */
#include "naming.h"

#ifdef OTHER

long naming_n_other_calls;

long naming_double(long x)
{
    naming_n_other_calls++;
    return 2 * x + 1;
}

#else

long naming_n_calls;

long naming_twice(long x)
{
    naming_n_calls++;
    return 2 * x;
}

long naming_double(long x) __attribute__((alias("naming_twice")));

#endif
