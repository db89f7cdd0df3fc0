// SPDX-License-Identifier: MIT
/*
 * Where an argument travels, for those who look at a call without taking part in it. x86-64 System
 * V (psABI 3.2.3): integers and pointers in six registers, floating point in eight, whatever finds
 * no register, and long double always, on the stack in steps of eight bytes.
 */
#include "abi/abi.h"

#include <errno.h>
#include <stddef.h>

#define N_INTEGERS 6
#define N_VECTORS  8

/* What the arguments so far have taken. */
struct taken {
    uint32_t n_integers, n_vectors, n_stack_bytes;
};

static struct abi_place take_stack(struct taken *taken, uint32_t n_bytes, uint32_t alignment)
{
    struct abi_place place = {.is_on_stack = true};

    taken->n_stack_bytes = (taken->n_stack_bytes + alignment - 1) / alignment * alignment;
    place.offset = taken->n_stack_bytes;
    taken->n_stack_bytes += (n_bytes + 7) / 8 * 8;
    return place;
}

static struct abi_place take_integer(struct taken *taken)
{
    if (taken->n_integers == N_INTEGERS) {
        return take_stack(taken, 8, 8);
    }
    return (struct abi_place){.offset = (uint32_t)offsetof(struct abi_registers, integers) +
                                        8 * taken->n_integers++};
}

static struct abi_place take_vectors(struct taken *taken, uint32_t n, uint32_t n_bytes)
{
    struct abi_place place = {.offset = (uint32_t)offsetof(struct abi_registers, vectors) +
                                        64 * taken->n_vectors};

    if (taken->n_vectors + n > N_VECTORS) {
        return take_stack(taken, n_bytes, 8);
    }
    taken->n_vectors += n;
    return place;
}

static int take(struct taken *taken, const struct ctype *type, struct abi_place *ret_place)
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
    default:
        return -ENOTSUP;
    }
}

static bool is_scalar_or_void(const struct ctype *type)
{
    struct taken nothing = {0};
    struct abi_place place;

    return type->kind == CTYPE_VOID || take(&nothing, type, &place) == 0;
}

int abi_find_argument(const struct prototype *prototype, uint32_t parameter,
                      struct abi_place *ret_place)
{
    struct taken taken = {0};
    int error = 0;

#if !defined(__x86_64__)
    return -ENOTSUP;
#endif
    /* Any other result might come back through memory, whose address is an argument before all. */
    if (!is_scalar_or_void(prototype->result)) {
        return -ENOTSUP;
    }
    for (uint32_t i = 0; i <= parameter && error == 0; i++) {
        error = take(&taken, prototype->parameters[i].type, ret_place);
    }
    return error;
}
