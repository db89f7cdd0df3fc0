// SPDX-License-Identifier: MIT
/*
 * How the memory of several parameters overlaps is an input of the call as well: sincos(x, &a, &a)
 * leaves another a than sincos(x, &a, &b), and a loop over two arrays may read what it has just
 * written. Behind the parameters a key therefore says, for each pair that overlaps and of which at
 * least one is written,
 *
 *     'A' written(1) other(1) distance(8)
 *
 * Memory whose size is only known after the call counts as one element. Of scratch memory no size
 * is known, so a key cannot say what overlaps it. There, a text result that lies on an input is
 * neither kept nor given back: crypt_r(phrase, data->output, data) spoils its own setting.
 */
#include "marshal/marshal_private.h"

#include <errno.h>
#include <string.h>

/* The memory of a parameter, which begins at memory, has more than distance bytes. */
static bool reaches_beyond(const struct marshal_plan *plan,
                           const struct marshal_parameter *parameter, void *const *arguments,
                           const void *memory, const struct marshal_call *call, size_t distance)
{
    int64_t count;
    uint64_t n_bytes;

    if (marshal_is_text(parameter)) {
        return distance <= MARSHAL_MAX_STRING_BYTES &&
               marshal_text_bytes(memory, marshal_character_bytes(parameter->description),
                                  distance) +
                       marshal_character_bytes(parameter->description) >
                   distance;
    }
    if (parameter->out_slot >= 0) {
        count = call->out_counts[parameter->out_slot];
    } else if (marshal_count_elements(plan->function, &parameter->description->count, arguments,
                                      NULL, NULL, memory, parameter->element_bytes, &count) != 0) {
        return false; /* the key failed on it before */
    }
    if (count < 0) {
        count = 1;
    }
    return __builtin_mul_overflow((uint64_t)count, (uint64_t)parameter->element_bytes, &n_bytes) ||
           n_bytes > distance;
}

static bool is_followed(const struct marshal_parameter *parameter)
{
    return marshal_is_text(parameter) || parameter->description->kind == DESCRIBE_MEMORY;
}

static bool is_strings(const struct marshal_parameter *parameter)
{
    return parameter->description->kind == DESCRIBE_STRINGS;
}

/* Texts of an array lie in the memory of parameter i, which is written. */
static bool is_written_over(const struct marshal_plan *plan, uint32_t i, void *const *arguments,
                            const struct marshal_call *call)
{
    int64_t count = call->out_counts[plan->parameters[i].out_slot];
    uint64_t n_bytes;

    if (marshal_pointer(arguments, i) == NULL) {
        return false;
    }
    if (__builtin_mul_overflow((uint64_t)(count < 0 ? 1 : count),
                               (uint64_t)plan->parameters[i].element_bytes, &n_bytes)) {
        return true;
    }
    for (uint32_t j = 0; j < plan->n_parameters; j++) {
        if (is_strings(&plan->parameters[j]) && marshal_pointer(arguments, j) != NULL &&
            marshal_strings_are_at(marshal_pointer(arguments, j), marshal_pointer(arguments, i),
                                   n_bytes)) {
            return true;
        }
    }
    return false;
}

static bool overlap(const struct marshal_plan *plan, uint32_t i, uint32_t j, void *const *arguments,
                    const struct marshal_call *call)
{
    const char *a = marshal_pointer(arguments, i), *b = marshal_pointer(arguments, j);
    uint32_t lower = (uintptr_t)a <= (uintptr_t)b ? i : j;
    uint32_t upper = lower == i ? j : i;
    size_t distance = lower == i ? (uintptr_t)b - (uintptr_t)a : (uintptr_t)a - (uintptr_t)b;

    return a != NULL && b != NULL &&
           reaches_beyond(plan, &plan->parameters[lower], arguments, lower == i ? a : b, call,
                          distance) &&
           reaches_beyond(plan, &plan->parameters[upper], arguments, upper == i ? a : b, call, 0);
}

static int put_pair(const struct marshal_plan *plan, struct marshal_buffer *buffer, uint32_t i,
                    uint32_t j, void *const *arguments)
{
    uint64_t distance =
        (uintptr_t)marshal_pointer(arguments, j) - (uintptr_t)marshal_pointer(arguments, i);
    unsigned char frame[3 + sizeof(distance)] = {'A', (unsigned char)i, (unsigned char)j};

    memcpy(frame + 3, &distance, sizeof(distance));
    return marshal_buffer_put(buffer, frame, sizeof(frame), plan->limit_bytes);
}

bool marshal_can_overlap(const struct marshal_plan *plan)
{
    uint32_t n_followed = 0, n_written = 0;

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        n_followed += is_followed(&plan->parameters[i]) || is_strings(&plan->parameters[i]);
        n_written += plan->parameters[i].out_slot >= 0;
    }
    return n_written > 0 && n_followed > 1;
}

int marshal_put_overlaps(const struct marshal_plan *plan, void *const *arguments,
                         const struct marshal_call *call, struct marshal_buffer *buffer)
{
    int error = 0;

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->parameters[i].out_slot < 0) {
            continue;
        }
        if (is_written_over(plan, i, arguments, call)) {
            return -ENOTSUP;
        }
        for (uint32_t j = 0; j < plan->n_parameters && error == 0; j++) {
            /* Two that are written meet once. */
            bool is_other = plan->parameters[j].out_slot >= 0 ? j > i : true;

            if (is_other && is_followed(&plan->parameters[j]) &&
                overlap(plan, i, j, arguments, call)) {
                error = put_pair(plan, buffer, i, j, arguments);
            }
        }
    }
    return error;
}

bool marshal_is_read_at(const struct marshal_plan *plan, void *const *arguments, uint32_t into,
                        const void *memory, size_t n_bytes)
{
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];
        const void *input;
        size_t distance;

        if (is_strings(parameter) && marshal_pointer(arguments, i) != NULL &&
            marshal_strings_are_at(marshal_pointer(arguments, i), memory, n_bytes)) {
            return true;
        }
        if (!is_followed(parameter) || parameter->out_slot >= 0 || i == into) {
            continue;
        }
        input = marshal_pointer(arguments, i);
        distance = (uintptr_t)memory - (uintptr_t)input;
        if (input != NULL &&
            ((uintptr_t)input - (uintptr_t)memory < n_bytes ||
             ((uintptr_t)input < (uintptr_t)memory &&
              reaches_beyond(plan, parameter, arguments, input, NULL, distance)))) {
            return true;
        }
    }
    return false;
}
