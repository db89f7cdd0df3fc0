// SPDX-License-Identifier: MIT
/*
 * Two functions that count their real calls and take as long as they are told. Calls within the
 * library are bound to itself, and so is what it says of their addresses.
 */
#ifndef WEIGHED_H
#define WEIGHED_H

long weighed_first(long x);  /* 3 * x */
long weighed_second(long x); /* 5 * x */

/* Steps of some nanoseconds that weighed_first takes from here on. */
void weighed_set_steps(long n_steps);

long weighed_count_first(void);

/* Where weighed_first really is. */
typedef long (*weighed_fn)(long x);
weighed_fn weighed_real_first(void);

#endif
