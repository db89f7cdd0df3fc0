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

/* Says in naming_sign, naming_words and naming_thread what it did. */
extern int naming_sign;
extern const char *naming_words[2];
extern const int naming_constant;
extern __thread int naming_thread;
long naming_absolute(long x);

/* Handles: what they are is what naming_unit_name says. */
struct naming_unit;
struct naming_unit *naming_open_unit(const char *name);
void naming_close_unit(struct naming_unit *unit);
const char *naming_unit_name(const struct naming_unit *unit);
long naming_convert(const struct naming_unit *unit, long x);

#endif
