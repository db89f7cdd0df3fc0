// SPDX-License-Identifier: MIT
/*
 * Conditions on a finished call. Numbers are compared as long double, which holds every 64-bit
 * integer and every double exactly on the supported machines; NaN, which C finds equal to nothing,
 * equals the word nan.
 */
#include "call/admission.h"

#include "marshal/marshal.h"

#include <math.h>
#include <string.h>

#if __LDBL_MANT_DIG__ < 64
#error "long double must hold every 64-bit integer"
#endif

enum value_kind {
    VALUE_ABSENT,
    VALUE_NUMBER,
    VALUE_POINTER
};

struct value {
    enum value_kind kind;
    long double number;
    const void *pointer;
};

static struct value read_scalar(const struct ctype *type, const void *at)
{
    struct value value = {.kind = VALUE_NUMBER};
    uint64_t bits = 0;

    switch (type->kind) {
    case CTYPE_POINTER:
        value.kind = VALUE_POINTER;
        memcpy(&value.pointer, at, sizeof(value.pointer));
        break;
    case CTYPE_FLOAT: {
        float number;

        memcpy(&number, at, sizeof(number));
        value.number = number;
        break;
    }
    case CTYPE_DOUBLE: {
        double number;

        memcpy(&number, at, sizeof(number));
        value.number = number;
        break;
    }
    case CTYPE_LONG_DOUBLE:
        memcpy(&value.number, at, sizeof(value.number));
        break;
    case CTYPE_BOOL:
    case CTYPE_UNSIGNED:
    case CTYPE_SIGNED:
        memcpy(&bits, at, type->size_bytes);
        if (type->kind == CTYPE_SIGNED) {
            unsigned shift = 64 - 8 * type->size_bytes;

            value.number = (long double)((int64_t)(bits << shift) >> shift);
        } else {
            value.number = (long double)bits;
        }
        break;
    default:
        value.kind = VALUE_ABSENT;
        break;
    }
    return value;
}

static const struct ctype *whole_or(const struct ctype *member, const struct ctype *whole)
{
    return member != NULL ? member : whole;
}

static struct value read_operand(const struct condition_operand *operand,
                                 const struct config_function *function, void *const *arguments,
                                 const void *result)
{
    const struct prototype *prototype = &function->prototype;
    struct value value = {.kind = VALUE_NUMBER};

    switch (operand->kind) {
    case OPERAND_RETURN:
        return read_scalar(whole_or(operand->type, prototype->result),
                           (const char *)result + operand->offset_bytes);
    case OPERAND_PARAMETER:
        return read_scalar(whole_or(operand->type, prototype->parameters[operand->parameter].type),
                           (const char *)arguments[operand->parameter] + operand->offset_bytes);
    case OPERAND_POINTEE: {
        const char *pointer = *(char *const *)arguments[operand->parameter];

        if (pointer == NULL) {
            return (struct value){.kind = VALUE_ABSENT};
        }
        return read_scalar(
            whole_or(operand->type, prototype->parameters[operand->parameter].type->target),
            pointer + operand->offset_bytes);
    }
    case OPERAND_NULL:
        return (struct value){.kind = VALUE_POINTER};
    case OPERAND_INTEGER:
        value.number = (long double)operand->integer;
        return value;
    case OPERAND_NUMBER:
        value.number = operand->number;
        return value;
    case OPERAND_STRING:
        return (struct value){.kind = VALUE_POINTER, .pointer = operand->string};
    }
    return (struct value){.kind = VALUE_ABSENT};
}

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

static bool numbers_satisfy(enum condition_operator op, long double left, long double right)
{
    if (isnan(left) || isnan(right)) {
        bool same = isnan(left) && isnan(right);

        return op == CONDITION_NE ? !same : op == CONDITION_EQ && same;
    }
    return order_satisfies(op, left < right ? -1 : left > right);
}

static bool comparison_holds(const struct condition_comparison *comparison,
                             const struct config_function *function, void *const *arguments,
                             const void *result)
{
    struct value left = read_operand(&comparison->left, function, arguments, result);
    struct value right = read_operand(&comparison->right, function, arguments, result);

    if (left.kind == VALUE_ABSENT || left.kind != right.kind) {
        return false;
    }
    if (left.kind == VALUE_NUMBER) {
        return numbers_satisfy(comparison->op, left.number, right.number);
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

bool admission_holds(const struct config_condition *condition,
                     const struct config_function *function, void *const *arguments,
                     const void *result)
{
    for (uint32_t i = 0; i < condition->n_comparisons; i++) {
        if (!comparison_holds(&condition->comparisons[i], function, arguments, result)) {
            return false;
        }
    }
    return true;
}

bool admission_number(const struct condition_operand *operand,
                      const struct config_function *function, void *const *arguments,
                      const void *result, long double *ret_number)
{
    struct value value = read_operand(operand, function, arguments, result);

    if (value.kind != VALUE_NUMBER) {
        return false;
    }
    *ret_number = value.number;
    return true;
}
