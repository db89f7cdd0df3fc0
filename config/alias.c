// SPDX-License-Identifier: MIT
/*
 * Reads the other names under which a function is exported. A preset knows the names of its
 * function, and serves an entry of any of them.
 */
#include "config/language.h"

#include <string.h>

static bool is_listed(const char *const *names, uint32_t n_names, const char *name)
{
    for (uint32_t i = 0; i < n_names; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_list(struct workspace *work, const struct value *list,
                      struct config_function *function, const char **names)
{
    const char *version;

    for (const struct value *value = list->first; value != NULL; value = value->next) {
        if (!value_expect(work, value, VALUE_STRING, "the name of a function") ||
            !symbol_read(work, value->source.text, value->source.place, &names[function->n_aliases],
                         &version)) {
            continue;
        }
        if (version != NULL) {
            REPORT(work->list, value->source.place, ALIAS_VERSION, value->source.text);
        } else if (strcmp(value->source.text, function->symbol) == 0 ||
                   is_listed(names, function->n_aliases, value->source.text)) {
            REPORT(work->list, value->source.place, ALIAS_TWICE, value->source.text);
        } else {
            function->n_aliases++;
        }
    }
}

void alias_read(struct workspace *work, const struct value *given, const struct value *preset,
                struct place prototype_place, struct config_function *function)
{
    const struct value *list = given != NULL ? given : preset;
    const char *declared = function->prototype.name;
    const char **names = work_alloc(work, (CONFIG_MAX_ALIASES + 1) * sizeof(names[0]));

    function->aliases = names;
    if (given != NULL && !value_expect(work, given, VALUE_ARRAY, "a list of strings")) {
        return;
    }
    if (given != NULL && given->n_children > CONFIG_MAX_ALIASES) {
        REPORT(work->list, given->source.place, ALIAS_MANY, work_number(work, CONFIG_MAX_ALIASES));
        return;
    }
    if (given != NULL) {
        read_list(work, given, function, names);
    }
    for (const struct value *value = given == NULL && list != NULL ? list->first : NULL;
         value != NULL; value = value->next) {
        if (strcmp(value->source.text, function->symbol) != 0) {
            names[function->n_aliases++] = value->source.text;
        }
    }
    if (strcmp(declared, function->symbol) == 0) {
        return;
    }
    if (function->from_preset && given == NULL) {
        names[function->n_aliases++] = declared;
    } else if (!function->from_preset && !is_listed(names, function->n_aliases, declared)) {
        REPORT(work->list, prototype_place, OTHER_NAME, declared, function->symbol);
    }
    function->prototype.name = function->symbol;
}

/* Entries for other libraries may have the same names; one that stands twice was reported. */
static bool are_apart(const struct config_function *a, const struct config_function *b)
{
    return strcmp(a->named, b->named) == 0 ||
           (a->library != NULL && b->library != NULL && strcmp(a->library, b->library) != 0) ||
           (a->version != NULL && b->version != NULL && strcmp(a->version, b->version) != 0);
}

/* A name of a that b has, where one of them has it as another name; or NULL. */
static const char *find_shared(const struct config_function *a, const struct config_function *b)
{
    if (is_listed(b->aliases, b->n_aliases, a->symbol)) {
        return a->symbol;
    }
    for (uint32_t i = 0; i < a->n_aliases; i++) {
        if (strcmp(a->aliases[i], b->symbol) == 0 ||
            is_listed(b->aliases, b->n_aliases, a->aliases[i])) {
            return a->aliases[i];
        }
    }
    return NULL;
}

void alias_check(struct workspace *work, const char *file, const struct config_model *model)
{
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];

        for (uint32_t k = 0; k < i; k++) {
            const struct config_function *other = &model->functions[k];
            const char *shared = are_apart(function, other) ? NULL : find_shared(function, other);

            if (shared != NULL) {
                REPORT(work->list, ((struct place){file, function->line, function->column}),
                       ALIAS_TAKEN, function->named, shared, other->named);
            }
        }
    }
}
