// SPDX-License-Identifier: MIT
/*
 * Conditions on a call, before it or when it is finished. Integers are compared as such, so that a
 * condition on arguments costs a hit nothing; as soon as one side is real both are compared as long
 * double, which holds every 64-bit integer and every double exactly on the supported machines. NaN,
 * which C finds equal to nothing, equals the word nan.
 *
 * Memory is read where the description says that there is some, which config has seen to, and never
 * through NULL.
 */
#include "marshal/marshal_private.h"

#include <math.h>
#include <string.h>

#if __LDBL_MANT_DIG__ < 64
#error "long double must hold every 64-bit integer"
#endif

enum value_kind {
    VALUE_ABSENT,
    VALUE_INTEGER,
    VALUE_REAL, /* of `type` at `at`, or `constant`: not loaded before the shield stands */
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

/* A finished call, or one that has not begun: then result is NULL. */
struct moment {
    const struct config_function *function;
    void *const *arguments;
    const void *result;
    int32_t set_errno;
};

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

static const struct ctype *whole_or(const struct ctype *member, const struct ctype *whole)
{
    return member != NULL ? member : whole;
}

static struct value read_operand(const struct condition_operand *operand,
                                 const struct moment *moment)
{
    const struct prototype *prototype = &moment->function->prototype;

    switch (operand->kind) {
    case OPERAND_RETURN:
        if (moment->result == NULL) {
            break;
        }
        return read_scalar(whole_or(operand->type, prototype->result),
                           (const char *)moment->result + operand->offset_bytes);
    case OPERAND_PARAMETER:
        return read_scalar(whole_or(operand->type, prototype->parameters[operand->parameter].type),
                           (const char *)moment->arguments[operand->parameter] +
                               operand->offset_bytes);
    case OPERAND_POINTEE: {
        const char *pointer = marshal_pointer(moment->arguments, operand->parameter);

        if (pointer == NULL) {
            break;
        }
        return read_scalar(
            whole_or(operand->type, prototype->parameters[operand->parameter].type->target),
            pointer + operand->offset_bytes);
    }
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

/* Not inlined, and with an effect for all the compiler knows: it stays between the shields. */
__attribute__((noinline)) static bool compare_numbers(enum condition_operator op,
                                                      const struct value *a, const struct value *b)
{
    long double left, right;

    __asm__ volatile("" : : : "memory");
    left = load_number(a);
    right = load_number(b);
    if (isnan(left) || isnan(right)) {
        bool same = isnan(left) && isnan(right);

        return op == CONDITION_NE ? !same : op == CONDITION_EQ && same;
    }
    return order_satisfies(op, left < right ? -1 : left > right);
}

static bool numbers_satisfy(enum condition_operator op, const struct value *left,
                            const struct value *right)
{
    struct float_x87 x87_shield;
    uint32_t shield;
    bool holds;

    if (left->kind == VALUE_INTEGER && right->kind == VALUE_INTEGER) {
        return order_satisfies(op, left->integer < right->integer ? -1
                                                                  : left->integer > right->integer);
    }
    shield = float_shield_begin();
    float_x87_shield_begin(&x87_shield);
    holds = compare_numbers(op, left, right);
    float_x87_shield_end(&x87_shield);
    float_shield_end(shield);
    return holds;
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
        return order_satisfies(comparison->op,
                               strncmp(left.pointer, right.pointer, MARSHAL_MAX_STRING_BYTES));
    }
    return order_satisfies(comparison->op,
                           left.pointer < right.pointer ? -1 : left.pointer > right.pointer);
}

bool marshal_condition_holds(const struct config_condition *condition,
                             const struct config_function *function, void *const *arguments,
                             const void *result, int32_t set_errno)
{
    struct moment moment = {function, arguments, result, set_errno};

    for (uint32_t i = 0; i < condition->n_comparisons; i++) {
        if (!comparison_holds(&condition->comparisons[i], &moment)) {
            return false;
        }
    }
    return true;
}

bool marshal_condition_number(const struct condition_operand *operand,
                              const struct config_function *function, void *const *arguments,
                              const void *result, int32_t set_errno, long double *ret_number)
{
    struct moment moment = {function, arguments, result, set_errno};
    struct value value = read_operand(operand, &moment);

    if (!is_number(&value)) {
        return false;
    }
    *ret_number = load_number(&value);
    return true;
}
