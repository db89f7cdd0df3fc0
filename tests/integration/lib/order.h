// SPDX-License-Identifier: MIT
/* The library half of order.c. */
#ifndef ORDER_H
#define ORDER_H

/* Calls counted_square(x) and notes its result under the name of a stage. */
void order_note(const char *stage, long x);

/* What was noted so far. */
const char *order_log(void);

#endif
