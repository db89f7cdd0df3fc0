// SPDX-License-Identifier: MIT
/* Two libraries that call counted_square, see caller.c: libcaller_a.so.1 and libcaller_b.so. */
#ifndef CALLER_H
#define CALLER_H

/* way: call, pointer, fixed, default, next, handle. */
long caller_a_reach(const char *way, long x);
long caller_b_reach(const char *way, long x);

/* Point to counted_square. */
extern long (*caller_a_offered)(long x);
extern long (*caller_b_offered)(long x);

#endif
