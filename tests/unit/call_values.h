// SPDX-License-Identifier: MIT
/*
 * Calls by the short way of functions whose arguments and results are values of any type that
 * travels without libffi: structs, complex numbers, long double.
 */
#ifndef TESTS_CALL_VALUES_H
#define TESTS_CALL_VALUES_H

#include "call_short.h"

#include "abi/abi.h"
#include "call/call_private.h"

static inline uint64_t mix(uint64_t sum, const void *bytes, size_t n_bytes)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < n_bytes; i++) {
        sum = (sum ^ at[i]) * 0x9e3779b97f4a7c15;
        sum ^= sum >> 29;
    }
    return sum;
}

#define MIX(sum, value) mix(sum, &(value), sizeof(value))

/* The arguments of a call. */
struct taken {
    _Alignas(16) unsigned char bytes[8][32];
};

#define RETURNED(type) ((type(*)(struct call_plan *, struct abi_words *))code)(plan, words)

/* The result's value, as the code of a plan leaves it. */
static inline void call_code(struct call_plan *plan, struct abi_words *words, void *ret_value)
{
    void (*code)(void) = (void (*)(void))call_plan_words(plan);
    const struct abi_call *abi = call_plan_abi(plan);
    struct abi_rax_rdx rax_rdx;
    struct abi_xmm0_xmm1 xmm0_xmm1;
    struct abi_both both;
    struct abi_xmm0_rax xmm0_rax;
    long double x87;

    switch ((enum abi_result)abi->result) {
    case ABI_RESULT_WORD:
        both = code != NULL ? RETURNED(struct abi_both) : call_registers(plan, words);
        memcpy(ret_value, abi->result_is_vector ? (void *)&both.vector : (void *)&both.integer, 8);
        break;
    case ABI_RESULT_RAX_RDX:
        rax_rdx = RETURNED(struct abi_rax_rdx);
        memcpy(ret_value, &rax_rdx, sizeof(rax_rdx));
        break;
    case ABI_RESULT_XMM0_XMM1:
        xmm0_xmm1 = RETURNED(struct abi_xmm0_xmm1);
        memcpy(ret_value, &xmm0_xmm1, sizeof(xmm0_xmm1));
        break;
    case ABI_RESULT_RAX_XMM0:
        both = RETURNED(struct abi_both);
        memcpy(ret_value, &both, sizeof(both));
        break;
    case ABI_RESULT_XMM0_RAX:
        xmm0_rax = RETURNED(struct abi_xmm0_rax);
        memcpy(ret_value, &xmm0_rax, sizeof(xmm0_rax));
        break;
    case ABI_RESULT_X87:
        x87 = RETURNED(long double);
        memcpy(ret_value, &x87, sizeof(x87));
        break;
    case ABI_RESULT_MEMORY:
        fail();
    }
}

/* What is of no argument is anything. */
static inline void call_by_short(struct call_plan *plan, const struct taken *taken, void *ret_value)
{
    const struct prototype *prototype = &plan->function->prototype;
    const struct abi_call *abi = call_plan_abi(plan);
    struct abi_image image;

    for (size_t i = 0; i < sizeof(image); i++) {
        ((unsigned char *)&image)[i] = (unsigned char)draw(256);
    }
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        for (uint32_t at = 0; at < prototype->parameters[i].type->size_bytes; at += 8) {
            uint32_t n = prototype->parameters[i].type->size_bytes - at;

            memcpy((char *)&image + abi_word_of(abi, i, at), taken->bytes[i] + at, n < 8 ? n : 8);
        }
    }
    call_step_by_step(steps_calls);
    call_code(plan, &image.words, ret_value);
    call_step_by_step(false);
    assert_int_equal(memoshim_guard, 0);
}

#endif
