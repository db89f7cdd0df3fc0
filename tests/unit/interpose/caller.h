// SPDX-License-Identifier: MIT
/*
 * One caller: an object that reaches libtarget's functions in every way. caller.c is built once for
 * each way of compiling and linking; the build passes their names as CALLERS to who is linked to
 * them.
 */
#ifndef TESTS_INTERPOSE_CALLER_H
#define TESTS_INTERPOSE_CALLER_H

#include "target.h"

struct caller {
    const char *name;
    int (*calls[N_TARGETS])(int x); /* a call of each target as the program writes it */
    int (*const *packed)(int x);    /* the unaligned slot */
    int (*call_old_version)(int x); /* target_versioned@TARGET_1 */
    int (*call_new_version)(int x); /* target_versioned@@TARGET_2 */
};

#ifdef CALLERS
#define CALLER(name) extern const struct caller caller_##name;
CALLERS
#undef CALLER
#endif

#endif
