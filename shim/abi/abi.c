// SPDX-License-Identifier: MIT
/* The table from ctype kinds to libffi types, and the two operations that need it. */
#include "abi/abi.h"

#include <errno.h>
#include <ffi.h>
#include <string.h>

/* An x87 extended value: 64 bits of significand, 16 of sign and exponent; the rest is padding. */
#if defined(__x86_64__)
#define LONG_DOUBLE_VALUE_BYTES 10
#else
#define LONG_DOUBLE_VALUE_BYTES sizeof(long double)
#endif

static ffi_type *integer_type(const struct ctype *type)
{
    bool is_signed = type->kind == CTYPE_SIGNED;

    switch (type->size_bytes) {
    case 1:
        return is_signed ? &ffi_type_sint8 : &ffi_type_uint8;
    case 2:
        return is_signed ? &ffi_type_sint16 : &ffi_type_uint16;
    case 4:
        return is_signed ? &ffi_type_sint32 : &ffi_type_uint32;
    case 8:
        return is_signed ? &ffi_type_sint64 : &ffi_type_uint64;
    default:
        return NULL;
    }
}

static ffi_type *ffi_type_of(const struct ctype *type)
{
    switch (type->kind) {
    case CTYPE_VOID:
        return &ffi_type_void;
    case CTYPE_BOOL:
        return &ffi_type_uint8;
    case CTYPE_SIGNED:
    case CTYPE_UNSIGNED:
        return integer_type(type);
    case CTYPE_FLOAT:
        return &ffi_type_float;
    case CTYPE_DOUBLE:
        return &ffi_type_double;
    case CTYPE_LONG_DOUBLE:
        return &ffi_type_longdouble;
    case CTYPE_COMPLEX_FLOAT:
        return &ffi_type_complex_float;
    case CTYPE_COMPLEX_DOUBLE:
        return &ffi_type_complex_double;
    case CTYPE_COMPLEX_LONG_DOUBLE:
        return &ffi_type_complex_longdouble;
    case CTYPE_POINTER:
        return &ffi_type_pointer;
    case CTYPE_OPAQUE:
        return NULL;
    }
    return NULL;
}

/* What is passed, or what is found behind the pointers that are passed. */
static const struct ctype *pointee(const struct ctype *type)
{
    while (type->kind == CTYPE_POINTER && type->target != NULL) {
        type = type->target;
    }
    return type;
}

static bool is_float(const struct ctype *type)
{
    enum ctype_kind kind = pointee(type)->kind;

    return kind >= CTYPE_FLOAT && kind <= CTYPE_COMPLEX_LONG_DOUBLE;
}

static bool is_x87(const struct ctype *type)
{
    enum ctype_kind kind = pointee(type)->kind;

    return kind == CTYPE_LONG_DOUBLE || kind == CTYPE_COMPLEX_LONG_DOUBLE;
}

int abi_call_create(const struct prototype *prototype, struct arena *arena,
                    struct abi_call **ret_call)
{
    struct abi_call *call = arena_alloc(arena, sizeof(*call));
    ffi_cif *cif = arena_alloc(arena, sizeof(*cif));
    ffi_type **types = arena_alloc(arena, (prototype->n_parameters + 1) * sizeof(*types));
    ffi_type *result = ffi_type_of(prototype->result);

    if (call == NULL || cif == NULL || types == NULL) {
        return -ENOMEM;
    }
    call->uses_float = is_float(prototype->result);
    call->uses_x87 = is_x87(prototype->result);
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        types[i] = ffi_type_of(type);
        if (types[i] == NULL || types[i] == &ffi_type_void) {
            return -ENOTSUP;
        }
        call->uses_float |= is_float(type);
        call->uses_x87 |= is_x87(type);
    }
    if (result == NULL ||
        ffi_prep_cif(cif, FFI_DEFAULT_ABI, prototype->n_parameters, result, types) != FFI_OK) {
        return -ENOTSUP;
    }
    call->cif = cif;
    call->n_arguments = prototype->n_parameters;
    call->result_room_bytes =
        result->size > sizeof(ffi_arg) ? (uint32_t)result->size : (uint32_t)sizeof(ffi_arg);
    *ret_call = call;
    return 0;
}

void abi_call_real(const struct abi_call *call, void *function, void *result, void **arguments)
{
    ffi_call(call->cif, FFI_FN(function), result, arguments);
}

uint32_t abi_value_bytes(const struct ctype *type)
{
    switch (type->kind) {
    case CTYPE_LONG_DOUBLE:
        return LONG_DOUBLE_VALUE_BYTES;
    case CTYPE_COMPLEX_LONG_DOUBLE:
        return 2 * LONG_DOUBLE_VALUE_BYTES;
    default:
        return type->size_bytes;
    }
}

void abi_copy_value(const struct ctype *type, const void *value, void *ret_bytes)
{
    if (type->kind == CTYPE_COMPLEX_LONG_DOUBLE) {
        memcpy(ret_bytes, value, LONG_DOUBLE_VALUE_BYTES);
        memcpy((char *)ret_bytes + LONG_DOUBLE_VALUE_BYTES,
               (const char *)value + sizeof(long double), LONG_DOUBLE_VALUE_BYTES);
    } else {
        memcpy(ret_bytes, value, abi_value_bytes(type));
    }
}

void abi_restore_value(const struct ctype *type, const void *bytes, void *ret_value)
{
    memset(ret_value, 0, type->size_bytes);
    if (type->kind == CTYPE_COMPLEX_LONG_DOUBLE) {
        memcpy(ret_value, bytes, LONG_DOUBLE_VALUE_BYTES);
        memcpy((char *)ret_value + sizeof(long double),
               (const char *)bytes + LONG_DOUBLE_VALUE_BYTES, LONG_DOUBLE_VALUE_BYTES);
    } else {
        memcpy(ret_value, bytes, abi_value_bytes(type));
    }
}
