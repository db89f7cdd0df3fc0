// SPDX-License-Identifier: MIT
/*
 * The functions whose keys are made without looking at their descriptions at each call: a few
 * scalars in, one scalar out, and nothing else that counts.
 */
#include "marshal/marshal_private.h"

/* Its bytes in every key are those of the argument itself. */
static bool is_plain(const struct marshal_parameter *parameter)
{
    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->value_bytes <= sizeof(uint64_t) &&
               !marshal_is_approximate(parameter->description);
    case DESCRIBE_IGNORE:
        return true;
    default:
        return false;
    }
}

bool marshal_is_flat(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    const struct config_function *function = plan->function;
    enum description_kind result = function->result.kind;

    *ret_flat = (struct marshal_flat){0};
    if (function->has_secret || function->has_secret_out || function->n_inputs > 0 ||
        function->n_globals > 0 || function->captures_errno ||
        function->result.lifetime.kind != LIFETIME_NONE || plan->has_states || plan->can_overlap ||
        plan->n_parameters > MARSHAL_FLAT_PARAMETERS ||
        (result != DESCRIBE_VALUE && result != DESCRIBE_ADDRESS)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];

        if (plan->order[i] != i || !is_plain(parameter)) {
            return false;
        }
        ret_flat->n_bytes[i] =
            parameter->description->kind == DESCRIBE_IGNORE ? 0 : parameter->value_bytes;
        ret_flat->n_key_bytes += ret_flat->n_bytes[i];
    }
    ret_flat->n_result_bytes = plan->result_value_bytes;
    ret_flat->result_is_signed = function->prototype.result->kind == CTYPE_SIGNED;
    return ret_flat->n_key_bytes > 0 && ret_flat->n_key_bytes <= MARSHAL_FLAT_KEY_BYTES &&
           ret_flat->n_key_bytes == plan->key_bytes && ret_flat->n_result_bytes > 0 &&
           ret_flat->n_result_bytes <= sizeof(uint64_t) &&
           ret_flat->n_result_bytes == plan->record_bytes;
}
