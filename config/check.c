// SPDX-License-Identifier: MIT
/*
 * Reads the top of the configuration into the model, and answers whether the model acts in a
 * program. The entries of `functions` are function.c's.
 */
#include "config/shape.h"

#include <errno.h>
#include <string.h>

static void read_version(struct workspace *work, const struct value *root)
{
    const struct value *version = value_find(root, "version");

    if (version == NULL) {
        REPORT(work->list, root->source.place, VERSION_MISSING);
    } else if (value_expect(work, version, VALUE_NUMBER, "the number 1") &&
               strcmp(version->source.text, "1") != 0) {
        REPORT(work->list, version->source.place, OTHER_VERSION, version->source.text);
    }
}

/* The programs of a list that is not empty; returns how many. */
static uint32_t read_program_names(struct workspace *work, const struct value *programs,
                                   const char *const **ret_names)
{
    const char **names;
    uint32_t n_names = 0;

    names = work_alloc(work, programs->n_children * sizeof(names[0]));
    for (const struct value *child = programs->first; child != NULL; child = child->next) {
        const char *name = child->source.text, *slash;

        if (!value_expect(work, child, VALUE_STRING, "the name of a program")) {
            continue;
        }
        slash = strrchr(name, '/');
        if (name[0] == '\0' || (slash != NULL && (name[0] != '/' || slash[1] == '\0'))) {
            REPORT(work->list, child->source.place, BAD_PROGRAM, name);
            continue;
        }
        names[n_names++] = name;
    }
    *ret_names = names;
    return n_names;
}

static void read_programs(struct workspace *work, const struct value *programs,
                          struct config_model *model)
{
    if (!value_expect(work, programs, VALUE_ARRAY, "a list of strings")) {
        return;
    }
    if (programs->n_children == 0) {
        REPORT(work->list, programs->source.place, NO_PROGRAMS);
        return;
    }
    model->n_programs = read_program_names(work, programs, &model->programs);
}

static void read_children(struct workspace *work, const struct value *children,
                          struct config_model *model)
{
    int word;

    if (children->kind != VALUE_ARRAY) {
        if (!value_expect(work, children, VALUE_STRING,
                          "\"inherit\", \"off\" or a list of programs")) {
            return;
        }
        if (!word_is_near(children->source.text, WORDS_CHILDREN)) { /* the name of a program */
            REPORT(work->list, children->source.place, CHILDREN_NO_LIST, children->source.text);
        } else if (word_read(work, children, WORDS_CHILDREN, &word)) {
            model->children = word;
        }
        return;
    }
    if (children->n_children == 0) {
        REPORT(work->list, children->source.place, NO_CHILDREN);
        return;
    }
    model->children = CONFIG_CHILDREN_LISTED;
    model->n_child_programs = read_program_names(work, children, &model->child_programs);
}

static void read_functions(struct workspace *work, const struct value *root,
                           const struct function_surroundings *around, struct config_model *model)
{
    const struct value *object = value_find(root, "functions");
    struct config_function *functions;
    uint32_t n_functions = 0;

    if (object == NULL) {
        REPORT(work->list, root->source.place, FUNCTIONS_MISSING);
        return;
    }
    if (!value_expect(work, object, VALUE_OBJECT, "an object")) {
        return;
    }
    functions = work_alloc(work, object->n_children * sizeof(functions[0]));
    for (const struct value *entry = object->first; entry != NULL; entry = entry->next) {
        n_functions += function_read(work, entry, around, &functions[n_functions]);
    }
    model->functions = functions;
    model->n_functions = n_functions;
}

void model_read(struct workspace *work, const struct value *root, struct config_model *model)
{
    struct config_function defaults;
    struct function_surroundings around = {.defaults = &defaults};
    const struct value *value;

    if (root->kind != VALUE_OBJECT) {
        REPORT(work->list, root->source.place, TOP_NO_OBJECT, value_kind_text(root));
        return;
    }
    memset(&defaults, 0, sizeof(defaults));
    policy_init(&defaults);
    keys_check(work, root, IN_TOP);
    read_version(work, root);
    if ((value = value_find(root, "programs")) != NULL) {
        read_programs(work, value, model);
    }
    if ((value = value_find(root, "children")) != NULL) {
        read_children(work, value, model);
    }
    if ((value = value_find(root, "types")) != NULL) {
        types_read(work, value);
    }
    if ((value = value_find(root, "fields")) != NULL) {
        fields_open(work, value, &around.fields);
    }
    if ((value = value_find(root, "defaults")) != NULL &&
        value_expect(work, value, VALUE_OBJECT, "an object")) {
        keys_check(work, value, IN_DEFAULTS);
        policy_read(work, value, &defaults);
        if ((value = value_find(value, "invalidate")) != NULL) {
            invalidate_read(work, value, &(struct invalidate_scope){0}, &defaults);
        }
    }
    if ((value = value_find(root, "stats")) != NULL) {
        stats_read(work, value, &model->stats);
    }
    around.defaults_object = value_find(root, "defaults");
    read_functions(work, root, &around, model);
    invalidate_check(work, root->source.place.file, model);
    alias_check(work, root->source.place.file, model);
}

static const char *basename_of(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    return slash != NULL ? slash + 1 : path;
}

/* Whether one of the programs is the one of this path, started under this name. */
static bool is_named(const char *const *programs, uint32_t n_programs, const char *path,
                     const char *started_as)
{
    const char *names[] = {basename_of(path), basename_of(started_as), path};

    for (uint32_t i = 0; i < n_programs; i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (names[j] != NULL && strcmp(names[j], programs[i]) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool config_applies_to(const struct config_model *model, const char *path, const char *started_as)
{
    return model->n_programs == 0 || is_named(model->programs, model->n_programs, path, started_as);
}

bool config_applies_to_child(const struct config_model *model, const char *path,
                             const char *started_as)
{
    return model->children != CONFIG_CHILDREN_LISTED ||
           is_named(model->child_programs, model->n_child_programs, path, started_as);
}
