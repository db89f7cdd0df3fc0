// SPDX-License-Identifier: MIT
/*
 * C++ names as their authors wrote them. By libiberty, which allocates nothing on the way taken
 * here; but it wants stack, up to some 400 bytes for each byte of the name (pointers to pointers to
 * ...): at start, or in a command, not in a signal handler.
 */
#ifndef BASE_DEMANGLE_H
#define BASE_DEMANGLE_H

#include <stddef.h>

#define DEMANGLE_MAX_NAME  1024         /* bytes of a symbol; longer ones are left as they are */
#define DEMANGLE_MAX_STACK (512 * 1024) /* bytes that the worst of them take */

/*
 * "_ZN3geo4distEd" as "geo::dist(double)" in room, cut where it would need more than n_room bytes
 * with the NUL. NULL when symbol is no such name.
 */
const char *demangle(const char *symbol, char *room, size_t n_room);

#endif
