// SPDX-License-Identifier: MIT
/*
 * A library whose functions have several names, set variables, and take handles; another one
 * defines one of the names otherwise. Both count how often their functions really ran.
 */
#ifndef NAMING_H
#define NAMING_H

#include <stddef.h>

extern long naming_n_calls, naming_n_other_calls;

/* One function: twice x. */
long naming_twice(long x);
long naming_double(long x);

#endif
