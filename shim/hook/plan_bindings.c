// SPDX-License-Identifier: MIT
/*
 * What the plan of a function is given of the process that it lives in. The allocator is the
 * program's: what its own calls of malloc and free lead to, be that a preloaded one, one of the
 * executable's, or libc's. It is looked for when a function hands out memory that the program is to
 * free, and not before. Variables are the program's own, accessors those of the library that the
 * function is in.
 */
#include "process.h"

#include <errno.h>
#include <string.h>

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

/* ---- variables ------------------------------------------------------------------------------- */

/* So much of it is written, as far as that is known; 0: it is not. */
static uint64_t bytes_of(const struct config_global *global)
{
    const struct config_count *count = &global->description.count;
    uint64_t n_elements = 1;

    if (count->n_steps > 1 || (count->n_steps == 1 && count->steps[0].kind != COUNT_NUMBER)) {
        return 0;
    }
    if (count->n_steps == 1) {
        n_elements = (uint64_t)count->steps[0].number;
    }
    return n_elements > UINT32_MAX ? UINT64_MAX : n_elements * global->description.element_size;
}

static const char *find_global(const struct config_global *global,
                               const struct named_definition *named, void **ret_address)
{
    struct interpose_variable variable;
    const char *problem = interpose_find_variable(global->name, named->arrival, &variable);

    if (problem == NULL && variable.size_bytes != 0 && bytes_of(global) > variable.size_bytes) {
        problem = "is smaller than it is described";
    }
    if (problem != NULL) {
        return hook_compose("its variable ", global->name, " ", problem);
    }
    *ret_address = variable.address;
    return NULL;
}

/* NULL, or why one of them cannot be had. */
static const char *bind_globals(const struct config_function *function,
                                const struct named_definition *named,
                                struct marshal_bindings *bindings)
{
    void **globals = arena_alloc(&process.arena, (function->n_globals + 1) * sizeof(globals[0]));
    const char *problem = globals != NULL ? NULL : no_memory;

    for (uint32_t i = 0; i < function->n_globals && problem == NULL; i++) {
        problem = find_global(&function->globals[i], named, &globals[i]);
    }
    bindings->globals = globals;
    return problem;
}

/* ---- accessors ------------------------------------------------------------------------------- */

typedef const char *(*accessor_fn)(const void *handle);

/* As the library that has the function would find it in itself, or else as anybody would. */
static accessor_fn find_accessor(const char *symbol, const struct named_definition *named)
{
    struct interpose_definition found[MAX_DEFINITIONS];
    const struct interpose_wish wish = {.symbol = symbol};
    size_t n_found = named->arrival != NULL
                         ? interpose_find_in_arrival(named->arrival, &wish, found, MAX_DEFINITIONS)
                         : interpose_find(symbol, NULL, NULL, found, MAX_DEFINITIONS);

    for (size_t i = 0; i < n_found && i < MAX_DEFINITIONS; i++) {
        if (strcmp(found[i].path, named->definition.path) == 0 && found[i].is_default) {
            return (accessor_fn)(uintptr_t)found[i].address;
        }
    }
    return (accessor_fn)(uintptr_t)interpose_find_called(symbol);
}

/* Of one parameter; *ret_problem: its alternatives have several, of which a plan takes one. */
static const char *accessor_name(const struct config_description *description,
                                 const char **ret_problem)
{
    const char *name = description->kind == DESCRIBE_VIA ? description->accessor : NULL;

    for (uint32_t i = 0; i < description->n_alternatives; i++) {
        const char *other = accessor_name(&description->alternatives[i], ret_problem);

        if (name != NULL && other != NULL && strcmp(name, other) != 0) {
            *ret_problem = "the alternatives of one parameter have different accessors";
        }
        name = name != NULL ? name : other;
    }
    return name;
}

static const char *bind_accessors(const struct config_function *function,
                                  const struct named_definition *named,
                                  struct marshal_bindings *bindings)
{
    uint32_t n_parameters = function->prototype.n_parameters;
    accessor_fn *accessors = arena_alloc(&process.arena, (n_parameters + 1) * sizeof(accessors[0]));
    const char *problem = accessors != NULL ? NULL : no_memory;

    for (uint32_t i = 0; problem == NULL && i < n_parameters; i++) {
        const char *name = accessor_name(&function->parameters[i], &problem);

        accessors[i] = name != NULL ? find_accessor(name, named) : NULL;
        if (name != NULL && accessors[i] == NULL) {
            return hook_compose("the accessor ", name, " is not found", "");
        }
    }
    bindings->accessors = accessors;
    return problem;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int plan_bindings_create(const struct config_function *function,
                         const struct named_definition *named,
                         const struct marshal_bindings **ret_bindings, const char **ret_reason)
{
    struct marshal_bindings *bindings = arena_alloc(&process.arena, sizeof(*bindings));
    const char *problem;
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
    problem = bind_globals(function, named, bindings);
    if (problem == NULL) {
        problem = bind_accessors(function, named, bindings);
    }
    if (problem != NULL) {
        *ret_reason = problem;
        return -ENOTSUP;
    }
    if (needs.freeing) {
        error = bind_freeing(function, bindings, ret_reason);
    }
    *ret_bindings = bindings;
    return error;
}
