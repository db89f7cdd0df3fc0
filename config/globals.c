// SPDX-License-Identifier: MIT
/*
 * Reads the variables that a function sets. One is described like a parameter that points to it, of
 * which nothing but what the description says is known.
 */
#include "config/shape.h"

#include <string.h>

/* The function's prototype, and a pointer to the variable behind its parameters. */
static bool extend(struct workspace *work, const struct prototype *prototype,
                   const struct value *value, struct prototype *ret)
{
    static const struct ctype memory = {.kind = CTYPE_VOID, .text = "void"};
    static const struct ctype pointer = {.kind = CTYPE_POINTER,
                                         .size_bytes = sizeof(void *),
                                         .alignment_bytes = _Alignof(void *),
                                         .target = &memory,
                                         .text = "a variable"};
    uint32_t n = prototype->n_parameters;
    struct prototype_parameter *parameters;

    if (n == PROTOTYPE_MAX_PARAMETERS) {
        return REPORT(work->list, value->key_place, TOO_MANY_PARAMETERS);
    }
    parameters = work_alloc(work, (n + 1) * sizeof(parameters[0]));
    if (n > 0) {
        memcpy(parameters, prototype->parameters, n * sizeof(parameters[0]));
    }
    /* No count and no lifetime can name it so. */
    parameters[n] =
        (struct prototype_parameter){work_join(work, "global ", value->key, ""), &pointer};
    *ret = *prototype;
    ret->parameters = parameters;
    ret->n_parameters = n + 1;
    return true;
}

static bool read_global(struct shape_scope *scope, const struct value *value,
                        struct config_global *ret)
{
    const struct prototype *prototype = scope->prototype;
    struct prototype extended;
    const char *symbol, *version;
    bool is_good;

    if (!symbol_read(scope->work, value->key, value->key_place, &symbol, &version)) {
        return false;
    }
    if (version != NULL) {
        return REPORT(scope->work->list, value->key_place, GLOBAL_VERSION, value->key);
    }
    if (!extend(scope->work, prototype, value, &extended)) {
        return false;
    }
    ret->name = symbol;
    scope->prototype = &extended;
    is_good = shape_read_parameter(scope, value, prototype->n_parameters, &ret->description);
    scope->prototype = prototype;
    if (is_good && (ret->description.kind != DESCRIBE_MEMORY || ret->description.is_in)) {
        return REPORT(scope->work->list, value->source.place, GLOBAL_NOT_OUT, value->key);
    }
    return is_good;
}

bool globals_read(struct shape_scope *scope, const struct value *object,
                  struct config_function *function)
{
    struct config_global *globals;
    bool is_good = true;

    if (!value_expect(scope->work, object, VALUE_OBJECT, "an object")) {
        return false;
    }
    if (object->n_children > CONFIG_MAX_GLOBALS) {
        return REPORT(scope->work->list, object->source.place, GLOBALS_MANY,
                      work_number(scope->work, CONFIG_MAX_GLOBALS));
    }
    globals = work_alloc(scope->work, (object->n_children + 1) * sizeof(globals[0]));
    for (const struct value *value = object->first; value != NULL; value = value->next) {
        is_good &= read_global(scope, value, &globals[function->n_globals++]);
    }
    function->globals = globals;
    return is_good;
}
