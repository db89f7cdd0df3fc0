// SPDX-License-Identifier: MIT
/*
 * Which memory of the caller's a call may write. How such memory overlaps with what flat parameters
 * read is part of the key (overlap.c); with memory behind pointers that stand in memory it is not:
 * such calls have no key. Nor is it for variables that a function sets, and for a storage: where
 * they overlap anything else there is no key. Of scratch memory no size is known, so it is not
 * among this.
 */
#include "marshal/marshal_private.h"

#include <errno.h>

static void add(struct marshal_ranges *ranges, const void *start, size_t n_bytes)
{
    if (start != NULL && n_bytes > 0) {
        ranges->items[ranges->n++] = (struct marshal_range){start, n_bytes};
    }
}

/* count elements; what does not fit into memory is all of it. */
static void add_elements(struct marshal_ranges *ranges, const void *start, int64_t count,
                         uint32_t element_bytes)
{
    size_t n_bytes;

    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)element_bytes, &n_bytes)) {
        n_bytes = SIZE_MAX;
    }
    add(ranges, start, n_bytes);
}

size_t marshal_storage_bytes(const struct marshal_plan *plan, const struct marshal_place *place,
                             void *const *arguments)
{
    int64_t n_bytes;

    return marshal_pointer(arguments, place->parameter) != NULL &&
                   marshal_read_integer(plan->parameters[place->size_parameter].type,
                                        arguments[place->size_parameter], &n_bytes) == 0 &&
                   n_bytes > 0
               ? (size_t)n_bytes
               : 0;
}

uint64_t marshal_room_of(const struct marshal_plan *plan, const struct marshal_place *place,
                         void *const *arguments)
{
    uint64_t n_bytes = marshal_storage_bytes(plan, place, arguments);
    uint64_t n_most = UINT64_MAX / ROOM_ALIGNMENT - ROOM_ALIGNMENT;

    return (n_bytes < n_most ? n_bytes : n_most) * ROOM_ALIGNMENT +
           (uintptr_t)marshal_pointer(arguments, place->parameter) % ROOM_ALIGNMENT;
}

/* Variables, and what storages there are. */
static void collect_apart(const struct marshal_plan *plan, void *const *arguments,
                          struct marshal_ranges *ranges)
{
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        const struct config_description *description = &plan->function->globals[i].description;
        int64_t count = 1;

        if (marshal_count(plan, &description->count, arguments, NULL, &count) != 0) {
            count = 1;
        }
        add_elements(ranges, plan->bindings.globals[i], count, description->element_size);
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        const struct marshal_place *place = &plan->places->items[i];

        if (place->kind == LIFETIME_STORAGE) {
            add(ranges, marshal_pointer(arguments, place->parameter),
                marshal_storage_bytes(plan, place, arguments));
        }
    }
}

void marshal_ranges_collect(const struct marshal_plan *plan, void *const *arguments,
                            struct marshal_ranges *ret_ranges)
{
    ret_ranges->n = 0;
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];
        int64_t count = 1;

        if (parameter->out_slot < 0) {
            continue;
        }
        if (parameter->count_known_before &&
            marshal_count(plan, &parameter->description->count, arguments, NULL, &count) != 0) {
            continue; /* this call has no key anyway */
        }
        add_elements(ret_ranges, marshal_pointer(arguments, i), count, parameter->element_bytes);
    }
    ret_ranges->n_outs = ret_ranges->n;
    if (plan->has_written_apart) {
        collect_apart(plan, arguments, ret_ranges);
    }
}

static int check_ranges(const struct marshal_plan *plan, void *const *arguments)
{
    struct marshal_ranges ranges, before;

    marshal_ranges_collect(plan, arguments, &ranges);
    before = ranges;
    for (uint32_t i = ranges.n_outs; i < ranges.n; i++) {
        const struct marshal_range *range = &ranges.items[i];

        before.n = i;
        if (marshal_ranges_meet(&before, range->start, range->n_bytes) ||
            marshal_is_read_at(plan, arguments, MARSHAL_NO_PARAMETER, range->start,
                               range->n_bytes)) {
            return -ENOTSUP;
        }
    }
    return 0;
}

void marshal_ranges_prepare(struct marshal_plan *plan)
{
    struct marshal_ranges ranges, before = {.n = 0};

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->parameters[i].out_slot >= 0) {
            return;
        }
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        if (plan->places->items[i].kind == LIFETIME_STORAGE) {
            return;
        }
    }
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        if (!marshal_count_is_constant(&plan->function->globals[i].description.count)) {
            return;
        }
    }
    marshal_ranges_collect(plan, NULL, &ranges);
    for (uint32_t i = 0; i < ranges.n; i++) {
        uintptr_t begin = (uintptr_t)ranges.items[i].start;
        uintptr_t end = begin + ranges.items[i].n_bytes;

        if (end < begin || marshal_ranges_meet(&before, ranges.items[i].start, end - begin)) {
            return;
        }
        plan->apart_begin = i == 0 || begin < plan->apart_begin ? begin : plan->apart_begin;
        plan->apart_end = end > plan->apart_end ? end : plan->apart_end;
        before.items[before.n++] = ranges.items[i];
    }
    plan->knows_apart = true;
}

/* Nothing that the call reads can lie between the variables. False: perhaps it does. */
static bool is_far_off(const struct marshal_plan *plan, void *const *arguments)
{
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];
        uintptr_t memory, n_bytes;

        switch (parameter->description->kind) {
        case DESCRIBE_VALUE:
        case DESCRIBE_ADDRESS:
        case DESCRIBE_IGNORE:
            continue;
        case DESCRIBE_MEMORY:
            if (parameter->constant_count < 0 || parameter->constant_count > UINT32_MAX) {
                return false;
            }
            break;
        default:
            return false;
        }
        memory = (uintptr_t)marshal_pointer(arguments, i);
        n_bytes = (uintptr_t)parameter->constant_count * parameter->element_bytes;
        if (memory < plan->apart_end &&
            (memory >= plan->apart_begin || n_bytes > plan->apart_begin - memory)) {
            return false;
        }
    }
    return true;
}

int marshal_ranges_check(const struct marshal_plan *plan, void *const *arguments)
{
    return plan->knows_apart && is_far_off(plan, arguments) ? 0 : check_ranges(plan, arguments);
}

bool marshal_ranges_meet(const struct marshal_ranges *ranges, const void *memory, size_t n_bytes)
{
    for (uint32_t i = 0; i < ranges->n; i++) {
        const struct marshal_range *range = &ranges->items[i];

        if ((uintptr_t)memory - (uintptr_t)range->start < range->n_bytes ||
            (uintptr_t)range->start - (uintptr_t)memory < n_bytes) {
            return true;
        }
    }
    return false;
}
