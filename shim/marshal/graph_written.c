// SPDX-License-Identifier: MIT
/*
 * Whether memory that a call has handed out lies where its description says: within an argument,
 * or in the caller's storage. What lies elsewhere is not remembered.
 */
#include "marshal/graph.h"

#include <errno.h>
#include <string.h>

/* Bytes from the beginning of what an argument points to that a pointer may lead to. */
static int measure_argument(const struct graph_walk *walk, uint32_t parameter, const void *memory,
                            uint64_t *ret_n_bytes)
{
    const struct marshal_plan *plan = walk->plan;
    const struct marshal_parameter *into = &plan->parameters[parameter];
    int64_t count;
    int error;

    *ret_n_bytes = (uint64_t)MARSHAL_MAX_OFFSET;
    if (marshal_is_text(into)) {
        *ret_n_bytes = marshal_text_bytes(memory, marshal_character_bytes(into->description),
                                          MARSHAL_MAX_OFFSET);
        return 0;
    }
    if (into->description->kind != DESCRIBE_MEMORY) {
        return 0;
    }
    error =
        into->out_slot >= 0
            ? record_count_out(plan, parameter, walk->arguments, walk->result, walk->call, &count)
            : marshal_count_elements(plan->function, &into->description->count, walk->arguments,
                                     walk->result, NULL, memory, into->element_bytes, &count);
    if (error == 0 &&
        __builtin_mul_overflow((uint64_t)count, (uint64_t)into->element_bytes, ret_n_bytes)) {
        error = -EOVERFLOW;
    }
    return error;
}

/* Text that ends within the memory that was captured. */
static bool ends_within(const struct graph_node *node, const char *text, uint64_t n_bytes)
{
    return n_bytes >= node->size_bytes &&
           marshal_text_bytes(text, node->size_bytes, n_bytes - node->size_bytes) <=
               n_bytes - node->size_bytes;
}

int graph_find_offset(const struct graph_walk *walk, const struct graph_node *node,
                      const void *pointer, uint64_t *ret_offset)
{
    uint32_t parameter = node->lifetime->parameter;
    const char *base = marshal_pointer(walk->arguments, parameter);
    uint64_t offset = (uintptr_t)pointer - (uintptr_t)base, n_bytes;
    int error;

    if (base == NULL) {
        return -EFAULT;
    }
    error = measure_argument(walk, parameter, base, &n_bytes);
    if (error != 0) {
        return error;
    }
    if (offset > n_bytes || offset > (uint64_t)MARSHAL_MAX_OFFSET) {
        return -EFAULT;
    }
    if (node->kind == GRAPH_OFFSET && node->pointee->kind == POINTEE_TEXT &&
        walk->plan->parameters[parameter].out_slot >= 0 &&
        !ends_within(node, pointer, n_bytes - offset)) {
        return -EFAULT;
    }
    *ret_offset = offset;
    return 0;
}

int graph_check_place(const struct graph_walk *walk, const struct graph_node *node,
                      const void *memory, size_t n_bytes)
{
    const struct marshal_plan *plan = walk->plan;
    const struct marshal_place *place;
    size_t distance, room;

    if (node->lifetime->kind == LIFETIME_INTO) {
        return marshal_is_read_at(plan, walk->arguments, node->lifetime->parameter, memory, n_bytes)
                   ? -EFAULT
                   : 0;
    }
    if (node->lifetime->kind != LIFETIME_STORAGE) {
        return 0;
    }
    place = &plan->places->items[node->place];
    room = marshal_storage_bytes(plan, place, walk->arguments);
    distance = (uintptr_t)memory - (uintptr_t)marshal_pointer(walk->arguments, place->parameter);
    return distance <= room && n_bytes <= room - distance ? 0 : -EFAULT;
}
