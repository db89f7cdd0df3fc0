// SPDX-License-Identifier: MIT
/* What is in the key of a function, and what a hit gives back: its descriptions in words. */
#include "cli/facts.h"

static bool is_float(const struct ctype *type)
{
    while (type != NULL && type->kind == CTYPE_ARRAY) {
        type = type->target;
    }
    for (uint32_t i = 0; type != NULL && i < type->n_members; i++) {
        if (is_float(type->members[i].type)) {
            return true;
        }
    }
    return type != NULL && type->kind >= CTYPE_FLOAT && type->kind <= CTYPE_COMPLEX_LONG_DOUBLE;
}

bool facts_uses_float(const struct config_function *function)
{
    const struct prototype *prototype = &function->prototype;
    bool uses_float = is_float(prototype->result);

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        uses_float |= is_float(type) || is_float(function->parameters[i].element) ||
                      (type->kind == CTYPE_POINTER && is_float(type->target));
    }
    return uses_float;
}

/* The description, or one of its alternatives, is of something written. */
static bool any_is_out(const struct config_description *description)
{
    bool is_out = description->is_out;

    for (uint32_t i = 0; i < description->n_alternatives; i++) {
        is_out |= description->alternatives[i].is_out;
    }
    return is_out;
}

static bool is_written(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        if (any_is_out(&function->parameters[i])) {
            return true;
        }
    }
    return false;
}

static bool is_approximate(const struct config_description *description)
{
    return description->round != 0 || description->drop_bits != 0;
}

static void add_approximate(struct facts *facts, const char *name,
                            const struct config_description *description)
{
    if (description->round != 0) {
        ADD_FACT(facts, rounded, name, facts_format("%g", description->round));
    } else {
        ADD_FACT(facts, without_bits, name, facts_format("%u", description->drop_bits));
    }
}

/* The buffer that an ignored parameter is the size of, or NULL. */
struct sized {
    const struct config_function *function;
    uint32_t parameter;
    const char *buffer;
};

static int find_buffer(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                       void *context)
{
    struct sized *sized = context;

    if (lifetime->kind == LIFETIME_STORAGE && lifetime->size_parameter == sized->parameter) {
        sized->buffer = sized->function->prototype.parameters[lifetime->parameter].name;
    }
    return 0;
}

static void add_ignored(struct facts *facts, uint32_t parameter)
{
    struct sized sized = {facts->function, parameter, NULL};
    const char *name = facts->function->prototype.parameters[parameter].name;

    config_each_lifetime(facts->function, find_buffer, &sized);
    if (sized.buffer != NULL) {
        ADD_FACT(facts, storage_size, name, sized.buffer);
    } else {
        ADD_FACT(facts, ignored, name, NULL);
    }
}

static void add_parameter(struct facts *facts, uint32_t index,
                          const struct config_description *description)
{
    const struct prototype_parameter *parameter = &facts->function->prototype.parameters[index];
    const char *name = parameter->name, *type = parameter->type->text;

    switch (description->kind) {
    case DESCRIBE_VALUE:
        if (parameter->type->kind == CTYPE_STRUCT) {
            ADD_FACT(facts, by_members, name, type);
        } else if (parameter->type->kind == CTYPE_UNION) {
            ADD_FACT(facts, by_bytes, name, type);
        } else if (is_approximate(description)) {
            add_approximate(facts, name, description);
        } else if (is_float(parameter->type)) {
            ADD_FACT(facts, by_bits, name, type);
        } else {
            ADD_FACT(facts, by_value, name, type);
        }
        break;
    case DESCRIBE_STRING:
        ADD_FACT(facts, text, name, NULL);
        break;
    case DESCRIBE_STRINGS:
        ADD_FACT(facts, texts, name, NULL);
        break;
    case DESCRIBE_PATH:
        ADD_FACT(facts, path, name, NULL);
        break;
    case DESCRIBE_ADDRESS:
        if (parameter->type->target->is_function) {
            ADD_FACT(facts, function_address, name, NULL);
        } else {
            ADD_FACT(facts, address, name, type);
        }
        break;
    case DESCRIBE_IGNORE:
        add_ignored(facts, index);
        break;
    case DESCRIBE_SCRATCH:
        ADD_FACT(facts, scratch, name, NULL);
        break;
    case DESCRIBE_STORAGE:
        ADD_FACT(facts, storage, name, NULL);
        break;
    case DESCRIBE_VIA:
        ADD_FACT(facts, via, name, description->accessor);
        break;
    default:
        if (description->is_in) {
            ADD_FACT(facts, content, name,
                     description->reads != NULL && description->reads->kind == POINTEE_LIST
                         ? "a list"
                         : facts_amount(description));
            if (is_approximate(description)) {
                add_approximate(facts, name, description);
            }
        } else {
            ADD_FACT(facts, only_written, name, NULL);
        }
        break;
    }
    facts_add_reads(facts, name, description->reads);
    if (description->is_secret && description->is_in) {
        ADD_FACT(facts, secret, name, NULL);
    }
}

/* Each with the condition that it is asked with; those of the key, or of what is given. */
static void add_condition(struct facts *facts, const char *name,
                          const struct config_description *alternative, bool is_key)
{
    const char *text = alternative->condition.text;

    if (alternative->condition.n_comparisons > 0) {
        if (is_key) {
            ADD_FACT(facts, if_holds, name, text);
        } else {
            ADD_FACT(facts, given_if, name, text);
        }
    } else if (is_key) {
        ADD_FACT(facts, otherwise, name, NULL);
    } else {
        ADD_FACT(facts, given_otherwise, name, NULL);
    }
}

static void add_alternatives(struct facts *facts, uint32_t index,
                             const struct config_description *description)
{
    const char *name = facts->function->prototype.parameters[index].name;
    uint32_t n = description->n_alternatives;

    for (uint32_t i = 0; i < n; i++) {
        add_condition(facts, name, &description->alternatives[i], true);
        add_parameter(facts, index, &description->alternatives[i]);
    }
    if (n > 0 && description->alternatives[n - 1].condition.n_comparisons > 0) {
        ADD_FACT(facts, none_holds, name, NULL);
    }
}

static const enum fact_name inputs[] = {
    [INPUT_VARIABLE] = FACT_variable, [INPUT_ZONE] = FACT_zone,
    [INPUT_FILE] = FACT_file_state,   [INPUT_FOLDER] = FACT_folder,
    [INPUT_IDS] = FACT_ids,           [INPUT_LOCALE] = FACT_locale,
    [INPUT_THREAD] = FACT_thread,     [INPUT_ROUNDING] = FACT_rounding,
};

bool facts_reads_files(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->n_inputs; i++) {
        if (function->inputs[i].kind == INPUT_FILE || function->inputs[i].kind == INPUT_ZONE) {
            return true;
        }
    }
    return false;
}

bool facts_names_files(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        if (function->parameters[i].kind == DESCRIBE_PATH) {
            return true;
        }
    }
    return facts_reads_files(function);
}

static void add_inputs(struct facts *facts)
{
    const struct config_function *function = facts->function;

    for (uint32_t i = 0; i < function->n_inputs; i++) {
        const struct config_input *input = &function->inputs[i];
        const char *const arguments[FACT_ARGUMENTS] = {
            input->kind == INPUT_VARIABLE || input->kind == INPUT_FILE ? input->name : NULL};

        facts_add(facts, inputs[input->kind], input->text, arguments);
    }
    if (facts_reads_files(function) && function->check_every_ns != 0) {
        ADD_FACT(facts, looked_at_times, NULL, facts_duration(function->check_every_ns));
    } else if (facts_reads_files(function)) {
        ADD_FACT(facts, looked_at_each_call, NULL, NULL);
    }
    if (function->n_inputs > 0) {
        ADD_FACT(facts, nothing_further, NULL, NULL);
    } else {
        ADD_FACT(facts, no_further_inputs, NULL, NULL);
    }
}

void facts_add_key(struct facts *facts)
{
    const struct config_function *function = facts->function;
    const struct prototype *prototype = &function->prototype;

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (function->parameters[i].kind == DESCRIBE_ALTERNATIVES) {
            add_alternatives(facts, i, &function->parameters[i]);
        } else {
            add_parameter(facts, i, &function->parameters[i]);
        }
    }
    if (prototype->n_parameters == 0) {
        ADD_FACT(facts, no_parameters, NULL, NULL);
    }
    if (is_written(function) && prototype->n_parameters > 1) {
        ADD_FACT(facts, overlap, NULL, NULL);
    }
    for (uint32_t i = 0; i < function->n_aliases; i++) {
        ADD_FACT(facts, alias, NULL, function->aliases[i]);
    }
    add_inputs(facts);
    if (function->has_secret) {
        ADD_FACT(facts, digest, NULL, NULL);
    }
}

/* ---- what a hit gives back ------------------------------------------------------------------- */

static void add_result(struct facts *facts, const struct config_description *result)
{
    const struct config_function *function = facts->function;
    const char *into = result->lifetime.kind == LIFETIME_INTO
                           ? function->prototype.parameters[result->lifetime.parameter].name
                           : NULL;

    if (result->lifetime.kind == LIFETIME_IMMORTAL) {
        ADD_FACT(facts, returns_same, "result", function->prototype.result->text);
        facts_add_writes(facts, "result", result);
        return;
    }
    switch (result->kind) {
    case DESCRIBE_ADDRESS:
        ADD_FACT(facts, returns_address, "result", function->prototype.result->text);
        break;
    case DESCRIBE_OFFSET:
        ADD_FACT(facts, returns_offset, "result", into);
        return;
    case DESCRIBE_OUT_STRING:
        ADD_FACT(facts, returns_text, "result", NULL);
        break;
    case DESCRIBE_MEMORY:
        ADD_FACT(facts, returns_memory, "result", facts_result_memory(result));
        break;
    default:
        if (function->prototype.result->kind == CTYPE_VOID) {
            ADD_FACT(facts, returns_nothing, "result", NULL);
        } else {
            ADD_FACT(facts, returns_value, "result", function->prototype.result->text);
        }
        break;
    }
    facts_add_writes(facts, "result", result);
}

static void add_out(struct facts *facts, const char *name,
                    const struct config_description *description)
{
    if (description->is_out) {
        ADD_FACT(facts, gives_memory, name, facts_amount(description));
        facts_add_writes(facts, name, description);
    }
}

static void add_alternative_outs(struct facts *facts, const char *name,
                                 const struct config_description *description)
{
    for (uint32_t i = 0; i < description->n_alternatives; i++) {
        if (description->alternatives[i].is_out) {
            add_condition(facts, name, &description->alternatives[i], false);
            add_out(facts, name, &description->alternatives[i]);
        }
    }
}

void facts_add_given(struct facts *facts)
{
    const struct config_function *function = facts->function;
    const struct config_description *result = &function->result;

    for (uint32_t i = 0; i < result->n_alternatives; i++) {
        add_condition(facts, "result", &result->alternatives[i], false);
        add_result(facts, &result->alternatives[i]);
    }
    if (result->kind != DESCRIBE_ALTERNATIVES) {
        add_result(facts, result);
    }
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        const char *name = function->prototype.parameters[i].name;

        add_out(facts, name, &function->parameters[i]);
        if (any_is_out(&function->parameters[i])) {
            add_alternative_outs(facts, name, &function->parameters[i]);
        }
    }
    for (uint32_t i = 0; i < function->n_globals; i++) {
        const char *name = function->globals[i].name;

        ADD_FACT(facts, gives_variable, name, facts_amount(&function->globals[i].description));
        facts_add_writes(facts, name, &function->globals[i].description);
    }
    if (function->captures_errno) {
        ADD_FACT(facts, gives_errno, "errno", NULL);
    } else {
        ADD_FACT(facts, leaves_errno, "errno", NULL);
    }
    ADD_FACT(facts, no_effects, NULL, NULL);
}
