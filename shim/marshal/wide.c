// SPDX-License-Identifier: MIT
/*
 * The functions whose keys and records are made piece by piece, from a list that is made once: of
 * values, as many as there are, and of a few bytes that are written. See flat.c for those of less.
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

/* The pieces of a value. False: there are too many of them. */
static bool add_parts(const struct marshal_plan *plan, uint32_t i, struct marshal_wide *wide)
{
    const struct marshal_parameter *parameter = &plan->parameters[i];
    struct abi_piece pieces[MARSHAL_WIDE_PARTS];
    uint32_t n = abi_value_pieces(parameter->type, pieces, MARSHAL_WIDE_PARTS - wide->n_parts);

    for (uint32_t k = 0; k < n; k++) {
        wide->parts[wide->n_parts].parameter = i;
        wide->parts[wide->n_parts].from = pieces[k].at;
        wide->parts[wide->n_parts].at = wide->n_key_bytes;
        wide->parts[wide->n_parts].n_bytes = pieces[k].n_bytes;
        wide->parts[wide->n_parts++].is_approximate =
            marshal_is_approximate(parameter->description);
        wide->n_key_bytes += pieces[k].n_bytes;
    }
    return n > 0;
}

/* The keys: arguments, and marks of those that lead to what is written. */
static bool describe_wide_key(const struct marshal_plan *plan, struct marshal_wide *wide)
{
    for (uint32_t k = 0; k < plan->n_parameters; k++) {
        const struct marshal_parameter *parameter = &plan->parameters[plan->order[k]];

        if (wide->n_key_bytes + parameter->value_bytes > MARSHAL_WIDE_BYTES) {
            return false;
        }
        if (parameter->out_slot >= 0) {
            wide->key[wide->n_key_bytes++] = 'P';
        } else if (!is_plain_but_for_approximation(parameter)) {
            return false;
        } else if (parameter->description->kind != DESCRIBE_IGNORE &&
                   !add_parts(plan, plan->order[k], wide)) {
            return false;
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
        if (parameter->value_bytes > sizeof(uint64_t)) {
            return false;
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
    wide->result_is_signed = plan->function->prototype.result->kind == CTYPE_SIGNED;
    wide->n_record_bytes = plan->record_bytes;
}

/* False: it has more than two words, or what counts of one is not its beginning. */
static bool describe_result(const struct marshal_plan *plan, struct marshal_wide *wide)
{
    const struct ctype *type = plan->function->prototype.result;
    struct abi_piece pieces[2] = {{0, 0}, {0, 0}};
    uint32_t n_words = (type->size_bytes + 7) / 8;

    wide->n_result_bytes = plan->result_value_bytes;
    if (wide->n_result_bytes == 0) {
        return true;
    }
    if (type->size_bytes > MARSHAL_WIDE_RESULT_BYTES ||
        abi_value_pieces(type, pieces, n_words) != n_words || pieces[0].at != 0 ||
        pieces[1].at != 8 * (n_words - 1)) {
        return false;
    }
    wide->n_first_bytes = pieces[0].n_bytes;
    return true;
}

bool marshal_is_wide(const struct marshal_plan *plan, struct marshal_wide *ret_wide)
{
    const struct config_function *function = plan->function;

    *ret_wide = (struct marshal_wide){0};
    if (plan->variants != NULL || function->has_secret || function->has_secret_out ||
        function->n_inputs > 0 || plan->has_states || plan->has_graph_record ||
        plan->record_bytes == 0 || !describe_result(plan, ret_wide) ||
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
