// SPDX-License-Identifier: MIT
/*
 * Calls without libffi. On x86-64 System V and under the AArch64 procedure call standard a function
 * finds its arguments in the same registers whatever else is loaded into the others, and at the
 * same places of the stack whatever stands behind them: so a few C types of functions call them
 * all, by how the result comes back. Smaller integers are widened to the whole register, which
 * AArch64 does not ask for and compilers for x86-64 rely on, although the psABI does not promise
 * it.
 */
#include "abi/words.h"

#include <string.h>

/* A value in memory as a word, widened as callers do it. */
static uint64_t load(enum word_kind kind, const void *value)
{
    uint64_t word = 0;

    switch (kind) {
    case WORD_SIGNED_1:
        return (uint64_t)(int64_t) * (const int8_t *)value;
    case WORD_SIGNED_2:
        return (uint64_t)(int64_t) * (const int16_t *)value;
    case WORD_SIGNED_4:
        return (uint64_t)(int64_t) * (const int32_t *)value;
    case WORD_UNSIGNED_1:
        return *(const uint8_t *)value;
    case WORD_UNSIGNED_2:
        return *(const uint16_t *)value;
    case WORD_UNSIGNED_4:
        return *(const uint32_t *)value;
    case WORD_FLOAT:
        memcpy(&word, value, sizeof(float));
        return word;
    default:
        memcpy(&word, value, sizeof(word));
        return word;
    }
}

static double as_double(uint64_t word)
{
    double value;

    memcpy(&value, &word, sizeof(value));
    return value;
}

#if ABI_N_INTEGERS == 6
#define INTEGER_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define INTEGERS      i[0], i[1], i[2], i[3], i[4], i[5]
#else
#define INTEGER_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define INTEGERS      i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]
#endif
#define VECTOR_TYPES double, double, double, double, double, double, double, double
#define VECTORS      v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]

/* What is passed behind all registers stands on the stack, from its beginning on. */
#define TYPES_4    uint64_t, uint64_t, uint64_t, uint64_t
#define STACK_4(n) s[n], s[(n) + 1], s[(n) + 2], s[(n) + 3]

/* Not inlined, for the room of the copy. */
#define DEFINE_CALL_WITH_STACK(name, type)                                                       \
    __attribute__((noinline)) static type name##_with_stack(                                     \
        const struct abi_call *call, void *function, const struct abi_words *words)              \
    {                                                                                            \
        const uint64_t *i = words->integers;                                                     \
        uint64_t s[ABI_MAX_STACK_WORDS] = {0};                                                   \
        double v[ABI_N_VECTORS];                                                                 \
                                                                                                 \
        memcpy(v, words->vectors, sizeof(v));                                                    \
        memcpy(s, (const char *)words + ABI_STACK_AT, sizeof(s[0]) * call->n_stack_words);       \
        if (call->n_stack_words <= 4) {                                                          \
            return ((type(*)(INTEGER_TYPES, VECTOR_TYPES, TYPES_4))function)(INTEGERS, VECTORS,  \
                                                                             STACK_4(0));        \
        }                                                                                        \
        return (                                                                                 \
            (type(*)(INTEGER_TYPES, VECTOR_TYPES, TYPES_4, TYPES_4, TYPES_4, TYPES_4))function)( \
            INTEGERS, VECTORS, STACK_4(0), STACK_4(4), STACK_4(8), STACK_4(12));                 \
    }

/* Loads no more registers than it must, in three steps. */
#define DEFINE_CALL(name, type)                                                                  \
    DEFINE_CALL_WITH_STACK(name, type)                                                           \
    static type name(const struct abi_call *call, void *function, const struct abi_words *words) \
    {                                                                                            \
        const uint64_t *i = words->integers;                                                     \
        double v[ABI_N_VECTORS];                                                                 \
                                                                                                 \
        if (call->n_stack_words > 0) {                                                           \
            return name##_with_stack(call, function, words);                                     \
        }                                                                                        \
        if (call->n_integers <= 2 && call->n_vectors <= 2) {                                     \
            return ((type(*)(uint64_t, uint64_t, double, double))function)(                      \
                i[0], i[1], as_double(words->vectors[0]), as_double(words->vectors[1]));         \
        }                                                                                        \
        if (call->n_vectors == 0) {                                                              \
            return ((type(*)(INTEGER_TYPES))function)(INTEGERS);                                 \
        }                                                                                        \
        memcpy(v, words->vectors, sizeof(v));                                                    \
        return ((type(*)(INTEGER_TYPES, VECTOR_TYPES))function)(INTEGERS, VECTORS);              \
    }

DEFINE_CALL(call_for_integer, uint64_t)
DEFINE_CALL(call_for_vector, double)
DEFINE_CALL(call_for_rax_rdx, struct abi_rax_rdx)
DEFINE_CALL(call_for_xmm0_xmm1, struct abi_xmm0_xmm1)
DEFINE_CALL(call_for_rax_xmm0, struct abi_both)
DEFINE_CALL(call_for_xmm0_rax, struct abi_xmm0_rax)
DEFINE_CALL(call_for_x87, long double)

uint64_t abi_call_words(const struct abi_call *call, void *function, const struct abi_words *words)
{
    double value;
    uint64_t word;

    if (!call->result_is_vector) {
        return call_for_integer(call, function, words);
    }
    value = call_for_vector(call, function, words);
    memcpy(&word, &value, sizeof(word));
    return word;
}

void abi_call_words_for(const struct abi_call *call, void *function, const struct abi_words *words,
                        uint64_t ret_value[2])
{
    struct abi_rax_rdx rax_rdx;
    struct abi_xmm0_xmm1 xmm0_xmm1;
    struct abi_both rax_xmm0;
    struct abi_xmm0_rax xmm0_rax;
    long double x87;

    switch ((enum abi_result)call->result) {
    case ABI_RESULT_RAX_RDX:
        rax_rdx = call_for_rax_rdx(call, function, words);
        memcpy(ret_value, &rax_rdx, sizeof(rax_rdx));
        break;
    case ABI_RESULT_XMM0_XMM1:
        xmm0_xmm1 = call_for_xmm0_xmm1(call, function, words);
        memcpy(ret_value, &xmm0_xmm1, sizeof(xmm0_xmm1));
        break;
    case ABI_RESULT_RAX_XMM0:
        rax_xmm0 = call_for_rax_xmm0(call, function, words);
        memcpy(ret_value, &rax_xmm0, sizeof(rax_xmm0));
        break;
    case ABI_RESULT_XMM0_RAX:
        xmm0_rax = call_for_xmm0_rax(call, function, words);
        memcpy(ret_value, &xmm0_rax, sizeof(xmm0_rax));
        break;
    case ABI_RESULT_X87:
        x87 = call_for_x87(call, function, words);
        memcpy(ret_value, &x87, sizeof(x87));
        break;
    case ABI_RESULT_WORD:
    case ABI_RESULT_MEMORY:
        ret_value[0] = abi_call_words(call, function, words);
        break;
    }
}

void abi_join_arguments(const struct abi_call *call, const struct abi_words *words,
                        struct abi_joined *room, void **arguments)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < call->n_arguments; i++) {
        if (call->sizes[i] > 8 && call->rest_at[i] != call->word_at[i] + 8) {
            memcpy(&room->words[n][0], (const char *)words + call->word_at[i], 8);
            memcpy(&room->words[n][1], (const char *)words + call->rest_at[i], 8);
            arguments[i] = room->words[n++];
        }
    }
}

/* An argument to where the function looks for it: in words or behind them. */
static void place_argument(const struct abi_call *call, uint32_t i, const void *value,
                           struct abi_words *words)
{
    uint32_t n_bytes = call->sizes[i], n_first = n_bytes < 8 ? n_bytes : 8;
    char *at = (char *)words + call->word_at[i];
    uint64_t word;

    if (call->word_kinds[i] != WORD_RECORD) {
        word = load(call->word_kinds[i], value);
        memcpy(at, &word, sizeof(word));
        return;
    }
    memcpy(at, value, n_first);
    if (n_bytes > 8) {
        memcpy((char *)words + call->rest_at[i], (const char *)value + 8, n_bytes - 8);
    }
}

/* Not inlined, for the room. */
__attribute__((noinline)) static void call_for_pair(const struct abi_call *call, void *function,
                                                    void *result, const struct abi_words *words)
{
    uint64_t value[2];

    abi_call_words_for(call, function, words, value);
    memcpy(result, value, call->result_bytes);
}

/* words: of nothing yet. */
static inline __attribute__((always_inline)) void call_with(const struct abi_call *call,
                                                            void *function, void *result,
                                                            void *const *arguments,
                                                            struct abi_words *words)
{
    uint64_t word;

    for (uint32_t i = 0; i < call->n_arguments; i++) {
        place_argument(call, i, arguments[i], words);
    }
    if (call->result == ABI_RESULT_MEMORY) {
        words->integers[0] = (uintptr_t)result;
    } else if (call->result != ABI_RESULT_WORD) {
        call_for_pair(call, function, result, words);
        return;
    }
    word = abi_call_words(call, function, words);
    if (call->result == ABI_RESULT_MEMORY || call->result_kind == WORD_NOTHING) {
        return;
    }
    if (call->result_kind == WORD_RECORD) {
        memcpy(result, &word, call->result_bytes);
    } else {
        word = load(call->result_kind, &word);
        memcpy(result, &word, sizeof(word));
    }
}

/* Not inlined, for the room. */
__attribute__((noinline)) static void call_with_stack(const struct abi_call *call, void *function,
                                                      void *result, void *const *arguments)
{
    struct abi_image image;

    memset(&image, 0, offsetof(struct abi_image, stack[call->n_stack_words]));
    call_with(call, function, result, arguments, &image.words);
}

void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments)
{
    struct abi_words words;

    if (call->n_stack_words > 0) {
        call_with_stack(call, function, result, arguments);
        return;
    }
    /* Registers that the function does not know of are loaded as well, with anything. */
    memset(&words, 0, sizeof(words));
    call_with(call, function, result, arguments, &words);
}
