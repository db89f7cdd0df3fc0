// SPDX-License-Identifier: MIT
/*
 * The table from scalars to libffi's types, and types made for structs and unions. libffi knows no
 * unions, and what it makes of a struct rests on its members alone. A struct or union is therefore
 * described by a type with other members that travels the same way: on x86-64 by what its register
 * classes make of it (classes.c), on AArch64 by whether it is a homogeneous floating-point
 * aggregate. Its size is given, so that libffi does not compute one.
 */
#include "abi/ffi_types.h"

#include "abi/classes.h"

#include <errno.h>

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

static ffi_type *scalar_type(const struct ctype *type)
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
    case CTYPE_STRUCT:
    case CTYPE_UNION:
    case CTYPE_ARRAY:
        return NULL;
    }
    return NULL;
}

/* A struct of so many elements, which are still to be filled in, and the NULL behind them. */
static ffi_type *make_struct(const struct ctype *type, uint32_t n_elements, struct arena *arena)
{
    ffi_type *made = arena_alloc(arena, sizeof(*made));
    ffi_type **elements = arena_alloc(arena, (n_elements + 1) * sizeof(*elements));

    if (made == NULL || elements == NULL) {
        return NULL;
    }
    *made = (ffi_type){.size = type->size_bytes,
                       .alignment = (unsigned short)type->alignment_bytes,
                       .type = FFI_TYPE_STRUCT,
                       .elements = elements};
    elements[n_elements] = NULL;
    return made;
}

#if defined(__x86_64__)

/* Too large for registers: whatever has it as an element travels in memory. */
static ffi_type *large_elements[] = {&ffi_type_uint8, NULL};
static ffi_type large = {64, 8, FFI_TYPE_STRUCT, large_elements};

/* What carries the n_bytes of one class: a whole scalar, or NULL. */
static ffi_type *class_type(enum abi_class class, uint32_t n_bytes)
{
    switch (class) {
    case CLASS_SSE:
        return n_bytes == 8 ? &ffi_type_double : &ffi_type_float;
    case CLASS_INTEGER:
        return n_bytes == 8   ? &ffi_type_uint64
               : n_bytes == 4 ? &ffi_type_uint32
               : n_bytes == 2 ? &ffi_type_uint16
               : n_bytes == 1 ? &ffi_type_uint8
                              : NULL;
    default:
        return NULL;
    }
}

static ffi_type *record_type(const struct ctype *type, struct arena *arena)
{
    enum abi_class classes[CLASSES_MAX];
    uint32_t last = type->size_bytes > 8 ? 1 : 0, n_elements = 0;
    uint32_t n_last_bytes = type->size_bytes - 8 * last;
    ffi_type *whole, *made;

    classes_of(type, classes);
    if (classes[0] == CLASS_X87) {
        return &ffi_type_longdouble;
    }
    if (classes[0] == CLASS_MEMORY) {
        made = make_struct(type, 1, arena);
        if (made != NULL) {
            made->elements[0] = &large;
        }
        return made;
    }
    whole = class_type(classes[last], n_last_bytes);
    if (last == 0 && whole != NULL) {
        return whole;
    }
    made = make_struct(type, last + (whole != NULL ? 1 : n_last_bytes), arena);
    if (made == NULL) {
        return NULL;
    }
    if (last == 1) {
        made->elements[n_elements++] = class_type(classes[0], 8);
    }
    if (whole != NULL) {
        made->elements[n_elements] = whole;
        return made;
    }
    for (uint32_t i = 0; i < n_last_bytes; i++) {
        made->elements[n_elements++] = &ffi_type_uint8;
    }
    return made;
}

static int make_record(const struct ctype *type, struct arena *arena, ffi_type **ret_type)
{
    *ret_type = record_type(type, arena);
    return *ret_type != NULL ? 0 : -ENOMEM;
}

#else

/* The numbers that a type is made of, if it is made of one kind only. */
struct aggregate {
    enum ctype_kind kind; /* CTYPE_VOID: of none yet */
    uint32_t n;
};

static bool add_numbers(struct aggregate *aggregate, enum ctype_kind kind, uint32_t n)
{
    if (aggregate->kind != CTYPE_VOID && aggregate->kind != kind) {
        return false;
    }
    aggregate->kind = kind;
    aggregate->n += n;
    return true;
}

/* Those of type more. Members of a union lie upon each other. False: there is anything else. */
static bool gather(struct aggregate *aggregate, const struct ctype *type)
{
    uint32_t n_before = aggregate->n, n_most = 0;
    bool is_good = true;

    switch (type->kind) {
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
    case CTYPE_LONG_DOUBLE:
        return add_numbers(aggregate, type->kind, 1);
    case CTYPE_COMPLEX_FLOAT:
        return add_numbers(aggregate, CTYPE_FLOAT, 2);
    case CTYPE_COMPLEX_DOUBLE:
        return add_numbers(aggregate, CTYPE_DOUBLE, 2);
    case CTYPE_COMPLEX_LONG_DOUBLE:
        return add_numbers(aggregate, CTYPE_LONG_DOUBLE, 2);
    case CTYPE_ARRAY:
        is_good = gather(aggregate, type->target);
        aggregate->n =
            n_before + (aggregate->n - n_before) * (type->size_bytes / type->target->size_bytes);
        return is_good;
    case CTYPE_STRUCT:
    case CTYPE_UNION:
        for (uint32_t i = 0; i < type->n_members && is_good; i++) {
            if (type->kind == CTYPE_UNION) {
                aggregate->n = n_before;
            }
            is_good = gather(aggregate, type->members[i].type);
            n_most = aggregate->n > n_most ? aggregate->n : n_most;
        }
        aggregate->n = n_most;
        return is_good;
    default:
        return false;
    }
}

/*
 * AArch64 procedure call standard, 5.9.5 and 6.8.2: one to four numbers of one kind have a vector
 * register each, anything else of up to 16 bytes integer registers, and what is larger lies in
 * memory. What is aligned to 16 bytes begins in a register with an even number, of which libffi 3.4
 * knows nothing: a long double that lies in one place with something else is refused.
 */
static int make_record(const struct ctype *type, struct arena *arena, ffi_type **ret_type)
{
    struct aggregate aggregate = {CTYPE_VOID, 0};
    bool is_homogeneous = gather(&aggregate, type) && aggregate.n > 0 && aggregate.n <= 4;
    uint32_t n_elements = is_homogeneous ? aggregate.n : 1;
    const struct ctype number = {.kind = aggregate.kind};
    ffi_type *made;

    if (!is_homogeneous && type->size_bytes <= 16 && type->alignment_bytes > 8) {
        return -ENOTSUP;
    }
    made = make_struct(type, n_elements, arena);
    if (made == NULL) {
        return -ENOMEM;
    }
    if (!is_homogeneous) {
        made->alignment = 8; /* libffi aligns the address of what lies in memory like that */
    }
    for (uint32_t i = 0; i < n_elements; i++) {
        made->elements[i] = is_homogeneous ? scalar_type(&number) : &ffi_type_uint8;
    }
    *ret_type = made;
    return 0;
}

#endif

int ffi_types_make(const struct ctype *type, struct arena *arena, ffi_type **ret_type)
{
    if (type->kind == CTYPE_STRUCT || type->kind == CTYPE_UNION || type->kind == CTYPE_ARRAY) {
        return make_record(type, arena, ret_type);
    }
    *ret_type = scalar_type(type);
    return *ret_type != NULL ? 0 : -ENOTSUP;
}
