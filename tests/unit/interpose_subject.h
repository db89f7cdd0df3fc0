// SPDX-License-Identifier: MIT
/*
 * What the interpose tests share: five bindings of the functions of target.h and twin.h, and the
 * functions that stand in their place.
 */
#ifndef TESTS_INTERPOSE_SUBJECT_H
#define TESTS_INTERPOSE_SUBJECT_H

#include "interpose/anchor.h"
#include "interpose/interpose.h"
#include "interpose/resolve.h"
#include "interpose/target.h"
#include "interpose/twin.h"
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

/* One replacement will do for all: only addresses are compared. */
static int replacement_a(int x)
{
    return x + 1;
}
static int replacement_b(int x)
{
    return x + 2;
}
static int replacement_old(int x)
{
    return x + 3;
}
static int replacement_new(int x)
{
    return x + 4;
}
static int replacement_called(int x)
{
    return x + 5;
}

static struct interpose_binding bindings[5];
enum {
    TWIN_OF_A,
    TWIN_OF_B,
    VERSION_1,
    VERSION_2,
    CALLED
};

static inline void *open_loaded(const char *name)
{
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);

    assert_non_null(handle);
    return handle;
}

static inline void *original_of(const char *symbol, const char *version, const char *library)
{
    struct interpose_definition definition;

    assert_int_equal(interpose_find(symbol, version, library, &definition, 1), 1);
    return definition.address;
}

static inline struct interpose_binding binding_of(const char *symbol, void *original,
                                                  void *replacement)
{
    return (struct interpose_binding){
        .symbol = symbol, .original = original, .replacement = replacement};
}

/* The libraries are used, so that they are loaded at start, in this order. */
static inline int open_all(void **state)
{
    assert_int_equal(twin_a_call(1), 1 + TWIN_A);
    assert_int_equal(twin_b_call(1), 1 + TWIN_A);
    assert_true(pow(2, atof("3")) == 8);
    assert_int_equal(interpose_init_as(anchor_address()), 0);
    interpose_find_loader_lock();
    return 0;
}

static inline void apply_all(void)
{
    bindings[TWIN_OF_A] =
        binding_of("twin", original_of("twin", NULL, "libtwin_a.so"), (void *)replacement_a);
    bindings[TWIN_OF_B] =
        binding_of("twin", original_of("twin", NULL, "libtwin_b.so"), (void *)replacement_b);
    bindings[VERSION_1] =
        binding_of("target_versioned", original_of("target_versioned", "TARGET_1", NULL),
                   (void *)replacement_old);
    bindings[VERSION_2] =
        binding_of("target_versioned", original_of("target_versioned", "TARGET_2", NULL),
                   (void *)replacement_new);
    bindings[CALLED] = binding_of("target_called", original_of("target_called", NULL, NULL),
                                  (void *)replacement_called);
    assert_int_equal(interpose_apply(bindings, 5), 0);
}

#endif
