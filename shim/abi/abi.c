// SPDX-License-Identifier: MIT
/* A prepared call: what libffi needs to know of a prototype. */
#include "abi/abi.h"

#include "abi/classes.h"
#include "abi/ffi_types.h"
#include "abi/place.h"
#include "abi/words.h"

#include <errno.h>
#include <string.h>

/* What is passed, or what is found behind the pointers that are passed. */
static const struct ctype *pointee(const struct ctype *type)
{
    while (type->kind == CTYPE_POINTER && type->target != NULL) {
        type = type->target;
    }
    return type;
}

static void note_float(struct abi_call *call, const struct ctype *type)
{
    abi_note_float(pointee(type), &call->uses_float);
}

/*
 * libffi 3.4 copies a struct of an integer and a floating-point half whole to where its integer
 * half belongs. From the last integer register on, that overwrites what the first vector register
 * is to hold. As two scalars the halves find the same registers. Returns the argument, or how many
 * there are; only one can be it.
 */
static uint32_t find_split(const struct prototype *prototype)
{
#if defined(__x86_64__)
    struct place_taken taken = place_begin(prototype);

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;
        uint32_t n_integers = taken.n_integers;
        enum abi_class classes[CLASSES_MAX] = {CLASS_NONE, CLASS_NONE};
        struct place_found found;

        if (type->kind == CTYPE_STRUCT || type->kind == CTYPE_UNION) {
            classes_of(type, classes);
        }
        if (place_take(&taken, type, &found) != 0) {
            break;
        }
        if (classes[0] == CLASS_INTEGER && classes[1] == CLASS_SSE && !found.is_on_stack &&
            n_integers == PLACE_N_INTEGERS - 1) {
            return i;
        }
    }
#endif
    return prototype->n_parameters;
}

/* The cif of real calls: types has the closure's, of which one is split. */
static int prepare_split(struct abi_call *call, ffi_type *result, ffi_type *const *types,
                         struct arena *arena)
{
    ffi_cif *cif = arena_alloc(arena, sizeof(*cif));
    ffi_type **halves = arena_alloc(arena, (call->n_arguments + 1) * sizeof(*halves));
    uint32_t split = call->split_argument;

    if (cif == NULL || halves == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < call->n_arguments; i++) {
        halves[i + (i > split)] = types[i];
    }
    halves[split] = types[split]->elements[0];
    halves[split + 1] = types[split]->elements[1];
    call->real_cif = cif;
    return ffi_prep_cif(cif, FFI_DEFAULT_ABI, call->n_arguments + 1, result, halves) == FFI_OK
               ? 0
               : -ENOTSUP;
}

static void call_split(const struct abi_call *call, void *function, void *result, void **arguments)
{
    void *halves[PROTOTYPE_MAX_PARAMETERS + 1];
    uint32_t split = call->split_argument;

    for (uint32_t i = 0; i < call->n_arguments; i++) {
        halves[i + (i > split)] = arguments[i];
    }
    halves[split + 1] = (char *)arguments[split] + 8;
    ffi_call(call->real_cif, FFI_FN(function), result, halves);
}

static bool is_in_memory(const struct ctype *type)
{
    return (type->kind == CTYPE_STRUCT || type->kind == CTYPE_UNION) &&
           type->size_bytes > 2 * sizeof(uint64_t);
}

/*
 * For a struct in memory ffi_call makes a copy, in memory that is gone when it returns, and has the
 * caller's array point there: this is the array that it gets.
 */
static void call_with_memory(const struct abi_call *call, void *function, void *result,
                             void **arguments)
{
    void *own[PROTOTYPE_MAX_PARAMETERS];

    memcpy(own, arguments, call->n_arguments * sizeof(own[0]));
    ffi_call(call->cif, FFI_FN(function), result, own);
}

/*
 * On AArch64 the copy of a struct in memory and its address may both need room on the stack, and
 * libffi 3.4 has counted one of them, and that in steps of eight bytes instead of sixteen.
 */
static void add_room_for_memory(ffi_cif *cif, const struct prototype *prototype)
{
#if defined(__aarch64__)
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        cif->bytes += is_in_memory(prototype->parameters[i].type) ? 16 : 0;
    }
#endif
}

int abi_call_create(const struct prototype *prototype, struct arena *arena,
                    struct abi_call **ret_call)
{
    struct abi_call *call = arena_alloc(arena, sizeof(*call));
    ffi_cif *cif = arena_alloc(arena, sizeof(*cif));
    ffi_type **types = arena_alloc(arena, (prototype->n_parameters + 1) * sizeof(*types));
    ffi_type *result;
    int error;

    if (call == NULL || cif == NULL || types == NULL) {
        return -ENOMEM;
    }
    error = ffi_types_make(prototype->result, arena, &result);
    note_float(call, prototype->result);
    for (uint32_t i = 0; i < prototype->n_parameters && error == 0; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        error = type->kind == CTYPE_VOID ? -ENOTSUP : ffi_types_make(type, arena, &types[i]);
        note_float(call, type);
        call->passes_memory = call->passes_memory || is_in_memory(type);
    }
    if (error != 0) {
        return error;
    }
    if (ffi_prep_cif(cif, FFI_DEFAULT_ABI, prototype->n_parameters, result, types) != FFI_OK) {
        return -ENOTSUP;
    }
    add_room_for_memory(cif, prototype);
    call->cif = cif;
    call->n_arguments = prototype->n_parameters;
    call->result_room_bytes =
        result->size > sizeof(ffi_arg) ? (uint32_t)result->size : (uint32_t)sizeof(ffi_arg);
    call->real_cif = cif;
    call->split_argument = find_split(prototype);
    if (call->split_argument < call->n_arguments) {
        error = prepare_split(call, result, types, arena);
    }
    words_describe(prototype, call);
    if (error == 0) {
        *ret_call = call;
    }
    return error;
}

void abi_call_real(const struct abi_call *call, void *function, void *result, void **arguments)
{
    if (call->is_typed) {
        words_call(call, function, result, arguments);
    } else if (call->split_argument < call->n_arguments) {
        call_split(call, function, result, arguments);
    } else if (!call->passes_memory) {
        ffi_call(call->cif, FFI_FN(function), result, arguments);
    } else {
        call_with_memory(call, function, result, arguments);
    }
}
