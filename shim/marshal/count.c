// SPDX-License-Identifier: MIT
/* Counts of elements: a small stack machine over the steps that the configuration compiled. */
#include "marshal/marshal_private.h"

#include <errno.h>
#include <string.h>

int marshal_read_integer(const struct ctype *type, const void *value, int64_t *ret_integer)
{
    uint64_t bits = 0;
    unsigned shift = 64 - 8 * type->size_bytes;

    /* Little-endian and big-endian alike: through the type's own width. */
    switch (type->size_bytes) {
    case 1:
        bits = *(const uint8_t *)value;
        break;
    case 2: {
        uint16_t half;

        memcpy(&half, value, sizeof(half));
        bits = half;
        break;
    }
    case 4: {
        uint32_t word;

        memcpy(&word, value, sizeof(word));
        bits = word;
        break;
    }
    default:
        memcpy(&bits, value, sizeof(bits));
        shift = 0;
        break;
    }
    if (type->kind == CTYPE_SIGNED) {
        *ret_integer = (int64_t)(bits << shift) >> shift;
    } else if (bits > INT64_MAX) {
        return -EOVERFLOW;
    } else {
        *ret_integer = (int64_t)bits;
    }
    return 0;
}

static bool is_or_string(const struct config_count *count)
{
    return count->n_steps > 0 && count->steps[count->n_steps - 1].kind == COUNT_OR_STRING;
}

/* Those that compute. */
static uint32_t n_steps_of(const struct config_count *count)
{
    return count->n_steps - is_or_string(count);
}

/* What the steps come to: may be negative. */
static int evaluate(const struct config_function *function, const struct config_count *count,
                    void *const *arguments, const void *result, const void *record,
                    int64_t *ret_value)
{
    const struct prototype *prototype = &function->prototype;
    int64_t stack[CONFIG_COUNT_MAX_STEPS];
    unsigned depth = 0;

    stack[0] = 0; /* the compiler does not know that there are steps */
    for (uint32_t i = 0; i < n_steps_of(count); i++) {
        const struct count_step *step = &count->steps[i];
        const struct ctype *type;
        const void *value;
        bool overflow;
        int error;

        switch (step->kind) {
        case COUNT_NUMBER:
            stack[depth++] = step->number;
            continue;
        case COUNT_PARAMETER:
            type = prototype->parameters[step->parameter].type;
            value = arguments[step->parameter];
            break;
        case COUNT_POINTEE:
            type = prototype->parameters[step->parameter].type->target;
            value = marshal_pointer(arguments, step->parameter);
            break;
        case COUNT_RETURN:
            type = prototype->result;
            value = result;
            break;
        case COUNT_MEMBER:
            type = step->member;
            value = record != NULL ? (const char *)record + step->offset_bytes : NULL;
            break;
        case COUNT_ADD:
        case COUNT_SUBTRACT:
        case COUNT_MULTIPLY:
            depth--;
            if (step->kind == COUNT_ADD) {
                overflow =
                    __builtin_add_overflow(stack[depth - 1], stack[depth], &stack[depth - 1]);
            } else if (step->kind == COUNT_SUBTRACT) {
                overflow =
                    __builtin_sub_overflow(stack[depth - 1], stack[depth], &stack[depth - 1]);
            } else {
                overflow =
                    __builtin_mul_overflow(stack[depth - 1], stack[depth], &stack[depth - 1]);
            }
            if (overflow) {
                return -EOVERFLOW;
            }
            continue;
        default:
            return -EOVERFLOW;
        }
        if (value == NULL) {
            return -EFAULT;
        }
        error = marshal_read_integer(type, value, &stack[depth]);
        if (error != 0) {
            return error;
        }
        depth++;
    }
    *ret_value = stack[0];
    return 0;
}

/* Elements in front of the first that is zero. */
static int count_text(const void *memory, uint32_t element_bytes, int64_t *ret_count)
{
    size_t n_bytes = marshal_text_bytes(memory, element_bytes, MARSHAL_MAX_STRING_BYTES);

    *ret_count = (int64_t)(n_bytes / element_bytes);
    return n_bytes > MARSHAL_MAX_STRING_BYTES ? -E2BIG : 0;
}

int marshal_count_elements(const struct config_function *function, const struct config_count *count,
                           void *const *arguments, const void *result, const void *record,
                           const void *memory, uint32_t element_bytes, int64_t *ret_count)
{
    int64_t value = 1;
    int error = 0;

    if (count->n_steps > 0) {
        error = evaluate(function, count, arguments, result, record, &value);
    }
    if (error == 0 && value == -1 && memory != NULL && is_or_string(count)) {
        return count_text(memory, element_bytes, ret_count);
    }
    if (error == 0 && value < 0) {
        error = -EOVERFLOW;
    }
    *ret_count = value;
    return error;
}

int marshal_count_of(const struct config_function *function, const struct config_count *count,
                     void *const *arguments, const void *result, const void *record,
                     int64_t *ret_count)
{
    return marshal_count_elements(function, count, arguments, result, record, NULL, 0, ret_count);
}

int marshal_count(const struct marshal_plan *plan, const struct config_count *count,
                  void *const *arguments, const void *result, int64_t *ret_count)
{
    return marshal_count_of(plan->function, count, arguments, result, NULL, ret_count);
}

bool marshal_count_is_constant(const struct config_count *count)
{
    for (uint32_t i = 0; i < count->n_steps; i++) {
        switch (count->steps[i].kind) {
        case COUNT_NUMBER:
        case COUNT_ADD:
        case COUNT_SUBTRACT:
        case COUNT_MULTIPLY:
            break;
        default:
            return false;
        }
    }
    return true;
}

bool marshal_count_is_known_before(const struct config_function *function,
                                   const struct config_count *count)
{
    for (uint32_t i = 0; i < count->n_steps; i++) {
        const struct count_step *step = &count->steps[i];

        if (step->kind == COUNT_RETURN) {
            return false;
        }
        if (step->kind == COUNT_POINTEE) {
            const struct config_description *pointee = &function->parameters[step->parameter];

            if (pointee->is_out && !pointee->is_in) {
                return false;
            }
        }
    }
    return true;
}
