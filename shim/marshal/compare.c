// SPDX-License-Identifier: MIT
/*
 * Whether two records of calls with equal keys give a program the same answer, and if not, what is
 * the first part that differs, in the order of record.c. Padding does not count.
 */
#include "marshal/fixed.h"
#include "marshal/graph_image.h"
#include "marshal/reader.h"
#include "marshal/variants.h"

#include <string.h>

/* The next part of both, n_bytes each; false when it differs or is not there. */
static bool are_equal(struct reader *a, struct reader *b, uint64_t n_bytes)
{
    const unsigned char *at_a = take(a, n_bytes), *at_b = take(b, n_bytes);

    return at_a != NULL && at_b != NULL && memcmp(at_a, at_b, n_bytes) == 0;
}

/* A part of any length, behind its length. */
static bool are_equal_framed(struct reader *a, struct reader *b)
{
    uint64_t n_a, n_b;

    return take_word(a, &n_a) && take_word(b, &n_b) && n_a == n_b && are_equal(a, b, n_a);
}

/* Elements as they lay in memory, padding included. */
static bool are_equal_elements(const struct marshal_parameter *parameter, struct reader *a,
                               struct reader *b)
{
    const struct ctype *type = parameter->description->element;
    uint64_t n_a, n_b;
    const unsigned char *at_a, *at_b;

    if (parameter->element_bytes == parameter->element_value_bytes) {
        return are_equal_framed(a, b);
    }
    if (!take_word(a, &n_a) || !take_word(b, &n_b) || n_a != n_b || (at_a = take(a, n_a)) == NULL ||
        (at_b = take(b, n_b)) == NULL) {
        return false;
    }
    for (uint64_t i = 0; i + parameter->element_bytes <= n_a; i += parameter->element_bytes) {
        if (!abi_equal_values(type, at_a + i, at_b + i)) {
            return false;
        }
    }
    return true;
}

static bool are_equal_results(const struct marshal_plan *plan, struct reader *a, struct reader *b)
{
    const struct config_description *description = &plan->function->result;

    if (plan->result_value_bytes > 0) {
        return are_equal(a, b, plan->result_value_bytes);
    }
    if (description->kind != DESCRIBE_OUT_STRING && description->kind != DESCRIBE_OFFSET) {
        return true;
    }
    if (description->lifetime.kind == LIFETIME_INTO && !are_equal(a, b, sizeof(int64_t))) {
        return false;
    }
    return description->kind == DESCRIBE_OFFSET || are_equal_framed(a, b);
}

/* Equal keys have made the same choice. */
static struct marshal_difference compare_variants(const struct marshal_plan *plan,
                                                  struct bytes remembered, struct bytes fresh,
                                                  void *const *arguments)
{
    uint32_t variant = fresh.n_bytes > 0 ? *(const unsigned char *)fresh.data : 0;
    const struct marshal_plan *chosen;

    if (variants_open(plan, fresh, variant, &chosen, &fresh) != 0 ||
        variants_open(plan, remembered, variant, &chosen, &remembered) != 0) {
        return (struct marshal_difference){.part = MARSHAL_PART_RESULT};
    }
    return marshal_compare(chosen, remembered, fresh, arguments);
}

struct marshal_difference marshal_compare(const struct marshal_plan *plan, struct bytes remembered,
                                          struct bytes fresh, void *const *arguments)
{
    struct reader a = {remembered.data, remembered.n_bytes}, b = {fresh.data, fresh.n_bytes};

    if (plan->variants != NULL) {
        return compare_variants(plan, remembered, fresh, arguments);
    }
    if (plan->fixed != NULL) {
        return fixed_compare(plan, remembered, fresh, arguments);
    }
    if (plan->image != NULL) {
        return image_compare(plan, remembered, fresh);
    }
    if (plan->has_graph_record) {
        return graph_compare(plan, remembered, fresh, arguments);
    }
    if (plan->function->captures_errno && !are_equal(&a, &b, sizeof(int32_t))) {
        return (struct marshal_difference){.part = MARSHAL_PART_ERRNO};
    }
    if (!are_equal_results(plan, &a, &b)) {
        return (struct marshal_difference){.part = MARSHAL_PART_RESULT};
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->parameters[i].out_slot >= 0 && marshal_pointer(arguments, i) != NULL &&
            !are_equal_elements(&plan->parameters[i], &a, &b)) {
            return (struct marshal_difference){.part = MARSHAL_PART_OUT, .index = i};
        }
    }
    return (struct marshal_difference){.part = MARSHAL_PART_NONE};
}
