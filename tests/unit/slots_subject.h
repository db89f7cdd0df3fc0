// SPDX-License-Identifier: MIT
/*
 * What the tests of redirected slots work on: libtarget's functions, a replacement for each that
 * counts, and the callers, of which the program itself is one, named "executable".
 */
#ifndef TESTS_SLOTS_SUBJECT_H
#define TESTS_SLOTS_SUBJECT_H

#include "interpose/anchor.h"
#include "interpose/caller.h"
#include "interpose/interpose.h"
#include "interpose/objects.h"
#include <errno.h>
#include <string.h>

static const struct caller *const callers[] = {
#define CALLER(name) &caller_##name,
    CALLERS
#undef CALLER
};
enum {
    N_CALLERS = sizeof(callers) / sizeof(callers[0])
};

static struct interpose_binding bindings[N_TARGETS];
static unsigned replaced[N_TARGETS];

#define TARGET(name)                                                       \
    static int replace_##name(int x)                                       \
    {                                                                      \
        __atomic_fetch_add(&replaced[TARGET_##name], 1, __ATOMIC_RELAXED); \
        return ((int (*)(int))bindings[TARGET_##name].original)(x);        \
    }
TARGET_FUNCTIONS
#undef TARGET

static void fill_bindings(void)
{
    static const struct {
        const char *symbol;
        int (*replacement)(int x);
    } targets[N_TARGETS] = {
#define TARGET(name) {"target_" #name, replace_##name},
        TARGET_FUNCTIONS
#undef TARGET
    };

    for (size_t i = 0; i < N_TARGETS; i++) {
        struct interpose_definition definition;

        assert_int_equal(interpose_find(targets[i].symbol, NULL, NULL, &definition, 1), 1);
        bindings[i] = (struct interpose_binding){.symbol = targets[i].symbol,
                                                 .original = definition.address,
                                                 .replacement = (void *)targets[i].replacement};
    }
}

/* How often one path calls its target, see caller.c. */
static unsigned calls_of(size_t target)
{
    return target == TARGET_taken || target == TARGET_copied ? 2 : 1;
}

/* An unaligned slot stays as it is, unless it holds the executable's canonical PLT entry. */
static bool is_out_of_reach(const struct caller *caller, size_t target)
{
    int (*held)(int x);

    memcpy(&held, (const void *)caller->packed, sizeof(held));
    return target == TARGET_packed && (void *)held == bindings[TARGET_packed].original;
}

/* Every path of every caller arrives exactly so often, by way of the replacement or not. */
static void expect_calls(const bool is_redirected[N_TARGETS])
{
    for (size_t i = 0; i < N_CALLERS; i++) {
        for (size_t target = 0; target < N_TARGETS; target++) {
            unsigned real_before = target_calls[target];
            unsigned replaced_before = replaced[target];
            bool is_seen = is_redirected[target] && !is_out_of_reach(callers[i], target);

            assert_int_equal(callers[i]->calls[target](5), 5 + (int)target);
            assert_int_equal(target_calls[target] - real_before, calls_of(target));
            if (replaced[target] - replaced_before != (is_seen ? calls_of(target) : 0)) {
                fail_msg("%s, target %zu: %u calls redirected", callers[i]->name, target,
                         replaced[target] - replaced_before);
            }
        }
    }
}

static void expect_all(bool is_redirected)
{
    bool all[N_TARGETS];

    for (size_t i = 0; i < N_TARGETS; i++) {
        all[i] = is_redirected;
    }
    expect_calls(all);
}

static unsigned n_slots(const struct interpose_binding *binding)
{
    return binding->n_jump_slots + binding->n_got_slots + binding->n_pointers;
}

static int open_all(void **state)
{
    for (size_t target = 0; target < N_TARGETS; target++) {
        caller_used.calls[target](1); /* its lazy slots are bound from now on */
    }
    assert_int_equal(interpose_init_as(anchor_address()), 0);
    assert_int_equal(interpose_init_as(anchor_address()), -EALREADY);
    fill_bindings();
    return 0;
}

#endif
