// SPDX-License-Identifier: MIT
/*
 * One call through the short way of a plan, whatever takes its arguments, and one through
 * call_handle, for tests that hold one against the other.
 */
#ifndef TESTS_CALL_SHORT_H
#define TESTS_CALL_SHORT_H

#include "quick_subject.h"

#define MAX_ARGUMENTS 14

struct argument {
    const void *value;
    size_t n_bytes;
};

typedef struct abi_both (*all_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                  double, double, double, double, double, double, double, double);

/* The plan in the first integer register that is free. */
static inline struct abi_both call_registers(struct call_plan *plan, struct abi_words *words)
{
    all_fn code = (all_fn)call_plan_quick(plan);
    uint64_t *i = words->integers;
    double v[8];

    memcpy(v, words->vectors, sizeof(v));
    i[call_plan_abi(plan)->n_integers] = (uintptr_t)plan;
    return code(i[0], i[1], i[2], i[3], i[4], i[5], v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
}

static bool steps_calls; /* SIGTRAP before each instruction of them; for call_steps.h */

static inline void call_step_by_step(bool begins)
{
#if defined(__x86_64__)
    const uint64_t trap_flag = 0x100;
    uint64_t flags = __builtin_ia32_readeflags_u64();

    if (begins) {
        __builtin_ia32_writeeflags_u64(flags | trap_flag);
    } else if ((flags & trap_flag) != 0) {
        __builtin_ia32_writeeflags_u64(flags & ~trap_flag);
    }
#endif
}

/* Registers as a caller leaves them: bytes that are of no argument are anything. */
static inline struct abi_both call_short(struct call_plan *plan, const struct argument *arguments)
{
    const struct abi_call *abi = call_plan_abi(plan);
    struct abi_words words;
    struct abi_both both;
    unsigned char *at = (unsigned char *)&words;

    for (size_t i = 0; i < sizeof(words); i += sizeof(uint64_t)) {
        uint64_t dirt = draw_bits(&random_state);

        memcpy(at + i, &dirt, sizeof(dirt));
    }
    for (uint32_t i = 0; i < abi->n_arguments; i++) {
        memcpy(at + abi->word_at[i], arguments[i].value, arguments[i].n_bytes);
    }
    call_step_by_step(steps_calls);
    both = call_plan_words(plan) != NULL ? call_plan_words(plan)(plan, &words)
                                         : call_registers(plan, &words);
    call_step_by_step(false);
    assert_int_equal(memoshim_guard, 0);
    return both;
}

static inline uint64_t handle(struct call_plan *plan, const struct argument *arguments)
{
    const struct abi_call *abi = call_plan_abi(plan);
    void *pointers[MAX_ARGUMENTS];
    uint64_t result = 0;

    for (uint32_t i = 0; i < abi->n_arguments; i++) {
        pointers[i] = (void *)arguments[i].value;
    }
    call_handle(plan, &result, pointers);
    return result;
}

#define ARGUMENT(value)         \
    {                           \
        &(value), sizeof(value) \
    }

static inline void expect_way(struct call_plan *plan, bool in_registers)
{
    assert_true((call_plan_quick(plan) != NULL) == in_registers);
    assert_true((call_plan_words(plan) != NULL) == !in_registers);
}

static inline void make_short_and_long(const char *types, const char *entry, void *function,
                                       bool in_registers, struct call_plan **ret_words,
                                       struct call_plan **ret_long)
{
    *ret_words = make_typed_plan(types, "f", entry, function);
    *ret_long = make_typed_plan(types, "f", entry, function);
    expect_way(*ret_words, in_registers);
}

/* Both ways give the same double, with or without the real function. */
static inline double call_both(struct call_plan *by_short, struct call_plan *longer,
                               const struct argument *arguments)
{
    int before = n_real, by_words;
    double seen = call_short(by_short, arguments).vector, wanted;
    uint64_t result;

    by_words = n_real - before;
    result = handle(longer, arguments);
    memcpy(&wanted, &result, sizeof(wanted));
    assert_int_equal(n_real - before - by_words, by_words);
    assert_memory_equal(&seen, &wanted, sizeof(seen));
    return seen;
}

#endif
