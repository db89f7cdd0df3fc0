// SPDX-License-Identifier: MIT
/* The library that the tests declare to be the shim. */
#ifndef TESTS_INTERPOSE_ANCHOR_H
#define TESTS_INTERPOSE_ANCHOR_H

/* A call of target_called that must always arrive at the real function. */
int anchor_call(int x);

/* An address in this library: &anchor_call may be the program's canonical PLT entry. */
const void *anchor_address(void);

#endif
