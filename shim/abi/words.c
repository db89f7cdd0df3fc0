// SPDX-License-Identifier: MIT
/*
 * Calls whose arguments and result are integers, pointers, float and double in registers, without
 * libffi. On x86-64 System V such a function finds its arguments in the same registers whatever
 * else is loaded into the others, and its result is in rax or in xmm0: so one C type of function
 * calls them all, and a struct of an integer and a double, which comes back in just these two,
 * stands for every result. Smaller integers keep the upper bytes that their caller gave them:
 * compilers rely on more than the psABI promises.
 */
#include "abi/words.h"

#include "abi/place.h"

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

#if defined(__x86_64__)

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

/* What place_take says of one of these types, in bytes from the beginning of struct abi_words. */
static uint8_t word_at(struct abi_place place)
{
    const uint32_t vectors = offsetof(struct abi_registers, vectors);

    if (place.offset < vectors) {
        return (uint8_t)(offsetof(struct abi_words, integers) + place.offset);
    }
    return (uint8_t)(offsetof(struct abi_words, vectors) +
                     (place.offset - vectors) / 64 * sizeof(uint64_t));
}

void words_describe(const struct prototype *prototype, struct abi_call *call)
{
    struct place_taken taken = place_begin(prototype);
    enum word_kind kind = kind_of(prototype->result);
    struct abi_place place;

    call->is_typed = false;
    if (kind == WORD_OTHER || prototype->n_parameters > ABI_MAX_WORDS) {
        return;
    }
    call->result_kind = (uint8_t)kind;
    call->result_is_vector =
        prototype->result->kind == CTYPE_FLOAT || prototype->result->kind == CTYPE_DOUBLE;
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        kind = kind_of(prototype->parameters[i].type);
        if (kind == WORD_OTHER || kind == WORD_NOTHING ||
            place_take(&taken, prototype->parameters[i].type, &place) != 0 || place.is_on_stack) {
            return;
        }
        call->word_kinds[i] = (uint8_t)kind;
        call->word_at[i] = word_at(place);
    }
    call->n_integers = (uint8_t)taken.n_integers;
    call->n_vectors = (uint8_t)taken.n_vectors;
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

typedef struct abi_both (*all_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                  double, double, double, double, double, double, double, double);
typedef struct abi_both (*integers_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef struct abi_both (*few_fn)(uint64_t, uint64_t, double, double);

static double as_double(uint64_t word)
{
    double value;

    memcpy(&value, &word, sizeof(value));
    return value;
}

/* Loads no more registers than it must, in three steps. */
static struct abi_both call_function(const struct abi_call *call, void *function,
                                     const struct abi_words *words)
{
    const uint64_t *i = words->integers;
    double v[8];

    if (call->n_integers <= 2 && call->n_vectors <= 2) {
        return ((few_fn)function)(i[0], i[1], as_double(words->vectors[0]),
                                  as_double(words->vectors[1]));
    }
    if (call->n_vectors == 0) {
        return ((integers_fn)function)(i[0], i[1], i[2], i[3], i[4], i[5]);
    }
    memcpy(v, words->vectors, sizeof(v));
    return ((all_fn)function)(i[0], i[1], i[2], i[3], i[4], i[5], v[0], v[1], v[2], v[3], v[4],
                              v[5], v[6], v[7]);
}

void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments)
{
    struct abi_words words;
    struct abi_both both;
    uint64_t word;

    /* Registers that the function does not know of are loaded as well, with anything. */
    memset(&words, 0, sizeof(words));
    for (uint32_t i = 0; i < call->n_arguments; i++) {
        word = load(call->word_kinds[i], arguments[i]);
        memcpy((char *)&words + call->word_at[i], &word, sizeof(word));
    }
    both = call_function(call, function, &words);
    if (call->result_kind == WORD_NOTHING) {
        return;
    }
    if (call->result_is_vector) {
        memcpy(result, &both.vector, sizeof(both.vector));
    } else {
        word = load(call->result_kind, &both.integer);
        memcpy(result, &word, sizeof(word));
    }
}

#else

void words_describe(const struct prototype *prototype, struct abi_call *call)
{
    call->is_typed = false;
}

void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments)
{
    __builtin_unreachable();
}

#endif
