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

/* "one double", "3 double", "'len' bytes", "'*n * 2' double". */
static const char *amount(const struct config_description *description)
{
    const struct config_count *count = &description->count;
    const char *unit = description->element != NULL ? description->element->text : "bytes";

    if (count->n_steps == 0) {
        return description->element != NULL ? facts_format("one %s", unit) : "one byte";
    }
    if (count->n_steps == 1 && count->steps[0].kind == COUNT_NUMBER) {
        return facts_format("%s %s", description->count_text, unit);
    }
    return facts_format("'%s' %s", description->count_text, unit);
}

static bool is_written(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        if (function->parameters[i].is_out) {
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

static void add_parameter(struct facts *facts, const struct prototype_parameter *parameter,
                          const struct config_description *description)
{
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
        ADD_FACT(facts, ignored, name, NULL);
        break;
    case DESCRIBE_SCRATCH:
        ADD_FACT(facts, scratch, name, NULL);
        break;
    default:
        if (description->is_in) {
            ADD_FACT(facts, content, name, amount(description));
            if (is_approximate(description)) {
                add_approximate(facts, name, description);
            }
        } else {
            ADD_FACT(facts, only_written, name, NULL);
        }
        break;
    }
    if (description->is_secret && description->is_in) {
        ADD_FACT(facts, secret, name, NULL);
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
        add_parameter(facts, &prototype->parameters[i], &function->parameters[i]);
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

static void add_result(struct facts *facts)
{
    const struct config_function *function = facts->function;
    const struct config_description *result = &function->result;
    const char *into = result->lifetime.kind == LIFETIME_INTO
                           ? function->prototype.parameters[result->lifetime.parameter].name
                           : NULL;

    switch (result->kind) {
    case DESCRIBE_ADDRESS:
        ADD_FACT(facts, returns_address, "result", function->prototype.result->text);
        break;
    case DESCRIBE_OFFSET:
        ADD_FACT(facts, returns_offset, "result", into);
        break;
    case DESCRIBE_OUT_STRING:
        if (into != NULL) {
            ADD_FACT(facts, returns_text_into, "result", into);
        } else {
            ADD_FACT(facts, returns_static_text, "result", function->symbol);
        }
        break;
    default:
        if (function->prototype.result->kind == CTYPE_VOID) {
            ADD_FACT(facts, returns_nothing, "result", NULL);
        } else {
            ADD_FACT(facts, returns_value, "result", function->prototype.result->text);
        }
        break;
    }
}

static void add_secret(struct facts *facts, const char *about,
                       const struct config_description *description)
{
    if (description->is_secret && description->is_out) {
        ADD_FACT(facts, secret_given, about, NULL);
    }
}

void facts_add_given(struct facts *facts)
{
    const struct config_function *function = facts->function;

    add_result(facts);
    add_secret(facts, "result", &function->result);
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        if (function->parameters[i].is_out) {
            ADD_FACT(facts, gives_memory, function->prototype.parameters[i].name,
                     amount(&function->parameters[i]));
        }
        add_secret(facts, function->prototype.parameters[i].name, &function->parameters[i]);
    }
    for (uint32_t i = 0; i < function->n_globals; i++) {
        ADD_FACT(facts, gives_variable, function->globals[i].name,
                 amount(&function->globals[i].description));
        add_secret(facts, function->globals[i].name, &function->globals[i].description);
    }
    if (function->captures_errno) {
        ADD_FACT(facts, gives_errno, "errno", NULL);
    } else {
        ADD_FACT(facts, leaves_errno, "errno", NULL);
    }
    ADD_FACT(facts, no_effects, NULL, NULL);
}
