// SPDX-License-Identifier: MIT
/*
 * Which calls do without libffi, and where their arguments and results are: integers, pointers,
 * float and double in registers; on x86-64 System V also structs, unions and complex numbers by
 * their classes (place.c), long double, and what is on the stack. On AArch64 everything else goes
 * through libffi.
 */
#include "abi/words.h"
#include "abi/classes.h"
#include "abi/place.h"

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
    case CTYPE_LONG_DOUBLE:
    case CTYPE_COMPLEX_FLOAT:
    case CTYPE_COMPLEX_DOUBLE:
    case CTYPE_COMPLEX_LONG_DOUBLE:
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        return WORD_RECORD;
    default:
        return WORD_OTHER;
    }
}

static bool is_float(const struct ctype *type)
{
    return type->kind == CTYPE_FLOAT || type->kind == CTYPE_DOUBLE;
}

static uint8_t integer_at(uint32_t number)
{
    return (uint8_t)offsetof(struct abi_words, integers[number]);
}

static uint8_t vector_at(uint32_t number)
{
    return (uint8_t)offsetof(struct abi_words, vectors[number]);
}

#if defined(__x86_64__)

_Static_assert(ABI_N_INTEGERS == PLACE_N_INTEGERS && ABI_N_VECTORS == PLACE_N_VECTORS, "the same");
_Static_assert(ABI_STACK_AT + 8 * (ABI_MAX_STACK_WORDS - 1) <= UINT8_MAX, "word_at");

/* By the classes of a result's halves, less CLASS_INTEGER. */
static const enum abi_result of_two[2][2] = {
    {ABI_RESULT_RAX_RDX, ABI_RESULT_RAX_XMM0},
    {ABI_RESULT_XMM0_RAX, ABI_RESULT_XMM0_XMM1},
};

static bool describe_record_result(const struct ctype *type, struct abi_call *call)
{
    enum abi_class classes[CLASSES_MAX];

    classes_of(type, classes);
    switch (classes[0]) {
    case CLASS_MEMORY:
        call->result = ABI_RESULT_MEMORY;
        return true;
    case CLASS_X87:
        call->result = ABI_RESULT_X87;
        return true;
    case CLASS_INTEGER:
    case CLASS_SSE:
        break;
    default:
        return false;
    }
    call->result_is_vector = classes[0] == CLASS_SSE;
    if (type->size_bytes <= 8) {
        call->result = ABI_RESULT_WORD;
        return true;
    }
    if (classes[1] != CLASS_INTEGER && classes[1] != CLASS_SSE) {
        return false;
    }
    call->result = of_two[classes[0] == CLASS_SSE][classes[1] == CLASS_SSE];
    return true;
}

static bool describe_result(const struct ctype *type, struct abi_call *call)
{
    call->result = ABI_RESULT_WORD;
    call->result_is_vector = is_float(type) || type->kind == CTYPE_COMPLEX_FLOAT;
    switch (type->kind) {
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        return describe_record_result(type, call);
    case CTYPE_COMPLEX_DOUBLE:
        call->result = ABI_RESULT_XMM0_XMM1;
        return true;
    case CTYPE_LONG_DOUBLE:
        call->result = ABI_RESULT_X87;
        return true;
    case CTYPE_COMPLEX_LONG_DOUBLE: /* in st(0) and st(1) */
        return false;
    default:
        return true;
    }
}

static uint8_t register_at(const struct place_found *found, uint32_t k)
{
    return found->registers[k].is_vector ? vector_at(found->registers[k].number)
                                         : integer_at(found->registers[k].number);
}

/* False: it lies where no entry looks. */
static bool describe_place(const struct place_found *found, uint32_t i, struct abi_call *call)
{
    uint32_t n_bytes = call->sizes[i], n_words = (found->stack_at + n_bytes + 7) / 8;

    if (found->is_on_stack) {
        if (n_words > ABI_MAX_STACK_WORDS) {
            return false;
        }
        call->word_at[i] = (uint8_t)(ABI_STACK_AT + found->stack_at);
        call->rest_at[i] = (uint8_t)(call->word_at[i] + 8);
        call->n_stack_words = (uint8_t)n_words;
        call->is_scalar = false;
        return true;
    }
    call->word_at[i] = register_at(found, 0);
    if (n_bytes > 8) {
        call->rest_at[i] = register_at(found, 1);
        call->is_apart = call->is_apart || call->rest_at[i] != call->word_at[i] + 8;
    }
    return true;
}

static bool describe_arguments(const struct prototype *prototype, struct abi_call *call)
{
    struct place_taken taken = place_begin(prototype);
    struct place_found found;

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (place_take(&taken, prototype->parameters[i].type, &found) != 0 ||
            !describe_place(&found, i, call)) {
            return false;
        }
    }
    call->n_integers = (uint8_t)taken.n_integers;
    call->n_vectors = (uint8_t)taken.n_vectors;
    return true;
}

#else

static bool describe_result(const struct ctype *type, struct abi_call *call)
{
    call->result = ABI_RESULT_WORD;
    call->result_is_vector = is_float(type);
    return kind_of(type) != WORD_RECORD;
}

static bool describe_arguments(const struct prototype *prototype, struct abi_call *call)
{
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        if (kind_of(type) == WORD_RECORD) {
            return false;
        }
        call->word_at[i] =
            is_float(type) ? vector_at(call->n_vectors++) : integer_at(call->n_integers++);
        if (call->n_vectors > ABI_N_VECTORS || call->n_integers > ABI_N_INTEGERS) {
            return false;
        }
    }
    return true;
}

#endif

void words_describe(const struct prototype *prototype, struct abi_call *call)
{
    enum word_kind kind = kind_of(prototype->result);

    if (kind == WORD_OTHER || prototype->n_parameters > ABI_MAX_WORDS) {
        return;
    }
    call->result_kind = (uint8_t)kind;
    call->result_bytes = (uint8_t)prototype->result->size_bytes; /* if it is not in memory */
    call->is_scalar = kind != WORD_RECORD;
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        kind = kind_of(type);
        if (kind == WORD_OTHER || kind == WORD_NOTHING ||
            type->size_bytes > 8 * ABI_MAX_STACK_WORDS) {
            return;
        }
        call->word_kinds[i] = (uint8_t)kind;
        call->sizes[i] = (uint8_t)type->size_bytes;
        call->is_scalar = call->is_scalar && kind != WORD_RECORD;
    }
    call->is_typed =
        describe_result(prototype->result, call) && describe_arguments(prototype, call);
    call->is_scalar = call->is_scalar && call->is_typed;
}
