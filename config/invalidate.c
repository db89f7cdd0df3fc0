// SPDX-License-Identifier: MIT
/*
 * Reads the list `invalidate`: which calls and which files clear a function's entries, or those of
 * them that one argument tells apart. Whether such a function exists is seen when it is hooked.
 */
#include "config/language.h"

#include <string.h>

#define PATH_MAX_BYTES 4095

/* One element of the list while it is read. */
struct element {
    struct workspace *work;
    const struct value *value;
    const struct invalidate_scope *scope;
    struct config_invalidation *ret;
    struct config_match *matches; /* of ret */
    uint32_t n_pairs;             /* of `match` */
};

const char *invalidate_unusable(const struct config_description *description,
                                const struct ctype *type)
{
    if (description->is_secret) {
        return "it is secret";
    }
    if (description->round != 0 || description->drop_bits != 0) {
        return "the key has it rounded";
    }
    switch (description->kind) {
    case DESCRIBE_VALUE:
        return ctype_is_complex(type)  ? "it is a complex number"
               : ctype_is_record(type) ? "it is a struct or union"
                                       : NULL;
    case DESCRIBE_ADDRESS:
        return NULL;
    case DESCRIBE_STRING:
        return description->element_size > 1 ? "it is wide text" : NULL;
    case DESCRIBE_IGNORE:
        return "it is ignored, so it is not part of the key";
    case DESCRIBE_SCRATCH:
        return "it is scratch memory, so it is not part of the key";
    case DESCRIBE_STORAGE:
        return "it is a buffer to be filled, so it is not part of the key";
    case DESCRIBE_VIA:
        return "it is in the key by what a function says of it";
    case DESCRIBE_ALTERNATIVES:
        return "it has several descriptions";
    case DESCRIBE_PATH:
        return "the state of a file is part of it";
    default:
        return "it is memory whose content is read or written";
    }
}

/* An argument of their type can be what an argument of ours is, as ours is described. */
static bool can_be_equal(const struct ctype *theirs, const struct config_description *description,
                         const struct ctype *ours)
{
    if (description->kind == DESCRIBE_STRING) {
        return ctype_is_text_pointer(theirs);
    }
    if (ours->kind == CTYPE_POINTER || theirs->kind == CTYPE_POINTER) {
        return ours->kind == theirs->kind;
    }
    return theirs->size_bytes == ours->size_bytes &&
           ((ctype_is_integer(ours) && ctype_is_integer(theirs)) || ours->kind == theirs->kind);
}

static int find_parameter(struct element *element, const struct prototype *prototype,
                          const char *name, struct place place)
{
    int parameter = prototype_find(prototype, name, strlen(name));

    if (parameter < 0) {
        REPORT(element->work->list, place, UNKNOWN_PARAMETER, prototype->name, name,
               words_hint(element->work, name, prototype_names(element->work, prototype),
                          prototype->n_parameters));
    }
    return parameter;
}

/* "conn": "db" */
static void read_pair(struct element *element, const struct value *pair)
{
    const struct invalidate_scope *scope = element->scope;
    const struct prototype *prototype = &element->ret->prototype;
    const struct prototype_parameter *theirs, *ours;
    const char *problem;
    int their_number, our_number;

    if (!value_expect(element->work, pair, VALUE_STRING, "the name of a parameter")) {
        return;
    }
    their_number = find_parameter(element, prototype, pair->key, pair->key_place);
    our_number = find_parameter(element, scope->prototype, pair->source.text, pair->source.place);
    if (their_number < 0 || our_number < 0 || !scope->is_described) {
        return;
    }
    theirs = &prototype->parameters[their_number];
    ours = &scope->prototype->parameters[our_number];
    problem = invalidate_unusable(&scope->parameters[our_number], ours->type);
    if (scope->has_secret && !(scope->has_instances && element->n_pairs == 1 &&
                               (uint32_t)our_number == scope->instance_parameter)) {
        REPORT(element->work->list, pair->key_place, MATCH_SECRET);
    } else if (problem != NULL) {
        REPORT(element->work->list, pair->source.place, MATCH_UNUSABLE, ours->name, problem);
    } else if (!can_be_equal(theirs->type, &scope->parameters[our_number], ours->type)) {
        REPORT(element->work->list, pair->source.place, MATCH_TYPES, theirs->name,
               theirs->type->text, ours->name, ours->type->text);
    } else {
        element->matches[element->ret->n_matches++] =
            (struct config_match){(uint32_t)their_number, (uint32_t)our_number};
    }
}

static void read_match(struct element *element, const struct value *match)
{
    struct diagnostic_list *list = element->work->list;

    if (element->scope->prototype == NULL) {
        REPORT(list, match->key_place, MATCH_IN_DEFAULTS);
        return;
    }
    if (!value_expect(element->work, match, VALUE_OBJECT, "an object")) {
        return;
    }
    if (match->n_children == 0) {
        REPORT(list, match->source.place, MATCH_EMPTY);
    } else if (match->n_children > CONFIG_MAX_MATCHES) {
        REPORT(list, match->source.place, INVALIDATE_MANY,
               work_number(element->work, CONFIG_MAX_MATCHES), "");
    } else if (value_find(element->value, "prototype") == NULL) {
        REPORT(list, match->key_place, MATCH_NO_PROTOTYPE, element->ret->symbol);
    } else if (element->ret->prototype.name != NULL) {
        element->matches =
            work_alloc(element->work, match->n_children * sizeof(element->matches[0]));
        element->ret->matches = element->matches;
        element->n_pairs = match->n_children;
        for (const struct value *pair = match->first; pair != NULL; pair = pair->next) {
            read_pair(element, pair);
        }
    }
}

static void read_on_call(struct element *element, const struct value *on_call)
{
    struct workspace *work = element->work;
    struct config_invalidation *ret = element->ret;
    const struct value *prototype = value_find(element->value, "prototype");
    const struct value *match = value_find(element->value, "match");
    const struct value *check_every = value_find(element->value, "check_every");
    const uint32_t *offsets;

    if (check_every != NULL) {
        REPORT(work->list, check_every->key_place, INVALIDATE_APART, "check_every", "on_call");
    }
    if (!value_expect(work, on_call, VALUE_STRING, "the name of a function") ||
        !symbol_read(work, on_call->source.text, on_call->source.place, &ret->symbol,
                     &ret->version)) {
        return;
    }
    if (prototype != NULL && value_expect(work, prototype, VALUE_STRING, "a C declaration") &&
        prototype_parse(work, &prototype->source, &ret->prototype, &offsets) &&
        strcmp(ret->prototype.name, ret->symbol) != 0) {
        REPORT(work->list, prototype->source.place, OTHER_NAME, ret->prototype.name, ret->symbol);
    }
    if (match != NULL) {
        read_match(element, match);
    }
}

static void read_file(struct element *element, const struct value *file)
{
    static const char *const foreign[] = {"prototype", "match"};
    struct workspace *work = element->work;
    const struct value *value;

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if ((value = value_find(element->value, foreign[i])) != NULL) {
            REPORT(work->list, value->key_place, INVALIDATE_APART, foreign[i], "file");
        }
    }
    element->ret->kind = INVALIDATE_ON_FILE;
    if (value_expect(work, file, VALUE_STRING, "a path")) {
        element->ret->file = file->source.text;
        if (file->source.text[0] != '/' || strlen(file->source.text) > PATH_MAX_BYTES) {
            REPORT(work->list, file->source.place, FILE_NOT_ABSOLUTE, file->source.text);
        }
    }
    if ((value = value_find(element->value, "check_every")) != NULL) {
        units_read_duration(work, value, &element->ret->check_every_ns);
    }
}

static void read_element(struct element *element)
{
    const struct value *on_call = value_find(element->value, "on_call");
    const struct value *file = value_find(element->value, "file");
    struct diagnostic_list *list = element->work->list;

    element->ret->line = element->value->source.place.line;
    element->ret->column = element->value->source.place.column;
    if (on_call != NULL && file != NULL) {
        REPORT(list, element->value->source.place, INVALIDATE_BOTH);
    } else if (on_call != NULL) {
        read_on_call(element, on_call);
    } else if (file != NULL) {
        read_file(element, file);
    } else {
        REPORT(list, element->value->source.place, INVALIDATE_NOTHING);
    }
}

void invalidate_read(struct workspace *work, const struct value *list,
                     const struct invalidate_scope *scope, struct config_function *function)
{
    struct config_invalidation *invalidations;
    uint32_t n = 0, n_matching = 0;

    if (!value_expect(work, list, VALUE_ARRAY, "a list")) {
        return;
    }
    if (list->n_children == 0) {
        REPORT(work->list, list->source.place, EMPTY_LIST, "'invalidate'");
        return;
    }
    if (list->n_children > CONFIG_MAX_INVALIDATIONS) {
        REPORT(work->list, list->source.place, INVALIDATE_MANY,
               work_number(work, CONFIG_MAX_INVALIDATIONS), "");
        return;
    }
    invalidations = work_alloc(work, list->n_children * sizeof(invalidations[0]));
    for (const struct value *value = list->first; value != NULL; value = value->next) {
        struct element element = {work, value, scope, &invalidations[n], NULL, 0};

        if (!value_expect(work, value, VALUE_OBJECT, "an object") ||
            !keys_check(work, value, IN_INVALIDATE)) {
            continue;
        }
        read_element(&element);
        n_matching += invalidations[n++].n_matches > 0;
    }
    if (n_matching > CONFIG_MAX_MATCHES) {
        REPORT(work->list, list->source.place, INVALIDATE_MANY,
               work_number(work, CONFIG_MAX_MATCHES), " with 'match'");
    }
    function->invalidations = invalidations;
    function->n_invalidations = n;
}

static bool is_remembered(const struct config_model *model, const char *symbol)
{
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];
        bool is_its = strcmp(function->symbol, symbol) == 0;

        for (uint32_t k = 0; k < function->n_aliases; k++) {
            is_its |= strcmp(function->aliases[k], symbol) == 0;
        }
        if (function->mode != CONFIG_MODE_OFF && is_its) {
            return true;
        }
    }
    return false;
}

void invalidate_check(struct workspace *work, const char *file, const struct config_model *model)
{
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];
        bool is_of_defaults = i > 0 && function->invalidations == model->functions[0].invalidations;

        for (uint32_t k = 0; !is_of_defaults && k < function->n_invalidations; k++) {
            const struct config_invalidation *rule = &function->invalidations[k];

            if (rule->kind == INVALIDATE_ON_CALL && is_remembered(model, rule->symbol)) {
                REPORT(work->list, ((struct place){file, rule->line, rule->column}),
                       ON_CALL_MEMOIZED, rule->symbol);
            }
        }
    }
}
