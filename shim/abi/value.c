// SPDX-License-Identifier: MIT
/*
 * The bytes of values: those that carry it, packed, and back. Padding is left out, between the
 * members of a struct as within a long double. A union is all its bytes, since nothing says which
 * of its members is meant.
 */
#include "abi/abi.h"

#include <string.h>

/* An x87 extended value: 64 bits of significand, 16 of sign and exponent; the rest is padding. */
#if defined(__x86_64__)
#define LONG_DOUBLE_VALUE_BYTES 10
#else
#define LONG_DOUBLE_VALUE_BYTES sizeof(long double)
#endif

uint32_t abi_value_bytes(const struct ctype *type)
{
    uint32_t n_bytes = 0;

    switch (type->kind) {
    case CTYPE_LONG_DOUBLE:
        return LONG_DOUBLE_VALUE_BYTES;
    case CTYPE_COMPLEX_LONG_DOUBLE:
        return 2 * LONG_DOUBLE_VALUE_BYTES;
    case CTYPE_ARRAY:
        return type->size_bytes / type->target->size_bytes * abi_value_bytes(type->target);
    case CTYPE_STRUCT:
        for (uint32_t i = 0; i < type->n_members; i++) {
            n_bytes += abi_value_bytes(type->members[i].type);
        }
        return n_bytes;
    default:
        return type->size_bytes;
    }
}

/* Each run of a value, in order, until one says false. *packed goes on from run to run. */
static bool visit_runs(const struct ctype *type, uint32_t offset, uint32_t *packed, abi_run_fn run,
                       void *context)
{
    uint32_t n_bytes = abi_value_bytes(type), step = type->size_bytes;
    bool goes_on = true;

    if (n_bytes == type->size_bytes || type->kind == CTYPE_LONG_DOUBLE) {
        goes_on = run(context, offset, *packed, n_bytes);
        *packed += n_bytes;
        return goes_on;
    }
    switch (type->kind) {
    case CTYPE_ARRAY:
        step = type->target->size_bytes;
        for (uint32_t at = 0; at < type->size_bytes && goes_on; at += step) {
            goes_on = visit_runs(type->target, offset + at, packed, run, context);
        }
        return goes_on;
    case CTYPE_STRUCT:
        for (uint32_t i = 0; i < type->n_members && goes_on; i++) {
            const struct ctype_member *member = &type->members[i];

            goes_on = visit_runs(member->type, offset + member->offset_bytes, packed, run, context);
        }
        return goes_on;
    default: /* a complex long double */
        goes_on = run(context, offset, *packed, n_bytes / 2) &&
                  run(context, offset + step / 2, *packed + n_bytes / 2, n_bytes / 2);
        *packed += n_bytes;
        return goes_on;
    }
}

bool abi_visit_runs(const struct ctype *type, abi_run_fn run, void *context)
{
    uint32_t packed = 0;

    return visit_runs(type, 0, &packed, run, context);
}

struct copy {
    unsigned char *to;
    const unsigned char *from;
};

static bool pack(void *context, uint32_t offset, uint32_t packed_offset, uint32_t n_bytes)
{
    const struct copy *copy = context;

    memcpy(copy->to + packed_offset, copy->from + offset, n_bytes);
    return true;
}

static bool unpack(void *context, uint32_t offset, uint32_t packed_offset, uint32_t n_bytes)
{
    const struct copy *copy = context;

    memcpy(copy->to + offset, copy->from + packed_offset, n_bytes);
    return true;
}

static bool compare(void *context, uint32_t offset, uint32_t packed_offset, uint32_t n_bytes)
{
    const unsigned char *const *values = context;

    return memcmp(values[0] + offset, values[1] + offset, n_bytes) == 0;
}

void abi_copy_value(const struct ctype *type, const void *value, void *ret_bytes)
{
    struct copy copy = {ret_bytes, value};

    if (type->kind < CTYPE_COMPLEX_LONG_DOUBLE) { /* what most functions have, in one step */
        memcpy(ret_bytes, value, abi_value_bytes(type));
        return;
    }
    abi_visit_runs(type, pack, &copy);
}

void abi_restore_value(const struct ctype *type, const void *bytes, void *ret_value)
{
    struct copy copy = {ret_value, bytes};

    memset(ret_value, 0, type->size_bytes);
    abi_visit_runs(type, unpack, &copy);
}

bool abi_equal_values(const struct ctype *type, const void *a, const void *b)
{
    const void *values[2] = {a, b};

    return abi_visit_runs(type, compare, values);
}

struct pieces {
    struct abi_piece *pieces;
    uint32_t n, n_max;
    uint32_t end; /* of the last run */
};

static bool add_pieces(void *context, uint32_t offset, uint32_t packed_offset, uint32_t n_bytes)
{
    struct pieces *found = context;
    uint32_t end = offset + n_bytes;

    if (end > UINT8_MAX) {
        found->n_max = 0;
        return false;
    }
    while (offset < end) {
        uint32_t n_left = 8 - offset % 8, n = end - offset < n_left ? end - offset : n_left;

        if (found->n > 0 && found->end == offset && offset % 8 != 0) {
            found->pieces[found->n - 1].n_bytes += (uint8_t)n;
        } else if (found->n < found->n_max) {
            found->pieces[found->n++] = (struct abi_piece){(uint8_t)offset, (uint8_t)n};
        } else {
            found->n_max = 0;
            return false;
        }
        offset += n;
        found->end = offset;
    }
    return true;
}

uint32_t abi_value_pieces(const struct ctype *type, struct abi_piece *ret_pieces, uint32_t n_max)
{
    struct pieces found = {.pieces = ret_pieces, .n_max = n_max};

    return abi_visit_runs(type, add_pieces, &found) ? found.n : 0;
}

/* ---- floating point -------------------------------------------------------------------------- */

/* One of these kinds is the type itself, or that of a member or an element. */
static bool holds(const struct ctype *type, uint32_t kinds)
{
    bool found;

    while (type->kind == CTYPE_ARRAY) {
        type = type->target;
    }
    found = (kinds >> type->kind & 1) != 0;
    for (uint32_t i = 0; i < type->n_members; i++) {
        found = found || holds(type->members[i].type, kinds);
    }
    return found;
}

#define KIND(name)       ((uint32_t)1 << CTYPE_##name)
#define LONG_DOUBLE_ONES (KIND(LONG_DOUBLE) | KIND(COMPLEX_LONG_DOUBLE))
#define FLOAT_ONES \
    (KIND(FLOAT) | KIND(DOUBLE) | KIND(COMPLEX_FLOAT) | KIND(COMPLEX_DOUBLE) | LONG_DOUBLE_ONES)

void abi_note_float(const struct ctype *type, bool *uses_float)
{
    *uses_float = *uses_float || holds(type, FLOAT_ONES);
}

bool abi_holds_long_double(const struct ctype *type)
{
    return holds(type, LONG_DOUBLE_ONES);
}
