// SPDX-License-Identifier: MIT
/*
 * Which memory of the caller's a call may write. How such memory overlaps with what flat parameters
 * read is part of the key (overlap.c); with memory behind pointers that stand in memory it is not:
 * such calls have no key. Of scratch memory no size is known, so it is not among this.
 */
#include "marshal/marshal_private.h"

static void add(struct marshal_ranges *ranges, const void *start, size_t n_bytes)
{
    if (start != NULL && n_bytes > 0) {
        ranges->items[ranges->n++] = (struct marshal_range){start, n_bytes};
    }
}

void marshal_ranges_collect(const struct marshal_plan *plan, void *const *arguments,
                            struct marshal_ranges *ret_ranges)
{
    ret_ranges->n = 0;
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];
        int64_t count = 1;
        size_t n_bytes;

        if (parameter->out_slot < 0) {
            continue;
        }
        if (parameter->count_known_before &&
            marshal_count(plan, &parameter->description->count, arguments, NULL, &count) != 0) {
            continue; /* this call has no key anyway */
        }
        if (__builtin_mul_overflow((uint64_t)count, (uint64_t)parameter->element_bytes, &n_bytes)) {
            n_bytes = SIZE_MAX;
        }
        add(ret_ranges, marshal_pointer(arguments, i), n_bytes);
    }
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
