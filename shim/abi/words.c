// SPDX-License-Identifier: MIT
/*
 * Calls whose arguments and result are integers, pointers, float and double in registers, without
 * libffi. On x86-64 System V and under the AArch64 procedure call standard such a function finds
 * its arguments in the same registers whatever else is loaded into the others: so a few C types of
 * functions call them all, by what kind of register the result comes back in. Smaller integers are
 * widened to the whole register, which AArch64 does not ask for and compilers for x86-64 rely on,
 * although the psABI does not promise it.
 */
#include "abi/words.h"

#include <string.h>

/* What is in a word. */
enum word_kind {
    WORD_NOTHING,
    WORD_WHOLE, /* eight bytes that are taken as they are */
    WORD_FLOAT,
    WORD_SIGNED_1,
    WORD_SIGNED_2,
    WORD_SIGNED_4,
    WORD_UNSIGNED_1,
    WORD_UNSIGNED_2,
    WORD_UNSIGNED_4,
    WORD_OTHER, /* does not travel in a word */
};

static enum word_kind integer_kind(bool is_signed, uint32_t size_bytes)
{
    switch (size_bytes) {
    case 1:
        return is_signed ? WORD_SIGNED_1 : WORD_UNSIGNED_1;
    case 2:
        return is_signed ? WORD_SIGNED_2 : WORD_UNSIGNED_2;
    case 4:
        return is_signed ? WORD_SIGNED_4 : WORD_UNSIGNED_4;
    case 8:
        return WORD_WHOLE;
    default:
        return WORD_OTHER;
    }
}

static enum word_kind kind_of(const struct ctype *type)
{
    switch (type->kind) {
    case CTYPE_VOID:
        return WORD_NOTHING;
    case CTYPE_BOOL:
    case CTYPE_UNSIGNED:
        return integer_kind(false, type->size_bytes);
    case CTYPE_SIGNED:
        return integer_kind(true, type->size_bytes);
    case CTYPE_POINTER:
    case CTYPE_DOUBLE:
        return WORD_WHOLE;
    case CTYPE_FLOAT:
        return WORD_FLOAT;
    default:
        return WORD_OTHER;
    }
}

static bool is_float(const struct ctype *type)
{
    return type->kind == CTYPE_FLOAT || type->kind == CTYPE_DOUBLE;
}

/* The next register for this type, in bytes from the beginning of struct abi_words. */
static bool take_word(struct abi_call *call, const struct ctype *type, uint8_t *ret_at)
{
    if (is_float(type)) {
        *ret_at = (uint8_t)offsetof(struct abi_words, vectors[call->n_vectors]);
        return call->n_vectors++ < ABI_N_VECTORS;
    }
    *ret_at = (uint8_t)offsetof(struct abi_words, integers[call->n_integers]);
    return call->n_integers++ < ABI_N_INTEGERS;
}

void words_describe(const struct prototype *prototype, struct abi_call *call)
{
    enum word_kind kind = kind_of(prototype->result);

    call->is_typed = false;
    call->n_integers = call->n_vectors = 0;
    if (kind == WORD_OTHER || prototype->n_parameters > ABI_MAX_WORDS) {
        return;
    }
    call->result_kind = (uint8_t)kind;
    call->result_is_vector = is_float(prototype->result);
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        kind = kind_of(prototype->parameters[i].type);
        if (kind == WORD_OTHER || kind == WORD_NOTHING ||
            !take_word(call, prototype->parameters[i].type, &call->word_at[i])) {
            return;
        }
        call->word_kinds[i] = (uint8_t)kind;
    }
    call->is_typed = true;
}

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

/* Loads no more registers than it must, in three steps. */
#define DEFINE_CALL(name, type)                                                                  \
    static type name(const struct abi_call *call, void *function, const struct abi_words *words) \
    {                                                                                            \
        const uint64_t *i = words->integers;                                                     \
        double v[ABI_N_VECTORS];                                                                 \
                                                                                                 \
        if (call->n_integers <= 2 && call->n_vectors <= 2) {                                     \
            return ((type(*)(uint64_t, uint64_t, double, double))function)(                      \
                i[0], i[1], as_double(words->vectors[0]), as_double(words->vectors[1]));         \
        }                                                                                        \
        if (call->n_vectors == 0) {                                                              \
            return ((type(*)(INTEGER_TYPES))function)(INTEGERS);                                 \
        }                                                                                        \
        memcpy(v, words->vectors, sizeof(v));                                                    \
        return ((type(*)(INTEGER_TYPES, double, double, double, double, double, double, double,  \
                         double))function)(INTEGERS, v[0], v[1], v[2], v[3], v[4], v[5], v[6],   \
                                           v[7]);                                                \
    }

DEFINE_CALL(call_for_integer, uint64_t)
DEFINE_CALL(call_for_vector, double)

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

void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments)
{
    struct abi_words words;
    uint64_t word;

    /* Registers that the function does not know of are loaded as well, with anything. */
    memset(&words, 0, sizeof(words));
    for (uint32_t i = 0; i < call->n_arguments; i++) {
        word = load(call->word_kinds[i], arguments[i]);
        memcpy((char *)&words + call->word_at[i], &word, sizeof(word));
    }
    if (call->result_is_vector) {
        double value = call_for_vector(call, function, &words);

        memcpy(result, &value, sizeof(value));
        return;
    }
    word = call_for_integer(call, function, &words);
    if (call->result_kind != WORD_NOTHING) {
        word = load(call->result_kind, &word);
        memcpy(result, &word, sizeof(word));
    }
}
