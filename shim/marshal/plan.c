// SPDX-License-Identifier: MIT
/*
 * From a checked description to what the visitors need: sizes, which counts are known when, and
 * whether keys and records have one size for all calls.
 */
#include "marshal/marshal_private.h"

#include <errno.h>

/* The count can be told before the call: it reads nothing that only the call writes. */
static bool count_is_known_before(const struct config_function *function,
                                  const struct config_count *count)
{
    for (uint32_t i = 0; i < count->n_steps; i++) {
        const struct count_step *step = &count->steps[i];

        if (step->kind == COUNT_RETURN) {
            return false;
        }
        if (step->kind == COUNT_POINTEE) {
            const struct config_description *pointee = &function->parameters[step->parameter];

            if (pointee->is_out && !pointee->is_in) {
                return false;
            }
        }
    }
    return true;
}

/* Bytes of one parameter in every key, or -1 when they differ from call to call. */
static int64_t fixed_key_bytes(const struct marshal_parameter *parameter)
{
    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->value_bytes;
    case DESCRIBE_IGNORE:
        return 0;
    case DESCRIBE_SCRATCH:
        return 1;
    default:
        return -1;
    }
}

static bool is_matched(const struct config_function *function, uint32_t parameter)
{
    if (function->has_instances && function->instance_parameter == parameter) {
        return true;
    }
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];

        for (uint32_t k = 0; k < rule->n_matches; k++) {
            if (rule->matches[k].ours == parameter) {
                return true;
            }
        }
    }
    return false;
}

/* Each parameter once: those that are looked for in keys, then the others. */
static const uint8_t *make_order(const struct config_function *function, struct arena *arena)
{
    uint32_t n_parameters = function->prototype.n_parameters, n = 0;
    uint8_t *order = arena_alloc(arena, n_parameters);

    for (int wanted = 1; order != NULL && wanted >= 0; wanted--) {
        for (uint32_t i = 0; i < n_parameters; i++) {
            if (is_matched(function, i) == wanted) {
                order[n++] = (uint8_t)i;
            }
        }
    }
    return order;
}

static void plan_sizes(struct marshal_plan *plan)
{
    const struct config_function *function = plan->function;
    int64_t key_bytes = 0;
    bool record_is_fixed = function->result.kind != DESCRIBE_OUT_STRING;

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        int64_t n_bytes = fixed_key_bytes(&plan->parameters[i]);

        key_bytes = n_bytes < 0 || key_bytes < 0 ? -1 : key_bytes + n_bytes;
        if (plan->parameters[i].out_slot >= 0) {
            record_is_fixed = false;
        }
    }
    for (uint32_t i = 0; i < function->n_inputs; i++) {
        int64_t n_bytes = marshal_input_bytes(&function->inputs[i]);

        key_bytes = n_bytes < 0 || key_bytes < 0 ? -1 : key_bytes + n_bytes;
    }
    plan->key_bytes = key_bytes < 0 ? 0 : (uint32_t)key_bytes;
    plan->record_bytes = 0;
    if (record_is_fixed) {
        plan->record_bytes = plan->result_value_bytes;
        if (function->captures_errno) {
            plan->record_bytes += sizeof(int32_t);
        }
        if (function->result.kind == DESCRIBE_OFFSET) {
            plan->record_bytes += sizeof(int64_t);
        }
    }
    if (function->has_secret) {
        plan->key_bytes = sizeof(struct hash_mac);
    }
}

int marshal_plan_create(const struct config_function *function, const struct abi_call *call,
                        const struct marshal_bindings *bindings, struct arena *arena,
                        struct marshal_plan **ret_plan, const char **ret_reason)
{
    const struct prototype *prototype = &function->prototype;
    struct marshal_plan *plan = arena_alloc(arena, sizeof(*plan));
    int n_outs = 0;

    if (plan == NULL) {
        return -ENOMEM;
    }
    plan->parameters = arena_alloc(arena, prototype->n_parameters * sizeof(*plan->parameters));
    plan->order = make_order(function, arena);
    if (plan->parameters == NULL || plan->order == NULL) {
        return -ENOMEM;
    }
    plan->function = function;
    if (bindings != NULL) {
        plan->bindings = *bindings;
    }
    plan->n_parameters = prototype->n_parameters;
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct config_description *description = &function->parameters[i];
        struct marshal_parameter *parameter = &plan->parameters[i];

        parameter->type = prototype->parameters[i].type;
        parameter->description = description;
        parameter->value_bytes = abi_value_bytes(parameter->type);
        parameter->out_slot = -1;
        if (description->kind == DESCRIBE_MEMORY) {
            parameter->element_bytes = description->element_size;
            parameter->element_value_bytes = description->element != NULL
                                                 ? abi_value_bytes(description->element)
                                                 : description->element_size;
            parameter->count_known_before = count_is_known_before(function, &description->count);
            if (description->is_in && !parameter->count_known_before) {
                *ret_reason = "the count of what it reads is only known after the call";
                return -ENOTSUP;
            }
            if (description->is_out) {
                if (n_outs == MARSHAL_MAX_OUTS) {
                    *ret_reason = "it has more than 16 described out parameters";
                    return -ENOTSUP;
                }
                parameter->out_slot = (int8_t)n_outs++;
            }
        }
    }
    if (function->result.kind == DESCRIBE_VALUE || function->result.kind == DESCRIBE_ADDRESS) {
        plan->result_value_bytes = abi_value_bytes(prototype->result);
    }
    if (function->result.lifetime.kind == LIFETIME_STATIC) {
        plan->static_slot = thread_memory_new_slot();
        if (plan->static_slot == THREAD_MEMORY_MAX_SLOTS) {
            *ret_reason = "more than 1024 functions with static results are named";
            return -ENOTSUP;
        }
    }
    plan->limit_bytes =
        function->max_bytes < MARSHAL_MAX_BYTES ? function->max_bytes : MARSHAL_MAX_BYTES;
    plan->can_overlap = marshal_can_overlap(plan);
    plan->has_states = function->n_inputs > 0;
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        plan->has_states |= function->parameters[i].kind == DESCRIBE_PATH;
    }
    plan_sizes(plan);
    if (marshal_inputs_create(plan, arena) != 0) {
        return -ENOMEM;
    }
    *ret_plan = plan;
    return 0;
}

uint32_t marshal_key_bytes(const struct marshal_plan *plan)
{
    return plan->key_bytes;
}

uint32_t marshal_record_bytes(const struct marshal_plan *plan)
{
    return plan->record_bytes;
}

int marshal_init(void)
{
    marshal_inputs_init();
    return thread_memory_init();
}
