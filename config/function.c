// SPDX-License-Identifier: MIT
/*
 * Reads one entry of `functions`: its name, its prototype or preset, and all that is said about
 * it. Here is checked that every pointer is described, and that the descriptions fit together.
 *
 * An entry without prototype takes the preset of its name. A key that the entry gives replaces the
 * preset's key of that name as a whole: `args` is not merged parameter by parameter. For policy
 * keys the entry goes before the preset, the preset before `defaults`.
 */
#include "config/shape.h"

#include <string.h>

/* One entry while it is read. */
struct entry {
    struct workspace *work;
    struct shape_scope shapes;  /* what its descriptions are read with */
    const struct value *given;  /* by the user */
    const struct value *preset; /* or NULL */
    const struct function_surroundings *around;
    const struct fields_table *fields; /* of the preset; or NULL */
    struct config_function *function;
    struct config_description *parameters;
    const struct value **parameter_values; /* what describes each; NULL: nothing does */
    const uint32_t *offsets;               /* of the parameters in the prototype's text */
    const struct value *prototype_value;
    bool is_good; /* of all descriptions: what rests on them is only checked then */
};

/* The entry's own value of a key, or else the preset's. */
static const struct value *entry_find(const struct entry *entry, const char *key)
{
    const struct value *value = value_find(entry->given, key);

    return value != NULL ? value : value_find(entry->preset, key);
}

/* ---- the name -------------------------------------------------------------------------------- */

static bool is_symbol(const char *text)
{
    if (*text == '\0' || (*text >= '0' && *text <= '9')) {
        return false;
    }
    for (; *text != '\0'; text++) {
        bool is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');

        if (!is_letter && !(*text >= '0' && *text <= '9') && strchr("_$.", *text) == NULL) {
            return false;
        }
    }
    return true;
}

bool symbol_read(struct workspace *work, const char *named, struct place place,
                 const char **ret_symbol, const char **ret_version)
{
    const char *at = strchr(named, '@');

    *ret_symbol = at != NULL ? work_copy_text(work, named, (size_t)(at - named)) : named;
    *ret_version = at != NULL ? at + 1 : NULL;
    if (!is_symbol(*ret_symbol) || (at != NULL && !is_symbol(*ret_version))) {
        REPORT(work->list, place, BAD_SYMBOL, named);
        return false;
    }
    return true;
}

static bool read_name(struct entry *entry)
{
    struct config_function *function = entry->function;

    function->named = entry->given->key;
    function->line = entry->given->key_place.line;
    function->column = entry->given->key_place.column;
    return symbol_read(entry->work, function->named, entry->given->key_place, &function->symbol,
                       &function->version);
}

/* ---- the prototype --------------------------------------------------------------------------- */

static bool read_prototype(struct entry *entry)
{
    struct workspace *work = entry->work;
    struct prototype *prototype = &entry->function->prototype;

    if (!preset_allows(work, entry->given, entry->function->symbol)) {
        return false;
    }
    if (value_find(entry->given, "prototype") == NULL) {
        /* What a preset says cannot be wrong by itself; what it is combined with can. */
        entry->function->from_preset = true;
        if (!preset_read(work, entry->given, entry->around->defaults_object,
                         entry->function->symbol, &entry->preset, &entry->fields)) {
            return false;
        }
    }
    entry->prototype_value = entry_find(entry, "prototype");
    if (!value_expect(work, entry->prototype_value, VALUE_STRING, "a C declaration") ||
        !prototype_parse(work, &entry->prototype_value->source, prototype, &entry->offsets)) {
        return false;
    }
    entry->function->declaration = entry->prototype_value->source.text;
    alias_read(work, value_find(entry->given, "alias"), value_find(entry->preset, "alias"),
               entry->prototype_value->source.place, entry->function);
    return true;
}

/* ---- descriptions ---------------------------------------------------------------------------- */

static void read_args(struct entry *entry)
{
    const struct prototype *prototype = &entry->function->prototype;
    const struct value *args = entry_find(entry, "args");

    if (args != NULL && !value_expect(entry->work, args, VALUE_OBJECT, "an object")) {
        entry->is_good = false;
        return;
    }
    for (const struct value *arg = args != NULL ? args->first : NULL; arg != NULL;
         arg = arg->next) {
        int parameter = prototype_find(prototype, arg->key, strlen(arg->key));

        if (parameter < 0) {
            REPORT(entry->work->list, arg->key_place, UNKNOWN_PARAMETER, prototype->name, arg->key,
                   words_hint(entry->work, arg->key, prototype_names(entry->work, prototype),
                              prototype->n_parameters));
            entry->is_good = false;
            continue;
        }
        entry->parameter_values[parameter] = arg;
        entry->is_good &= shape_read_parameter(&entry->shapes, arg, (uint32_t)parameter,
                                               &entry->parameters[parameter]);
    }
}

static void read_globals(struct entry *entry)
{
    const struct value *globals = entry_find(entry, "globals");

    if (globals != NULL) {
        entry->is_good &= globals_read(&entry->shapes, globals, entry->function);
    }
}

/* A struct by value that nothing describes: its pointers are followed as `fields` says. */
static void read_by_value(struct entry *entry, uint32_t parameter)
{
    struct workspace *work = entry->work;
    const struct prototype_parameter *passed = &entry->function->prototype.parameters[parameter];
    const struct shape_site site = {.type = passed->type,
                                    .name = work_join(work, "'", passed->name, "'")};

    entry->shapes.use = place_inside(&entry->prototype_value->source, entry->offsets[parameter]);
    entry->is_good &=
        shape_read_by_value(&entry->shapes, &site, &entry->parameters[parameter].reads);
}

static void check_described(struct entry *entry)
{
    const struct prototype *prototype = &entry->function->prototype;

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct ctype *type = prototype->parameters[i].type;

        if (entry->parameter_values[i] != NULL) {
            continue;
        }
        if (type->kind == CTYPE_POINTER) {
            REPORT(entry->work->list,
                   place_inside(&entry->prototype_value->source, entry->offsets[i]), UNDESCRIBED,
                   prototype->parameters[i].name, type->text,
                   suggest_parameter(entry->work, prototype, &prototype->parameters[i]));
            entry->is_good = false;
        } else if (ctype_is_record(type)) {
            read_by_value(entry, i);
        }
    }
}

static void read_returns(struct entry *entry)
{
    const struct value *returns = entry_find(entry, "returns");
    const struct ctype *type = entry->function->prototype.result;
    struct config_description *result = &entry->function->result;
    const struct place place = place_inside(&entry->prototype_value->source, 0);
    const struct shape_site site = {.direction = SHAPE_WRITTEN, .type = type, .name = "the result"};

    *result = (struct config_description){.kind = DESCRIBE_VALUE, .is_out = true};
    if (returns != NULL) {
        entry->is_good &= shape_read_result(&entry->shapes, returns, result);
    } else if (type->kind == CTYPE_POINTER) {
        REPORT(entry->work->list, place, RESULT_UNDESCRIBED, type->text,
               suggest_result(entry->work, &entry->function->prototype));
        entry->is_good = false;
    } else if (ctype_is_record(type)) {
        entry->shapes.use = place;
        entry->is_good &= shape_read_by_value(&entry->shapes, &site, &result->writes);
    }
}

/* ---- how the descriptions fit together ------------------------------------------------------- */

static bool is_out(const struct config_description *description)
{
    return description->is_out;
}

/* A function that gives nothing back leaves nothing to remember. */
static void check_gives(struct entry *entry)
{
    const struct prototype *prototype = &entry->function->prototype;
    bool gives = prototype->result->kind != CTYPE_VOID || entry->function->n_globals > 0;

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        gives |= shape_any(&entry->parameters[i], is_out);
    }
    if (!gives) {
        REPORT(entry->work->list, entry->given->key_place, NOTHING_TO_REMEMBER, prototype->name);
    }
}

static void read_conditions(struct entry *entry)
{
    struct config_function *function = entry->function;
    struct condition_scope scope = {.prototype = &function->prototype,
                                    .parameters = entry->parameters,
                                    .result = &function->result,
                                    .is_described = entry->is_good};
    const struct value *unless = entry_find(entry, "unless");
    const struct value *store_if = entry_find(entry, "store_if");

    scope.is_tested = store_if != NULL; /* it is asked before anything is captured */
    entry->is_good &= claims_read_conditions(&entry->shapes, &scope);
    scope.is_tested = false;
    if (unless != NULL) {
        condition_read(entry->work, unless, &scope, &function->unless);
    }
    scope.needs_errno = !function->captures_errno;
    if (store_if != NULL) {
        condition_read(entry->work, store_if, &scope, &function->store_if);
    }
}

static void read_instances(struct entry *entry)
{
    struct config_function *function = entry->function;
    const struct prototype *prototype = &function->prototype;
    const struct value *value = entry_find(entry, "per_instance");
    const struct value *bound = value_find(entry->given, "max_instances");
    const char *problem;
    int parameter;

    if (value == NULL) {
        if (bound != NULL) {
            REPORT(entry->work->list, bound->key_place, INSTANCES_ALONE);
        }
        return;
    }
    if (!value_expect(entry->work, value, VALUE_STRING, "the name of a parameter")) {
        return;
    }
    parameter = prototype_find(prototype, value->source.text, strlen(value->source.text));
    if (parameter < 0) {
        REPORT(entry->work->list, value->source.place, UNKNOWN_PARAMETER, prototype->name,
               value->source.text,
               words_hint(entry->work, value->source.text, prototype_names(entry->work, prototype),
                          prototype->n_parameters));
        return;
    }
    problem = entry->is_good ? invalidate_unusable(&entry->parameters[parameter],
                                                   prototype->parameters[parameter].type)
                             : NULL;
    if (problem != NULL) {
        REPORT(entry->work->list, value->source.place, INSTANCE_UNUSABLE, value->source.text,
               problem);
        return;
    }
    function->has_instances = true;
    function->instance_parameter = (uint32_t)parameter;
}

static void read_invalidate(struct entry *entry)
{
    const struct config_function *function = entry->function;
    struct invalidate_scope scope = {&function->prototype,    entry->parameters,
                                     entry->is_good,          function->has_secret,
                                     function->has_instances, function->instance_parameter};
    const struct value *invalidate = entry_find(entry, "invalidate");

    if (invalidate != NULL) {
        invalidate_read(entry->work, invalidate, &scope, entry->function);
    }
}

/* After the policy keys, which may contradict it. */
static void read_lives(struct entry *entry)
{
    const struct condition_scope scope = {.prototype = &entry->function->prototype,
                                          .parameters = entry->parameters,
                                          .result = &entry->function->result,
                                          .is_described = entry->is_good};
    const struct value *const objects[LIVES_N_OBJECTS] = {entry->given, entry->preset,
                                                          entry->around->defaults_object};

    lives_read_result(entry->work, objects, &scope, entry->function);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void read_descriptions(struct entry *entry)
{
    struct config_function *function = entry->function;
    uint32_t n_parameters = function->prototype.n_parameters;
    bool are_good;

    entry->parameters = work_alloc(entry->work, n_parameters * sizeof(entry->parameters[0]));
    entry->parameter_values =
        work_alloc(entry->work, n_parameters * sizeof(entry->parameter_values[0]));
    for (uint32_t i = 0; i < n_parameters; i++) {
        entry->parameters[i].kind = DESCRIBE_VALUE;
        entry->parameters[i].is_in = true;
    }
    function->parameters = entry->parameters;
    entry->is_good = true;
    entry->shapes = (struct shape_scope){
        .work = entry->work,
        .prototype = &function->prototype,
        .fields = {[FIELDS_OF_USER] = entry->around->fields, [FIELDS_OF_PRESET] = entry->fields}};
    read_args(entry);
    read_globals(entry);
    check_described(entry);
    if (entry->is_good) {
        check_gives(entry);
    }
    are_good = entry->is_good;
    read_returns(entry);
    if (are_good) {
        entry->is_good &= claims_check(&entry->shapes, entry->parameters, entry->parameter_values);
    }
    function->has_secret = entry->shapes.has_secret;
    function->has_secret_out = entry->shapes.has_secret_out;
    read_conditions(entry);
    read_instances(entry);
    read_invalidate(entry);
}

bool function_read(struct workspace *work, const struct value *value,
                   const struct function_surroundings *around, struct config_function *ret)
{
    uint32_t n_before = work->list->n_items + work->list->n_suppressed;
    struct entry entry = {.work = work, .given = value, .around = around, .function = ret};
    const struct value *captures_errno;
    bool is_declared;

    *ret = *around->defaults;
    if (!value_expect(work, value, VALUE_OBJECT, "an object")) {
        return false;
    }
    keys_check(work, value, IN_FUNCTION);
    is_declared = read_name(&entry);
    captures_errno = value_find(value, "errno");
    if (captures_errno != NULL) {
        value_expect(work, captures_errno, VALUE_BOOL, "true or false");
    }
    is_declared = is_declared && read_prototype(&entry);
    if (is_declared) {
        captures_errno = entry_find(&entry, "errno");
        ret->captures_errno = captures_errno != NULL && captures_errno->is_true;
        read_descriptions(&entry);
        inputs_read(work, entry_find(&entry, "key_also"), entry_find(&entry, "check_every"), ret);
    }
    policy_read(work, entry.preset, ret);
    policy_read(work, value, ret);
    if (is_declared) {
        read_lives(&entry);
    }
    return work->list->n_items + work->list->n_suppressed == n_before;
}
