// SPDX-License-Identifier: MIT
/*
 * What the plan of a function is given of the process that it lives in. The allocator is the
 * program's: what its own calls of malloc and free lead to, be that a preloaded one, one of the
 * executable's, or libc's. It is looked for when a function hands out memory that the program is to
 * free, and not before.
 */
#include "process.h"

#include <errno.h>

typedef void (*release_fn)(void *block);

struct needs {
    bool allocator, freeing;
};

/* A config_visit_lifetime_fn. */
static int note_needs(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                      void *context)
{
    struct needs *needs = context;

    needs->allocator |= lifetime->kind == LIFETIME_CALLER;
    needs->freeing |= lifetime->kind == LIFETIME_FREED_BY;
    return 0;
}

static const char too_many_records[] = "more records than can be followed hang on its results";
static const char no_memory[] = "there is no memory for what it needs of the program";
static const char no_allocator[] = "the program's malloc and free, whose memory it hands out, are "
                                   "not found";

release_fn plan_bindings_release(void)
{
    return (release_fn)(uintptr_t)interpose_find_called("free");
}

/* By the function that a lifetime names: the blocks must be known, and that function hooked. */
static int bind_freeing(const struct config_function *function, struct marshal_bindings *bindings,
                        const char **ret_reason)
{
    *ret_reason = freeing_tie(function);
    if (*ret_reason != NULL) {
        return -ENOTSUP;
    }
    if (handed_out_init() != 0) {
        *ret_reason = no_memory;
        return -ENOMEM;
    }
    bindings->hand_out = handed_out_add;
    bindings->forget = handed_out_forget;
    return 0;
}

int plan_bindings_create(const struct config_function *function,
                         const struct marshal_bindings **ret_bindings, const char **ret_reason)
{
    struct marshal_bindings *bindings = arena_alloc(&process.arena, sizeof(*bindings));
    struct needs needs = {false, false};
    int error = config_each_lifetime(function, note_needs, &needs);

    if (bindings == NULL) {
        *ret_reason = no_memory;
        return -ENOMEM;
    }
    if (error < 0) {
        *ret_reason = too_many_records;
        return -ENOTSUP;
    }
    if (needs.allocator || needs.freeing) {
        bindings->allocate = (void *(*)(size_t))(uintptr_t)interpose_find_called("malloc");
        bindings->release = plan_bindings_release();
        if (bindings->allocate == NULL || bindings->release == NULL) {
            *ret_reason = no_allocator;
            return -ENOTSUP;
        }
    }
    if (needs.freeing) {
        error = bind_freeing(function, bindings, ret_reason);
    }
    *ret_bindings = bindings;
    return error;
}
