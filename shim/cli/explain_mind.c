// SPDX-License-Identifier: MIT
/*
 * What a configuration without errors leaves open, and what in it is probably not meant so: an
 * entry that says it itself is refused (config/lives.c), but defaults are for many functions.
 */
#include "cli/facts.h"

#define NO_PARAMETER UINT32_MAX

/* Some call ends what this parameter's addresses mean. */
static bool is_ended(const struct config_function *function, uint32_t parameter)
{
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];

        if (rule->kind == INVALIDATE_ON_CALL && rule->n_matches == 0) {
            return true;
        }
        for (uint32_t k = 0; k < rule->n_matches; k++) {
            if (rule->matches[k].ours == parameter) {
                return true;
            }
        }
    }
    return false;
}

/* A digest has no argument that could be found, but for what tells instances apart. */
static const char *suggest_end(const struct config_function *function, uint32_t parameter)
{
    if (function->has_secret &&
        !(function->has_instances && function->instance_parameter == parameter)) {
        return "{ \"on_call\": \"F\" }";
    }
    return facts_format("{ \"on_call\": \"F\", \"prototype\": \"void F(void *p)\", \"match\": { "
                        "\"p\": \"%s\" } }",
                        function->prototype.parameters[parameter].name);
}

static bool is_plain_address(const struct config_pointee *pointee)
{
    return pointee->kind == POINTEE_ADDRESS &&
           !(pointee->type != NULL && pointee->type->is_function);
}

/* Fields in the key by their address; codes of functions stay what they are. */
static void add_field_addresses(struct facts *facts, const char *about,
                                const struct config_pointee *reads)
{
    const struct config_fields *fields = reads != NULL ? reads->fields : NULL;

    for (uint32_t i = 0; fields != NULL && i < fields->n_fields; i++) {
        if (is_plain_address(&fields->fields[i].pointee)) {
            ADD_FACT(facts, field_address_reused, about, fields->fields[i].name,
                     fields->record->text, "{ \"on_call\": \"F\" }");
        }
    }
}

static void add_addresses(struct facts *facts)
{
    const struct config_function *function = facts->function;

    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        const struct prototype_parameter *parameter = &function->prototype.parameters[i];

        if (!is_ended(function, NO_PARAMETER)) {
            add_field_addresses(facts, parameter->name, function->parameters[i].reads);
        }
        if (function->parameters[i].kind == DESCRIBE_ADDRESS &&
            !parameter->type->target->is_function && !is_ended(function, i)) {
            ADD_FACT(facts, address_reused, parameter->name, parameter->name,
                     suggest_end(function, i));
        }
    }
}

static void add_useless(struct facts *facts)
{
    const struct config_function *function = facts->function;
    bool has_end =
        function->ttl_ns != 0 || function->has_ttl_from || function->negative_ttl_ns != 0;

    if (function->stale_for_ns != 0 && !has_end && function->idle_ttl_ns == 0) {
        ADD_FACT(facts, stale_never, "stale_if_error", NULL);
    } else if (function->stale_for_ns != 0 && function->negative_ttl_ns == 0 &&
               function->unless.n_comparisons == 0 && function->store_if.n_comparisons == 0) {
        ADD_FACT(facts, failure_stored, "stale_if_error", NULL);
    }
    if (function->refresh_early > 0 && !has_end) {
        ADD_FACT(facts, refresh_never, "refresh", NULL);
    }
    if (function->ttl_jitter > 0 && !has_end) {
        ADD_FACT(facts, jitter_never, "ttl_jitter", NULL);
    }
    if (function->ttl_ns != 0 && function->idle_ttl_ns >= function->ttl_ns) {
        ADD_FACT(facts, idle_never, "idle_ttl", NULL);
    }
    if (function->ttl_ns != 0 && function->negative_ttl_ns > function->ttl_ns) {
        ADD_FACT(facts, negative_never, "negative", NULL);
    }
}

/* What a preset leaves open it leaves open on purpose. */
static void add_open(struct facts *facts)
{
    const struct config_function *function = facts->function;

    if (function->from_preset) {
        return;
    }
    if (function->ttl_ns == 0 && function->idle_ttl_ns == 0 && !function->has_ttl_from &&
        function->n_invalidations == 0 && function->n_inputs == 0) {
        ADD_FACT(facts, may_age, NULL, NULL);
    }
    if (function->store_if.n_comparisons == 0 && function->unless.n_comparisons == 0 &&
        function->negative_ttl_ns == 0) {
        ADD_FACT(facts, failures_kept, NULL, NULL);
    }
}

void facts_add_mind(struct facts *facts)
{
    if (facts->function->mode != CONFIG_MODE_OFF) {
        add_addresses(facts);
        add_useless(facts);
        add_open(facts);
    }
}
