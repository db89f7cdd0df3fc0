// SPDX-License-Identifier: MIT
/*
 * The functions whose keys and records are made piece by piece, from a list that is made once: of
 * scalars, as many as there are, and of a few bytes that are written. See flat.c for those of less.
 */
#include "marshal/fixed.h"

#include <string.h>

_Static_assert(MARSHAL_WIDE_OUTS == FIXED_OUTS && MARSHAL_WIDE_BYTES == FIXED_MAX_BYTES, "of them");

static bool is_plain_but_for_approximation(const struct marshal_parameter *parameter)
{
    return marshal_is_plain(parameter) ||
           (parameter->description->kind == DESCRIBE_VALUE &&
            (parameter->type->kind == CTYPE_FLOAT || parameter->type->kind == CTYPE_DOUBLE));
}

/* The keys: arguments, and marks of those that lead to what is written. */
static bool describe_wide_key(const struct marshal_plan *plan, struct marshal_wide *wide)
{
    for (uint32_t k = 0; k < plan->n_parameters; k++) {
        const struct marshal_parameter *parameter = &plan->parameters[plan->order[k]];
        uint32_t n_bytes = parameter->value_bytes;

        if (wide->n_key_bytes + n_bytes > MARSHAL_WIDE_BYTES) {
            return false;
        }
        if (parameter->out_slot >= 0) {
            wide->key[wide->n_key_bytes++] = 'P';
        } else if (!is_plain_but_for_approximation(parameter)) {
            return false;
        } else if (parameter->description->kind != DESCRIBE_IGNORE) {
            if (wide->n_parts == MARSHAL_WIDE_PARTS) {
                return false;
            }
            wide->parts[wide->n_parts].parameter = plan->order[k];
            wide->parts[wide->n_parts].at = wide->n_key_bytes;
            wide->parts[wide->n_parts].is_approximate =
                marshal_is_approximate(parameter->description);
            wide->parts[wide->n_parts++].n_bytes = n_bytes;
            wide->n_key_bytes += n_bytes;
        }
    }
    wide->n_key_bytes += wide->n_outs * (wide->n_outs - 1) / 2; /* nothing overlaps: zeroes */
    return wide->n_key_bytes > 0 && wide->n_key_bytes == plan->key_bytes &&
           wide->n_key_bytes <= plan->limit_bytes;
}

/* Any number of texts among scalars. */
static bool describe_text_key(const struct marshal_plan *plan, struct marshal_wide *wide)
{
    for (uint32_t k = 0; k < plan->n_parameters; k++) {
        const struct marshal_parameter *parameter = &plan->parameters[plan->order[k]];
        bool is_text = parameter->description->kind == DESCRIBE_STRING &&
                       parameter->description->element_size <= 1;

        if (!is_text && !marshal_is_plain(parameter)) {
            return false;
        }
        if (parameter->description->kind == DESCRIBE_IGNORE) {
            continue;
        }
        if (wide->n_parts == MARSHAL_WIDE_PARTS) {
            return false;
        }
        wide->parts[wide->n_parts].parameter = plan->order[k];
        wide->parts[wide->n_parts++].n_bytes = is_text ? 0 : parameter->value_bytes;
        wide->has_texts |= is_text;
    }
    return wide->has_texts && wide->n_outs == 0 && !plan->can_overlap &&
           plan->limit_bytes >= MARSHAL_WIDE_TEXT_BYTES && plan->function->n_globals == 0 &&
           plan->function->result.lifetime.kind == LIFETIME_NONE;
}

/* The records, as fixed.h says; or as record.c has them, of nothing but the result. */
static void describe_wide_record(const struct marshal_plan *plan, struct marshal_wide *wide)
{
    const struct marshal_fixed *fixed = plan->fixed;

    if (fixed != NULL) {
        wide->n_outs = fixed->n_outs;
        for (uint32_t i = 0; i < fixed->n_outs; i++) {
            wide->outs[i].parameter = fixed->outs[i].parameter;
            wide->outs[i].at = fixed->outs[i].at;
            wide->outs[i].n_bytes = fixed->outs[i].n_bytes;
        }
        wide->result_at = fixed->result_at;
        wide->has_errno = plan->function->captures_errno;
        wide->errno_at = fixed->errno_at;
    }
    wide->n_result_bytes = plan->result_value_bytes;
    wide->result_is_signed = plan->function->prototype.result->kind == CTYPE_SIGNED;
    wide->n_record_bytes = plan->record_bytes;
}

bool marshal_is_wide(const struct marshal_plan *plan, struct marshal_wide *ret_wide)
{
    const struct config_function *function = plan->function;

    *ret_wide = (struct marshal_wide){0};
    if (plan->variants != NULL || function->has_secret || function->has_secret_out ||
        function->n_inputs > 0 || plan->has_states || plan->has_graph_record ||
        plan->record_bytes == 0 || plan->result_value_bytes > sizeof(uint64_t) ||
        (plan->fixed == NULL && plan->record_bytes != plan->result_value_bytes)) {
        return false;
    }
    describe_wide_record(plan, ret_wide);
    return plan->key_bytes != 0 ? describe_wide_key(plan, ret_wide)
                                : describe_text_key(plan, ret_wide);
}

void marshal_approximate_argument(const struct marshal_plan *plan, uint32_t parameter, void *value)
{
    marshal_approximate(plan->parameters[parameter].description, plan->parameters[parameter].type,
                        value);
}
