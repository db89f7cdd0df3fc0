// SPDX-License-Identifier: MIT
/* The functions that lifetimes name as those that free: what freeing.c knows of each. */
#ifndef SHIM_FREEING_H
#define SHIM_FREEING_H

#include "abi/abi.h"
#include "config/config.h"
#include <stdbool.h>
#include <stddef.h>

/* Written at the start, but for the problem. */
struct freeing_name {
    const char *symbol;
    struct prototype prototype;
    uint32_t at;                     /* the parameter that takes the pointer */
    bool is_indirect;                /* it takes the address of the pointer */
    const struct config_pointee *as; /* how its blocks are described, if they are all alike */
    bool are_alike;
    const struct abi_call *abi;
    const char *problem;                   /* why what it frees must not be handed out, or NULL */
    const char *unknown, *unused, *unseen; /* sentences: nobody defines it, or calls it; not all
                                              calls are seen */
};

/*
 * Those of all functions that are memoized, each once, in the arena. 0 or -ENOMEM. By the
 * constructor.
 */
int freeing_collect_names(struct freeing_name **ret_names, size_t *ret_n_names);

/* NULL when there are too many. */
struct freeing_name *freeing_find_name(const char *symbol);

#endif
