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

static void take_stack(struct place_taken *taken, uint32_t n_bytes, uint32_t alignment,
                       struct place_found *ret_found)
{
    taken->n_stack_bytes = (taken->n_stack_bytes + alignment - 1) / alignment * alignment;
    ret_found->is_on_stack = true;
    ret_found->stack_at = taken->n_stack_bytes;
    taken->n_stack_bytes += (n_bytes + 7) / 8 * 8;
}

/* Of registers as many as there are classes of them, or none at all. */
static void take_classes(struct place_taken *taken, const enum abi_class classes[CLASSES_MAX],
                         const struct ctype *type, struct place_found *ret_found)
{
    uint32_t n_integers = (classes[0] == CLASS_INTEGER) + (classes[1] == CLASS_INTEGER);
    uint32_t n_vectors = (classes[0] == CLASS_SSE) + (classes[1] == CLASS_SSE);

    if (n_integers + n_vectors == 0 || taken->n_integers + n_integers > PLACE_N_INTEGERS ||
        taken->n_vectors + n_vectors > PLACE_N_VECTORS) {
        take_stack(taken, type->size_bytes, type->alignment_bytes > 8 ? type->alignment_bytes : 8,
                   ret_found);
        return;
    }
    for (uint32_t k = 0; k < n_integers + n_vectors; k++) {
        ret_found->registers[k].is_vector = classes[k] == CLASS_SSE;
        ret_found->registers[k].number =
            classes[k] == CLASS_SSE ? taken->n_vectors++ : taken->n_integers++;
    }
}

int place_take(struct place_taken *taken, const struct ctype *type, struct place_found *ret_found)
{
    enum abi_class classes[CLASSES_MAX] = {CLASS_NONE, CLASS_NONE};

    *ret_found = (struct place_found){0};
    switch (type->kind) {
    case CTYPE_BOOL:
    case CTYPE_SIGNED:
    case CTYPE_UNSIGNED:
    case CTYPE_POINTER:
        classes[0] = CLASS_INTEGER;
        break;
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
    case CTYPE_COMPLEX_FLOAT:
        classes[0] = CLASS_SSE;
        break;
    case CTYPE_COMPLEX_DOUBLE:
        classes[0] = classes[1] = CLASS_SSE;
        break;
    case CTYPE_LONG_DOUBLE:
    case CTYPE_COMPLEX_LONG_DOUBLE:
        take_stack(taken, type->size_bytes, 16, ret_found);
        return 0;
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        classes_of(type, classes);
        break;
    default:
        return -ENOTSUP;
    }
    take_classes(taken, classes, type, ret_found);
    return 0;
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

static struct abi_place place_of(const struct place_found *found)
{
    if (found->is_on_stack) {
        return (struct abi_place){.is_on_stack = true, .offset = found->stack_at};
    }
    return (struct abi_place){
        .offset = found->registers[0].is_vector
                      ? (uint32_t)offsetof(struct abi_registers, vectors) +
                            64 * found->registers[0].number
                      : (uint32_t)offsetof(struct abi_registers, integers) +
                            8 * found->registers[0].number,
    };
}

int abi_find_argument(const struct prototype *prototype, uint32_t parameter,
                      struct abi_place *ret_place)
{
    struct place_taken taken = place_begin(prototype);
    struct place_found found;
    int error = 0;

#if !defined(__x86_64__)
    return -ENOTSUP;
#endif
    if (prototype->result->kind == CTYPE_OPAQUE) {
        return -ENOTSUP;
    }
    for (uint32_t i = 0; i <= parameter && error == 0; i++) {
        error = place_take(&taken, prototype->parameters[i].type, &found);
    }
    if (error == 0) {
        *ret_place = place_of(&found);
    }
    return error;
}
