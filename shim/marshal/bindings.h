// SPDX-License-Identifier: MIT
/*
 * What was found in the process for one function, which its plan cannot find itself: the program's
 * allocator, variables, accessors, and who must know of memory that a named function frees.
 */
#ifndef MARSHAL_BINDINGS_H
#define MARSHAL_BINDINGS_H

#include "config/config.h"
#include <stddef.h>

/*
 * Copied into the plan; all that it points to must outlive the plan. Whatever is NULL is not there:
 * a plan that needs it is refused with the reason.
 */
struct marshal_bindings {
    /*
     * The program's malloc and free, as its own calls reach them; both or neither. Only memory that
     * the program is to free comes from there; release is for blocks of a replay that failed
     * half-way. They may take locks of the program's: no lock of ours is held.
     */
    void *(*allocate)(size_t n_bytes);
    void (*release)(void *block);

    /* The address of each of function->globals, in their order. */
    void *const *globals;

    /* By parameter: the function that says in text what a handle is; NULL where there is none. */
    const char *(*const *accessors)(const void *handle);

    /*
     * The registry of blocks that a named function frees. hand_out: a block from allocate is about
     * to be given to the program, which frees it as lifetime (LIFETIME_FREED_BY) says; at its
     * beginning lie n_elements of what pointee describes (NULL: text), and pointers in them may
     * lead to further blocks. 0, or -errno: it cannot be kept, so the block must not be given.
     * forget: the block was not given after all and is released next; or the real function has just
     * handed out memory at this address. Both take locks of their own: none of ours is held. NULL:
     * there is no registry. Both or neither.
     */
    int (*hand_out)(void *context, const struct config_lifetime *lifetime,
                    const struct config_pointee *pointee, void *block, uint64_t n_elements);
    void (*forget)(void *context, void *block);
    void *context;
};

#endif
