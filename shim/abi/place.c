// SPDX-License-Identifier: MIT
/*
 * Where an argument travels, for those who look at a call without taking part in it. x86-64 System
 * V (psABI 3.2.3): integers and pointers in six registers, floating point in eight, whatever finds
 * no register, and long double always, on the stack in steps of eight bytes. Structs and unions
 * travel by their classes (classes.c), in registers whole or not at all.
 */
#include "abi/place.h"

#include "abi/classes.h"

#include <errno.h>
#include <stddef.h>

static struct abi_place take_stack(struct place_taken *taken, uint32_t n_bytes, uint32_t alignment)
{
    struct abi_place place = {.is_on_stack = true};

    taken->n_stack_bytes = (taken->n_stack_bytes + alignment - 1) / alignment * alignment;
    place.offset = taken->n_stack_bytes;
    taken->n_stack_bytes += (n_bytes + 7) / 8 * 8;
    return place;
}

static struct abi_place take_integer(struct place_taken *taken)
{
    if (taken->n_integers == PLACE_N_INTEGERS) {
        return take_stack(taken, 8, 8);
    }
    return (struct abi_place){.offset = (uint32_t)offsetof(struct abi_registers, integers) +
                                        8 * taken->n_integers++};
}

static struct abi_place take_vectors(struct place_taken *taken, uint32_t n, uint32_t n_bytes)
{
    struct abi_place place = {.offset = (uint32_t)offsetof(struct abi_registers, vectors) +
                                        64 * taken->n_vectors};

    if (taken->n_vectors + n > PLACE_N_VECTORS) {
        return take_stack(taken, n_bytes, 8);
    }
    taken->n_vectors += n;
    return place;
}

static struct abi_place take_record(struct place_taken *taken, const struct ctype *type)
{
    enum abi_class classes[CLASSES_MAX];
    uint32_t n_integers, n_vectors;

    classes_of(type, classes);
    n_integers = (classes[0] == CLASS_INTEGER) + (classes[1] == CLASS_INTEGER);
    n_vectors = (classes[0] == CLASS_SSE) + (classes[1] == CLASS_SSE);
    if (n_integers + n_vectors == 0 || taken->n_integers + n_integers > PLACE_N_INTEGERS ||
        taken->n_vectors + n_vectors > PLACE_N_VECTORS) {
        return take_stack(taken, type->size_bytes,
                          type->alignment_bytes > 8 ? type->alignment_bytes : 8);
    }
    taken->n_integers += n_integers;
    if (n_vectors > 0) {
        return take_vectors(taken, n_vectors, type->size_bytes);
    }
    return (struct abi_place){.offset = (uint32_t)offsetof(struct abi_registers, integers) +
                                        8 * (taken->n_integers - n_integers)};
}

int place_take(struct place_taken *taken, const struct ctype *type, struct abi_place *ret_place)
{
    switch (type->kind) {
    case CTYPE_BOOL:
    case CTYPE_SIGNED:
    case CTYPE_UNSIGNED:
    case CTYPE_POINTER:
        *ret_place = take_integer(taken);
        return 0;
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
    case CTYPE_COMPLEX_FLOAT:
        *ret_place = take_vectors(taken, 1, 8);
        return 0;
    case CTYPE_COMPLEX_DOUBLE:
        *ret_place = take_vectors(taken, 2, 16);
        return 0;
    case CTYPE_LONG_DOUBLE:
    case CTYPE_COMPLEX_LONG_DOUBLE:
        *ret_place = take_stack(taken, type->size_bytes, 16);
        return 0;
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        *ret_place = take_record(taken, type);
        return 0;
    default:
        return -ENOTSUP;
    }
}

struct place_taken place_begin(const struct prototype *prototype)
{
    const struct ctype *result = prototype->result;
    enum abi_class classes[CLASSES_MAX];

    if (result->kind != CTYPE_STRUCT && result->kind != CTYPE_UNION) {
        return (struct place_taken){0};
    }
    classes_of(result, classes);
    return (struct place_taken){.n_integers = classes[0] == CLASS_MEMORY};
}

int abi_find_argument(const struct prototype *prototype, uint32_t parameter,
                      struct abi_place *ret_place)
{
    struct place_taken taken = place_begin(prototype);
    int error = 0;

#if !defined(__x86_64__)
    return -ENOTSUP;
#endif
    if (prototype->result->kind == CTYPE_OPAQUE) {
        return -ENOTSUP;
    }
    for (uint32_t i = 0; i <= parameter && error == 0; i++) {
        error = place_take(&taken, prototype->parameters[i].type, ret_place);
    }
    return error;
}
