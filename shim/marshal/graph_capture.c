// SPDX-License-Identifier: MIT
/*
 * A finished call to a record: see graph_record.h. Memory is only looked at where the conditions on
 * the call say that it was written.
 */
#include "marshal/graph_record.h"

#include <errno.h>
#include <string.h>

/* A finished call while it is captured. */
struct capture {
    struct graph_walk walk;
    int32_t set_errno;
};

static bool holds(const struct capture *capture, const struct config_condition *when)
{
    return when->n_comparisons == 0 ||
           marshal_condition_holds(when, capture->walk.plan->function, capture->walk.arguments,
                                   capture->walk.result, capture->set_errno);
}

static int put(const struct capture *capture, const void *bytes, size_t n_bytes)
{
    return marshal_buffer_put(capture->walk.buffer, bytes, n_bytes,
                              capture->walk.plan->limit_bytes);
}

static int put_rooms(const struct capture *capture)
{
    const struct marshal_plan *plan = capture->walk.plan;
    int error = 0;

    for (uint32_t i = 0; i < plan->places->n && error == 0; i++) {
        const struct marshal_place *place = &plan->places->items[i];
        uint64_t room = 0;

        if (place->kind == LIFETIME_STORAGE) {
            room = marshal_room_of(plan, place, capture->walk.arguments);
        }
        error = put(capture, &room, sizeof(room));
    }
    return error;
}

static int put_result(const struct capture *capture)
{
    const struct marshal_plan *plan = capture->walk.plan;
    const void *result = capture->walk.result, *pointer;
    unsigned char *at;
    int error;

    if (has_plain_result(plan)) {
        error = marshal_buffer_extend(capture->walk.buffer, plan->result_value_bytes,
                                      plan->limit_bytes, &at);
        if (error == 0) {
            abi_copy_value(plan->function->prototype.result, result, at);
        }
        return error;
    }
    if (is_struct_result(plan)) {
        return graph_put(&capture->walk, plan->result_writes, result, 1);
    }
    memcpy(&pointer, result, sizeof(pointer));
    /* What it points to was not written, and the pointer means nothing to another call. */
    if (pointer != NULL && !holds(capture, &plan->function->result.when)) {
        return -EFAULT;
    }
    return graph_put_pointer(&capture->walk, plan->result_writes, pointer);
}

static int put_out(const struct capture *capture, uint32_t i)
{
    const struct graph_walk *walk = &capture->walk;
    const struct marshal_parameter *parameter = &walk->plan->parameters[i];
    int64_t count = 0;
    int error = 0;

    if (!holds(capture, &parameter->description->when)) {
        return put(capture, "-", 1);
    }
    if (parameter->writes->kind != GRAPH_LIST) {
        error = record_count_out(walk->plan, i, walk->arguments, walk->result, walk->call, &count);
    }
    return error != 0
               ? error
               : graph_put(walk, parameter->writes, marshal_pointer(walk->arguments, i), count);
}

static int put_global(const struct capture *capture, uint32_t i)
{
    const struct graph_walk *walk = &capture->walk;
    const struct config_description *description = &walk->plan->function->globals[i].description;
    int64_t count;
    int error;

    if (!holds(capture, &description->when)) {
        return put(capture, "-", 1);
    }
    error = marshal_count(walk->plan, &description->count, walk->arguments, walk->result, &count);
    return error != 0 ? error
                      : graph_put(walk, walk->plan->global_writes[i],
                                  walk->plan->bindings.globals[i], count);
}

/* Puts a part behind its length. */
static int put_part(const struct capture *capture, enum marshal_part part, uint32_t i)
{
    struct marshal_buffer *buffer = capture->walk.buffer;
    size_t at = buffer->n_bytes;
    uint64_t n_bytes = 0;
    int error = put(capture, &n_bytes, sizeof(n_bytes));

    if (error == 0) {
        error = part == MARSHAL_PART_RESULT ? put_result(capture)
                : part == MARSHAL_PART_OUT  ? put_out(capture, i)
                                            : put_global(capture, i);
    }
    if (error == 0) {
        n_bytes = buffer->n_bytes - at - sizeof(n_bytes);
        memcpy(buffer->data + at, &n_bytes, sizeof(n_bytes));
    }
    return error;
}

int graph_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  const struct marshal_call *call, int32_t set_errno, struct marshal_buffer *buffer)
{
    const struct capture capture = {.walk = {plan, arguments, result, buffer, .call = call},
                                    .set_errno = set_errno};
    int error = 0;

    if (plan->function->captures_errno) {
        error = put(&capture, &set_errno, sizeof(set_errno));
    }
    if (error == 0) {
        error = put_rooms(&capture);
    }
    if (error == 0 && has_result(plan)) {
        error = put_part(&capture, MARSHAL_PART_RESULT, 0);
    }
    for (uint32_t i = 0; i < plan->n_parameters && error == 0; i++) {
        if (is_out(plan, arguments, i)) {
            error = put_part(&capture, MARSHAL_PART_OUT, i);
        }
    }
    for (uint32_t i = 0; i < plan->function->n_globals && error == 0; i++) {
        error = put_part(&capture, MARSHAL_PART_GLOBAL, i);
    }
    return error;
}
