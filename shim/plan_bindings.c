// SPDX-License-Identifier: MIT
/*
 * What the plan of a function is given of the process that it lives in. The allocator is the
 * program's: what its own calls of malloc and free lead to, be that a preloaded one, one of the
 * executable's, or libc's. It is looked for when a function hands out memory that the program is to
 * free, and not before.
 */
#include "process.h"

#include <errno.h>

static int is_freed_by_program(const struct config_lifetime *lifetime,
                               const struct config_pointee *pointee, void *context)
{
    return lifetime->kind == LIFETIME_CALLER || lifetime->kind == LIFETIME_FREED_BY;
}

static const char too_many_records[] = "more records than can be followed hang on its results";
static const char no_allocator[] = "the program's malloc and free, whose memory it hands out, are "
                                   "not found";

int plan_bindings_create(const struct config_function *function,
                         const struct marshal_bindings **ret_bindings, const char **ret_reason)
{
    struct marshal_bindings *bindings = arena_alloc(&process.arena, sizeof(*bindings));
    int needs_allocator = config_each_lifetime(function, is_freed_by_program, NULL);

    if (bindings == NULL) {
        *ret_reason = "there is no memory for what it needs of the program";
        return -ENOMEM;
    }
    if (needs_allocator < 0) {
        *ret_reason = too_many_records;
        return -ENOTSUP;
    }
    if (needs_allocator) {
        bindings->allocate = (void *(*)(size_t))(uintptr_t)interpose_find_called("malloc");
        bindings->release = (void (*)(void *))(uintptr_t)interpose_find_called("free");
        if (bindings->allocate == NULL || bindings->release == NULL) {
            *ret_reason = no_allocator;
            return -ENOTSUP;
        }
    }
    *ret_bindings = bindings;
    return 0;
}
