// SPDX-License-Identifier: MIT
/*
 * From a checked description to what the visitors need: sizes, which counts are known when, and
 * whether keys and records have one size for all calls.
 */
#include "marshal/fixed.h"
#include "marshal/graph.h"
#include "marshal/variants.h"

#include <errno.h>

/* Bytes of one parameter in every key, or -1 when they differ from call to call. */
static int64_t fixed_key_bytes(const struct marshal_parameter *parameter)
{
    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->reads == NULL ? (int64_t)parameter->value_bytes : -1;
    case DESCRIBE_IGNORE:
    case DESCRIBE_STORAGE:
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
    int64_t key_bytes = marshal_inputs_bytes(function);
    bool record_is_fixed = function->result.kind != DESCRIBE_OUT_STRING && !plan->has_graph_record;

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        int64_t n_bytes = fixed_key_bytes(&plan->parameters[i]);

        key_bytes = n_bytes < 0 || key_bytes < 0 ? -1 : key_bytes + n_bytes;
        if (plan->parameters[i].out_slot >= 0) {
            record_is_fixed = false;
        }
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

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -ENOTSUP;
}

/* What is read behind pointers that stand in memory, or in a struct that is the value. */
static int plan_reads(struct marshal_plan *plan, struct marshal_parameter *parameter,
                      bool is_matched_by_rules, struct arena *arena, const char **ret_reason)
{
    const struct config_description *description = parameter->description;

    if (is_matched_by_rules && (description->reads != NULL || description->kind == DESCRIBE_VIA ||
                                description->kind == DESCRIBE_STORAGE)) {
        return refuse(ret_reason, "a rule of invalidation matches what is no plain value");
    }
    if (description->reads == NULL) {
        return 0;
    }
    if (marshal_is_approximate(description)) {
        return refuse(ret_reason, "memory with pointers cannot be approximate");
    }
    return graph_compile(plan, description->reads, GRAPH_READ, arena, &parameter->reads,
                         ret_reason);
}

static int plan_parameter(struct marshal_plan *plan, uint32_t i, int *n_outs, struct arena *arena,
                          const char **ret_reason)
{
    const struct config_function *function = plan->function;
    const struct config_description *description = &function->parameters[i];
    struct marshal_parameter *parameter = &plan->parameters[i];

    if (description->kind == DESCRIBE_MEMORY) {
        parameter->element_bytes = description->element_size;
        parameter->element_value_bytes = description->element != NULL
                                             ? abi_value_bytes(description->element)
                                             : description->element_size;
        parameter->count_known_before =
            marshal_count_is_known_before(function, &description->count);
        if (!marshal_count_is_constant(&description->count) ||
            marshal_count(plan, &description->count, NULL, NULL, &parameter->constant_count) != 0) {
            parameter->constant_count = -1;
        }
        if (description->is_in && !parameter->count_known_before) {
            return refuse(ret_reason, "the count of what it reads is only known after the call");
        }
        if (description->is_out) {
            if (*n_outs == MARSHAL_MAX_OUTS) {
                return refuse(ret_reason, "it has more than 16 described out parameters");
            }
            parameter->out_slot = (int8_t)(*n_outs)++;
        }
    }
    if (description->kind == DESCRIBE_VIA &&
        (plan->bindings.accessors == NULL || plan->bindings.accessors[i] == NULL)) {
        return refuse(ret_reason,
                      "the function that tells what a handle is, is not in the process");
    }
    return plan_reads(plan, parameter, is_matched(function, i), arena, ret_reason);
}

static int plan_result(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    const struct config_function *function = plan->function;
    int error;

    if (function->result.kind == DESCRIBE_VALUE || function->result.kind == DESCRIBE_ADDRESS) {
        plan->result_value_bytes = abi_value_bytes(function->prototype.result);
    }
    error = graph_plan_record(plan, arena, ret_reason);
    if (error != 0) {
        return error;
    }
    if (!plan->has_graph_record && function->result.lifetime.kind == LIFETIME_STATIC) {
        plan->static_slot = thread_memory_new_slot();
        if (plan->static_slot == THREAD_MEMORY_MAX_SLOTS) {
            return refuse(ret_reason, "more than 1024 functions with static results are named");
        }
    }
    return 0;
}

/* What does not hang on descriptions, or on those alone that rules match. */
static int plan_begin(const struct config_function *function,
                      const struct marshal_bindings *bindings, struct arena *arena,
                      struct marshal_plan **ret_plan)
{
    const struct prototype *prototype = &function->prototype;
    struct marshal_plan *plan = arena_alloc(arena, sizeof(*plan));

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
        struct marshal_parameter *parameter = &plan->parameters[i];

        parameter->type = prototype->parameters[i].type;
        parameter->description = &function->parameters[i];
        parameter->value_bytes = abi_value_bytes(parameter->type);
        parameter->out_slot = -1;
        parameter->constant_count = -1;
    }
    plan->limit_bytes =
        function->max_bytes < MARSHAL_MAX_BYTES ? function->max_bytes : MARSHAL_MAX_BYTES;
    *ret_plan = plan;
    return 0;
}

/* For descriptions without alternatives. */
static int plan_finish(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    const struct config_function *function = plan->function;
    int n_outs = 0, error = 0;

    for (uint32_t i = 0; i < plan->n_parameters && error == 0; i++) {
        error = plan_parameter(plan, i, &n_outs, arena, ret_reason);
    }
    if (error == 0) {
        error = plan_result(plan, arena, ret_reason);
    }
    if (error != 0) {
        return error;
    }
    plan->can_overlap = marshal_can_overlap(plan);
    plan->has_states = function->n_inputs > 0;
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        plan->has_states |= function->parameters[i].kind == DESCRIBE_PATH;
    }
    plan_sizes(plan);
    return marshal_inputs_create(plan, arena);
}

int plan_create_variant(const struct config_function *function,
                        const struct marshal_bindings *bindings, struct marshal_places *places,
                        struct arena *arena, struct marshal_plan **ret_plan,
                        const char **ret_reason)
{
    int error = plan_begin(function, bindings, arena, ret_plan);

    if (error != 0) {
        return error;
    }
    (*ret_plan)->places = places;
    return plan_finish(*ret_plan, arena, ret_reason);
}

static int plan_variants(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (is_matched(plan->function, i) &&
            plan->function->parameters[i].kind == DESCRIBE_ALTERNATIVES) {
            return refuse(ret_reason, "a rule of invalidation matches what is no plain value");
        }
    }
    plan->key_bytes = plan->function->has_secret ? sizeof(struct hash_mac) : 0;
    return variants_create(plan, arena, ret_reason);
}

int marshal_plan_create(const struct config_function *function, const struct abi_call *call,
                        const struct marshal_bindings *bindings, struct arena *arena,
                        struct marshal_plan **ret_plan, const char **ret_reason)
{
    struct marshal_plan *plan;
    int error = plan_begin(function, bindings, arena, &plan);

    if (error == 0 && variants_are_needed(function)) {
        error = plan_variants(plan, arena, ret_reason);
    } else if (error == 0) {
        error = plan_finish(plan, arena, ret_reason);
        error = error != 0 ? error : fixed_create(plan, arena);
        error = error != 0 ? error : marshal_key_words_create(plan, arena);
    }
    if (error == 0 && plan->has_written_apart) {
        marshal_ranges_prepare(plan);
    }
    if (error == 0) {
        *ret_plan = plan;
    }
    return error;
}

static void note_float_nodes(const struct graph_node *first, bool *uses_float)
{
    for (const struct graph_node *node = first; node != NULL; node = node->next) {
        if (node->pointee->type != NULL) {
            abi_note_float(node->pointee->type, uses_float);
        }
    }
}

void marshal_note_float(const struct marshal_plan *plan, bool *uses_float)
{
    for (uint32_t i = 0; i < plan->n_variants; i++) {
        marshal_note_float(plan->variants[i], uses_float);
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];

        /* A "void *" may be described as floating point; typed pointers are known to abi. */
        if (parameter->description->element != NULL) {
            abi_note_float(parameter->description->element, uses_float);
        }
        note_float_nodes(parameter->reads, uses_float);
        note_float_nodes(parameter->writes, uses_float);
    }
    note_float_nodes(plan->result_writes, uses_float);
    for (uint32_t i = 0; plan->global_writes != NULL && i < plan->function->n_globals; i++) {
        note_float_nodes(plan->global_writes[i], uses_float);
    }
}

uint32_t marshal_key_bytes(const struct marshal_plan *plan)
{
    return plan->key_bytes;
}

uint32_t marshal_record_bytes(const struct marshal_plan *plan)
{
    return plan->record_bytes;
}

bool marshal_replays_alone(const struct marshal_plan *plan)
{
    return plan->image != NULL;
}

int marshal_init(void)
{
    marshal_inputs_init();
    return thread_memory_init();
}
