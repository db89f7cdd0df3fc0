// SPDX-License-Identifier: MIT
/*
 * Conditions on a call, before it or when it is finished. Integers are compared as such, so that a
 * condition on arguments costs a hit nothing; as soon as one side is real number.h says which is
 * the larger, exactly. NaN, which C finds equal to nothing, equals the word nan.
 *
 * Memory is read where the description says that there is some, which config has seen to, and never
 * through NULL.
 */
#include "marshal/marshal_private.h"
#include "marshal/number.h"

#include <string.h>

#if __LDBL_MANT_DIG__ < 64
#error "long double must hold every 64-bit integer"
#endif

enum value_kind {
    VALUE_ABSENT,
    VALUE_INTEGER,
    VALUE_REAL, /* of `type` at `at`, or `constant`: only loaded where a shield stands */
    VALUE_POINTER
};

struct value {
    enum value_kind kind;
    __int128 integer;
    const struct ctype *type; /* NULL: a constant */
    const void *at;
    double constant;
    const void *pointer;
};

/* What is asked of a finished call, or of one that has not begun: then result is NULL. */
struct moment {
    const struct config_condition *condition;
    const struct config_function *function;
    void *const *arguments;
    const void *result;
    int32_t set_errno;
    unsigned n_whens; /* conditions on the way to this one */
};

static bool holds(const struct moment *moment);

/* ---- reading --------------------------------------------------------------------------------- */

static struct value read_scalar(const struct ctype *type, const void *at)
{
    struct value value = {.kind = VALUE_ABSENT};
    uint64_t bits = 0;

    switch (type->kind) {
    case CTYPE_POINTER:
        value.kind = VALUE_POINTER;
        memcpy(&value.pointer, at, sizeof(value.pointer));
        break;
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
    case CTYPE_LONG_DOUBLE:
        value.kind = VALUE_REAL;
        value.type = type;
        value.at = at;
        break;
    case CTYPE_BOOL:
    case CTYPE_UNSIGNED:
    case CTYPE_SIGNED:
        value.kind = VALUE_INTEGER;
        memcpy(&bits, at, type->size_bytes); /* zero-extended: little-endian */
        if (type->kind == CTYPE_SIGNED) {
            unsigned shift = 64 - 8 * type->size_bytes;

            value.integer = (int64_t)(bits << shift) >> shift;
        } else {
            value.integer = bits;
        }
        break;
    default:
        break;
    }
    return value;
}

/* `when` of one memory may hang on other memory, but not for ever. */
#define MAX_WHENS 4

/*
 * Pointers in memory that the function writes are only followed when it did: true where nothing
 * says that it might not have.
 */
static bool is_written(const struct condition_operand *operand, const struct moment *moment)
{
    const struct config_description *description =
        &moment->function->parameters[operand->parameter];
    struct moment inner = *moment;

    if (operand->kind != OPERAND_PARAMETER || !description->is_out || moment->result == NULL ||
        description->when.n_comparisons == 0 || moment->condition == &description->when) {
        return true;
    }
    inner.condition = &description->when;
    inner.n_whens++;
    return inner.n_whens <= MAX_WHENS && holds(&inner);
}

/* The memory at pointer reaches as far as the path reads. before: what holds the pointer. */
static bool reaches(const struct condition_hop *hop, const struct moment *moment,
                    const char *before, const char *pointer)
{
    static const unsigned char nothing[sizeof(uint64_t)];
    uint64_t n_bytes;
    int64_t count;

    switch (hop->bound) {
    case HOP_FREE:
        return true;
    case HOP_COUNTED:
        return marshal_count_of(moment->function, hop->count, moment->arguments, moment->result,
                                before + hop->record_bytes, &count) == 0 &&
               (__builtin_mul_overflow((uint64_t)count, (uint64_t)hop->element_size, &n_bytes) ||
                hop->end_bytes <= n_bytes);
    case HOP_TEXT:
    case HOP_LIST:
        for (uint32_t at = 0; at + hop->element_size < hop->end_bytes; at += hop->element_size) {
            if (memcmp(pointer + at, nothing, hop->element_size) == 0) {
                return false;
            }
        }
        return true;
    }
    return false;
}

/* Where the operand lies, or NULL. */
static const char *find_operand(const struct condition_operand *operand,
                                const struct moment *moment)
{
    const char *at = operand->kind == OPERAND_RETURN
                         ? moment->result
                         : (const char *)moment->arguments[operand->parameter];

    for (uint32_t i = 0; i < operand->n_hops && at != NULL; i++) {
        const struct condition_hop *hop = &operand->hops[i];
        const char *pointer;

        memcpy(&pointer, at + hop->offset_bytes, sizeof(pointer));
        if (pointer == NULL || (i > 0 && !is_written(operand, moment)) ||
            !reaches(hop, moment, at, pointer)) {
            return NULL;
        }
        at = pointer;
    }
    return at != NULL ? at + operand->offset_bytes : NULL;
}

static struct value read_operand(const struct condition_operand *operand,
                                 const struct moment *moment)
{
    const char *at;

    switch (operand->kind) {
    case OPERAND_RETURN:
    case OPERAND_PARAMETER:
        at = find_operand(operand, moment);
        return at != NULL ? read_scalar(operand->type, at) : (struct value){.kind = VALUE_ABSENT};
    case OPERAND_ERRNO:
        return (struct value){
            .kind = VALUE_INTEGER,
            .integer = moment->set_errno == MARSHAL_ERRNO_UNTOUCHED ? 0 : moment->set_errno,
        };
    case OPERAND_NULL:
        return (struct value){.kind = VALUE_POINTER};
    case OPERAND_INTEGER:
        return (struct value){.kind = VALUE_INTEGER, .integer = operand->integer};
    case OPERAND_NUMBER:
        return (struct value){.kind = VALUE_REAL, .constant = operand->number};
    case OPERAND_STRING:
        return (struct value){.kind = VALUE_POINTER, .pointer = operand->string};
    }
    return (struct value){.kind = VALUE_ABSENT};
}

/* Of an INTEGER or REAL. Loading a number is enough to raise a flag, or to trap. */
static long double load_number(const struct value *value)
{
    float f;
    double d;
    long double ld;

    if (value->kind == VALUE_INTEGER) {
        return (long double)value->integer;
    }
    if (value->type == NULL) {
        return value->constant;
    }
    switch (value->type->kind) {
    case CTYPE_FLOAT:
        memcpy(&f, value->at, sizeof(f));
        return f;
    case CTYPE_DOUBLE:
        memcpy(&d, value->at, sizeof(d));
        return d;
    default:
        memcpy(&ld, value->at, sizeof(ld));
        return ld;
    }
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* From the order of two values (below, equal, above zero) to the comparison's answer. */
static bool order_satisfies(enum condition_operator op, int order)
{
    switch (op) {
    case CONDITION_EQ:
        return order == 0;
    case CONDITION_NE:
        return order != 0;
    case CONDITION_LT:
        return order < 0;
    case CONDITION_LE:
        return order <= 0;
    case CONDITION_GT:
        return order > 0;
    case CONDITION_GE:
        return order >= 0;
    }
    return false;
}

static struct number number_of(const struct value *value)
{
    if (value->kind == VALUE_INTEGER) {
        return number_of_integer(value->integer);
    }
    return value->type == NULL ? number_of_double(value->constant)
                               : number_of_real(value->type, value->at);
}

static bool numbers_satisfy(enum condition_operator op, const struct value *left,
                            const struct value *right)
{
    struct number a, b;

    if (left->kind == VALUE_INTEGER && right->kind == VALUE_INTEGER) {
        return order_satisfies(op, left->integer < right->integer ? -1
                                                                  : left->integer > right->integer);
    }
    a = number_of(left);
    b = number_of(right);
    if (a.is_nan || b.is_nan) {
        bool same = a.is_nan && b.is_nan;

        return op == CONDITION_NE ? !same : op == CONDITION_EQ && same;
    }
    return order_satisfies(op, number_order(&a, &b));
}

static bool is_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER || value->kind == VALUE_REAL;
}

static bool comparison_holds(const struct condition_comparison *comparison,
                             const struct moment *moment)
{
    struct value left = read_operand(&comparison->left, moment);
    struct value right = read_operand(&comparison->right, moment);

    if (is_number(&left) && is_number(&right)) {
        return numbers_satisfy(comparison->op, &left, &right);
    }
    if (left.kind != VALUE_POINTER || right.kind != VALUE_POINTER) {
        return false;
    }
    if (comparison->by_content) {
        if (left.pointer == NULL || right.pointer == NULL) {
            return comparison->op == CONDITION_NE;
        }
        return order_satisfies(comparison->op, strcmp(left.pointer, right.pointer));
    }
    return order_satisfies(comparison->op,
                           left.pointer < right.pointer ? -1 : left.pointer > right.pointer);
}

static bool holds(const struct moment *moment)
{
    for (uint32_t i = 0; i < moment->condition->n_comparisons; i++) {
        if (!comparison_holds(&moment->condition->comparisons[i], moment)) {
            return false;
        }
    }
    return true;
}

bool marshal_condition_holds(const struct config_condition *condition,
                             const struct config_function *function, void *const *arguments,
                             const void *result, int32_t set_errno)
{
    return holds(&(struct moment){condition, function, arguments, result, set_errno, 0});
}

bool marshal_condition_number(const struct condition_operand *operand,
                              const struct config_function *function, void *const *arguments,
                              const void *result, int32_t set_errno, long double *ret_number)
{
    struct moment moment = {NULL, function, arguments, result, set_errno, 0};
    struct value value = read_operand(operand, &moment);

    if (!is_number(&value)) {
        return false;
    }
    *ret_number = load_number(&value);
    return true;
}
