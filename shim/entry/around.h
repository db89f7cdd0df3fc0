// SPDX-License-Identifier: MIT
/* Calls that are seen before and after and have not returned yet. */
#ifndef ENTRY_AROUND_H
#define ENTRY_AROUND_H

#include "entry/entry.h"
#include "entry/layout.h"
#include <stdatomic.h>
#include <stdbool.h>

/*
 * One such call. While it is under way its address is in rbx, which every function preserves: so
 * the code that it returns to, and whoever unwinds through it, find the true return address.
 */
struct around_call {
    _Atomic uint64_t word; /* 0: free; else where the return address lies on the stack, a number in
                              the upper 16 bits that differs from use to use, and AROUND_BUSY */
    void *return_address;
    uint64_t rbx; /* the caller's */
    void *context;
    uint64_t spare[4];
    unsigned char note[ENTRY_NOTE_BYTES];
};

/* Being set up or taken down: what lies on the stack says nothing about it. */
#define AROUND_BUSY 1

/* False where it cannot be done: then nothing else here is called. */
bool around_init(void);

/*
 * A place for the call whose return address lies in *slot; it is busy until the assembly has
 * replaced that address. NULL: there is none, or a shadow stack would not have it.
 */
struct around_call *around_call_take(void **slot);
void around_call_release(struct around_call *call);

#endif
