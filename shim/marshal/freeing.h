// SPDX-License-Identifier: MIT
/*
 * Memory of replays that a function of the program's libraries frees, such as freeaddrinfo: which
 * blocks of it are out, and what that function does with one of them.
 *
 * Blocks are known one by one, by their addresses, for the program may take a list apart, join it
 * with another one or free its end alone. All memory of such a list comes from the program's malloc
 * in blocks as the real function makes them; so where a call of the freeing function goes past the
 * shim, a real one that uses free does the same.
 */
#ifndef MARSHAL_FREEING_H
#define MARSHAL_FREEING_H

#include "config/config.h"
#include <stdbool.h>
#include <stdint.h>

/* ---- handed_out.c: the blocks that are out --------------------------------------------------- */

/* Makes room for blocks, once. 0 or -ENOMEM. By whoever makes plans. */
int handed_out_init(void);

/*
 * The hand_out and forget of struct marshal_bindings; context is not used. -ENOSPC: there are too
 * many. Neither takes a lock. Whatever was known of a block at this address is forgotten: its
 * memory was freed by a way that was not seen, or malloc would not have given it again.
 */
int handed_out_add(void *context, const struct config_lifetime *lifetime,
                   const struct config_pointee *pointee, void *block, uint64_t n_elements);
void handed_out_forget(void *context, void *block);

/* How many are out; a moment ago. */
uint64_t handed_out_count(void);

/* ---- release.c: what becomes of them --------------------------------------------------------- */

/* A definition of a function that frees, while it is called. */
struct freeing_call {
    const char *symbol;           /* as lifetimes name it */
    void (*release)(void *block); /* the program's free */
    /* The real function with block in the place of what it was called with: a block that is not
     * ours. Runs code of the program. */
    void (*give_to_real)(void *context, void *block);
    void *context;
    /* How blocks of this function are described, if all of them are alike: then ours are found
     * behind such of the real function, too. NULL: they are not. */
    const struct config_pointee *pointee;
};

/*
 * Frees block, if it is one of ours, as its description says: with it go the memory of its own that
 * has the lifetime `caller`, and whatever the fields that this function frees lead to now, be that
 * ours or the real function's. False: it is not ours, so it is for the caller to give to the real
 * function; blocks of ours behind it have been taken out of it and freed.
 */
bool freeing_release(const struct freeing_call *call, void *block);

/*
 * Whether all that hangs on blocks of this description can be found again when they are freed:
 * counts must not hang on arguments, which are not there any more.
 */
bool freeing_can_follow(const struct config_pointee *pointee);

#endif
