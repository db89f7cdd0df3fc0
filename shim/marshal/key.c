// SPDX-License-Identifier: MIT
/*
 * Arguments to key bytes. Fixed-size parts are the value's own bytes without padding. The others:
 *
 *     pointer of any kind that is followed   'N'                              it is NULL
 *     text                                   'S' length(3) bytes
 *     memory that is read                    'M' count(8) elements; with pointers: see graph.h
 *     the same, if the count is a constant   'K' elements
 *     memory that is only written            'O' count(8), or 'o' if the count is not known yet
 *     strings and paths                      see texts.c
 *     scratch, and what fixed.h is of        'P'                              it is not NULL
 *     a handle                               text, or 'n' when its accessor says nothing of it
 *
 * Parameters that a rule of invalidation matches stand first, so that they are found again
 * (part.c). Behind the parameters stand further inputs (inputs.c), and which of the parameters'
 * memory overlaps (overlap.c). Given the prototype such a sequence can be read back in one way
 * only, so equal keys mean equal inputs. A count that is known before the call is always part of
 * it, even where the memory is only written: a replay then never writes more than this caller made
 * room for.
 */
#include "marshal/fixed.h"
#include "marshal/graph.h"
#include "marshal/variants.h"

#include <errno.h>
#include <string.h>

static int put(const struct marshal_plan *plan, struct marshal_buffer *buffer, const void *bytes,
               size_t n_bytes)
{
    return marshal_buffer_put(buffer, bytes, n_bytes, plan->limit_bytes);
}

/* Straight into the buffer: a secret leaves no copy on the stack. */
static int put_value(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const struct config_description *description, const struct ctype *type,
                     uint32_t n_bytes, const void *value)
{
    unsigned char *at;
    int error = marshal_buffer_extend(buffer, n_bytes, plan->limit_bytes, &at);

    if (error == 0) {
        abi_copy_value(type, value, at);
        if (__builtin_expect(marshal_is_approximate(description), 0)) {
            marshal_approximate(description, type, at);
        }
    }
    return error;
}

static int put_frame(const struct marshal_plan *plan, struct marshal_buffer *buffer, char kind,
                     uint64_t number)
{
    unsigned char frame[1 + sizeof(number)];

    frame[0] = (unsigned char)kind;
    memcpy(frame + 1, &number, sizeof(number));
    return put(plan, buffer, frame, sizeof(frame));
}

static int put_characters(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                          const void *text, uint32_t character_bytes)
{
    size_t n_bytes = marshal_text_bytes(text, character_bytes, MARSHAL_MAX_STRING_BYTES);
    unsigned char frame[MARSHAL_TEXT_FRAME_BYTES];
    int error;

    if (n_bytes > MARSHAL_MAX_STRING_BYTES) {
        return -E2BIG;
    }
    marshal_put_text_frame(frame, n_bytes);
    error = put(plan, buffer, frame, sizeof(frame));
    return error != 0 ? error : put(plan, buffer, text, n_bytes);
}

int marshal_put_text(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                     const char *text)
{
    return put_characters(plan, buffer, text, 1);
}

static int put_elements(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                        const struct marshal_parameter *parameter, const void *memory,
                        int64_t count)
{
    size_t n_bytes;
    int error = 0;

    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)parameter->element_bytes, &n_bytes)) {
        return -EOVERFLOW;
    }
    if (n_bytes > plan->limit_bytes) {
        return -E2BIG;
    }
    if (parameter->element_value_bytes == parameter->element_bytes &&
        !marshal_is_approximate(parameter->description)) {
        return put(plan, buffer, memory, n_bytes);
    }
    for (int64_t i = 0; i < count && error == 0; i++) {
        error = put_value(plan, buffer, parameter->description, parameter->description->element,
                          parameter->element_value_bytes,
                          (const char *)memory + (size_t)i * parameter->element_bytes);
    }
    return error;
}

/* Not inlined: what it needs takes no stack from functions without such memory. */
__attribute__((noinline)) static int put_graph(const struct marshal_plan *plan,
                                               struct marshal_buffer *buffer,
                                               const struct marshal_parameter *parameter,
                                               void *const *arguments, const void *memory,
                                               int64_t count)
{
    struct marshal_ranges written;

    marshal_ranges_collect(plan, arguments, &written);
    return graph_put(&(struct graph_walk){plan, arguments, NULL, buffer, &written, NULL},
                     parameter->reads, memory, count);
}

static int put_memory(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                      const struct marshal_parameter *parameter, void *const *arguments,
                      const void *memory, struct marshal_call *call)
{
    const struct config_description *description = parameter->description;
    static const unsigned char constant = MARSHAL_KEY_CONSTANT;
    int64_t count = parameter->constant_count;
    int error;

    if (count < 0 && parameter->count_known_before) {
        error = marshal_count_elements(plan->function, &description->count, arguments, NULL, NULL,
                                       memory, parameter->element_bytes, &count);
        if (error != 0) {
            return error;
        }
    }
    if (parameter->out_slot >= 0) {
        call->out_counts[parameter->out_slot] = count;
    }
    if (plan->fixed != NULL) {
        return put(plan, buffer, "P", 1);
    }
    if (!description->is_in) {
        return count < 0 ? put(plan, buffer, "o", 1)
                         : put_frame(plan, buffer, 'O', (uint64_t)count);
    }
    if (parameter->reads != NULL) {
        return put_graph(plan, buffer, parameter, arguments, memory, count);
    }
    error = parameter->constant_count >= 0 ? put(plan, buffer, &constant, 1)
                                           : put_frame(plan, buffer, 'M', (uint64_t)count);
    return error != 0 ? error : put_elements(plan, buffer, parameter, memory, count);
}

static int put_path(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                    const char *path, struct marshal_call *call)
{
    int error = marshal_put_text(plan, buffer, path);

    return error != 0 ? error : marshal_put_path_state(plan, buffer, path, call);
}

/* What an accessor, which is code of the program's libraries, says of a handle. */
static int put_via(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                   const char *(*accessor)(const void *), const void *handle)
{
    const char *text = accessor(handle);

    return text == NULL ? put(plan, buffer, "n", 1) : marshal_put_text(plan, buffer, text);
}

static int put_parameter(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                         const struct marshal_parameter *parameter, void *const *arguments,
                         const void *argument, struct marshal_call *call)
{
    const void *pointer;

    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        if (__builtin_expect(parameter->reads != NULL, 0)) {
            return put_graph(plan, buffer, parameter, arguments, argument, 1);
        }
        return put_value(plan, buffer, parameter->description, parameter->type,
                         parameter->value_bytes, argument);
    case DESCRIBE_IGNORE:
    case DESCRIBE_STORAGE:
        return 0;
    default:
        break;
    }
    pointer = *(void *const *)argument;
    if (pointer == NULL) {
        if (parameter->out_slot >= 0) {
            call->out_counts[parameter->out_slot] = 0;
        }
        return put(plan, buffer, "N", 1);
    }
    switch (parameter->description->kind) {
    case DESCRIBE_SCRATCH:
        return put(plan, buffer, "P", 1);
    case DESCRIBE_STRING:
        return put_characters(plan, buffer, pointer,
                              marshal_character_bytes(parameter->description));
    case DESCRIBE_STRINGS:
        return marshal_put_strings(plan, buffer, pointer);
    case DESCRIBE_VIA:
        return put_via(plan, buffer, plan->bindings.accessors[parameter - plan->parameters],
                       pointer);
    case DESCRIBE_PATH:
        return put_path(plan, buffer, pointer, call);
    default:
        return put_memory(plan, buffer, parameter, arguments, pointer, call);
    }
}

/* All that is in the key of a plan without alternatives. */
static int put_all(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                   void *const *arguments, struct marshal_call *call)
{
    int error = 0;

    if (plan->key_words != NULL && marshal_put_key_words(plan, buffer, arguments, call)) {
        return plan->has_written_apart ? marshal_ranges_check(plan, arguments) : 0;
    }
    for (uint32_t k = 0; k < plan->n_parameters && error == 0; k++) {
        uint32_t i = plan->order[k];

        error = put_parameter(plan, buffer, &plan->parameters[i], arguments, arguments[i], call);
    }
    if (error == 0 && plan->function->n_inputs > 0) {
        error = marshal_put_inputs(plan, buffer, call);
    }
    if (error == 0 && plan->fixed != NULL) {
        error = fixed_put_overlaps(plan, arguments, buffer);
    } else if (error == 0 && plan->can_overlap) {
        error = marshal_put_overlaps(plan, arguments, call, buffer);
    }
    if (error == 0 && plan->has_written_apart) {
        error = marshal_ranges_check(plan, arguments);
    }
    return error;
}

/* What the arguments chose stands at the end, so that parts in front are found (part.c). */
static int put_variant(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                       void *const *arguments, struct marshal_call *call)
{
    unsigned char variant;
    int error = variants_choose(plan, arguments, &call->variant);

    if (error == 0) {
        error = put_all(plan->variants[call->variant], buffer, arguments, call);
    }
    variant = (unsigned char)call->variant;
    return error != 0 ? error : put(plan, buffer, &variant, 1);
}

int marshal_key(const struct marshal_plan *plan, void *const *arguments,
                const struct hash_mac_key *mac_key, struct marshal_buffer *buffer,
                struct marshal_call *ret_call)
{
    int error;

    ret_call->seen = 0;
    ret_call->found = NULL;
    error = __builtin_expect(plan->variants != NULL, 0)
                ? put_variant(plan, buffer, arguments, ret_call)
                : put_all(plan, buffer, arguments, ret_call);
    if (error == 0 && plan->function->has_secret) {
        struct hash_mac mac = hash_mac((struct bytes){buffer->data, buffer->n_bytes}, mac_key);

        marshal_buffer_fini(buffer);
        error = put(plan, buffer, mac.bytes, sizeof(mac.bytes));
    } else if (error != 0) {
        marshal_buffer_fini(buffer);
    }
    return error;
}
