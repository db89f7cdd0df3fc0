// SPDX-License-Identifier: MIT
/*
 * errno of the thread that runs now. Compilers take it that a function stays in its thread, and ask
 * for the place of errno once; but a real function may be one in which a coroutine gives way, and
 * goes on in another thread. Nobody can tell then what it did to errno, and what others did.
 */
#ifndef BASE_ERRNO_HERE_H
#define BASE_ERRNO_HERE_H

/* libc's own, without its promise to give the same each time. */
int *errno_here(void) __asm__("__errno_location");

#endif
