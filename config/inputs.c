// SPDX-License-Identifier: MIT
/*
 * Reads the list `key_also`: what a function reads besides its arguments; and `check_every`, how
 * often the files among that are looked at.
 */
#include "config/language.h"

#include <string.h>

#define PATH_MAX_BYTES 4095

/* A word, or a prefix that a name follows. */
static const struct {
    const char *text;
    enum input_kind kind;
} forms[] = {
    {"env:", INPUT_VARIABLE}, {"tz", INPUT_ZONE},           {"file:", INPUT_FILE},
    {"cwd", INPUT_FOLDER},    {"uid", INPUT_IDS},           {"locale", INPUT_LOCALE},
    {"thread", INPUT_THREAD}, {"rounding", INPUT_ROUNDING},
};

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static bool takes_name(enum input_kind kind)
{
    return kind == INPUT_VARIABLE || kind == INPUT_FILE;
}

static void report_unknown(struct workspace *work, const struct value *value)
{
    const char *names[N_FORMS], *nearest;

    for (size_t i = 0; i < N_FORMS; i++) {
        names[i] = forms[i].text;
    }
    nearest = words_nearest(value->source.text, names, N_FORMS);
    REPORT(work->list, value->source.place, INPUT_UNKNOWN, value->source.text,
           nearest != NULL ? work_join(work, "did you mean '", nearest, "'?")
                           : "known here: env:NAME, tz, file:/PATH, cwd, uid, locale, thread, "
                             "rounding");
}

static bool read_input(struct workspace *work, const struct value *value, struct config_input *ret)
{
    const char *text = value->source.text;
    size_t i = 0, n_prefix;

    if (!value_expect(work, value, VALUE_STRING, "an input like \"env:LANG\"")) {
        return false;
    }
    for (; i < N_FORMS; i++) {
        n_prefix = strlen(forms[i].text);
        if (strncmp(text, forms[i].text, n_prefix) == 0 &&
            (takes_name(forms[i].kind) || text[n_prefix] == '\0')) {
            break;
        }
    }
    if (i == N_FORMS) {
        report_unknown(work, value);
        return false;
    }
    *ret = (struct config_input){forms[i].kind, text, text + n_prefix};
    if (ret->kind == INPUT_VARIABLE && (*ret->name == '\0' || strchr(ret->name, '=') != NULL)) {
        REPORT(work->list, value->source.place, INPUT_NO_VARIABLE, ret->name);
        return false;
    }
    if (ret->kind == INPUT_FILE && (*ret->name != '/' || strlen(ret->name) > PATH_MAX_BYTES)) {
        REPORT(work->list, value->source.place, FILE_NOT_ABSOLUTE, ret->name);
        return false;
    }
    return true;
}

static bool stands_before(const struct config_input *inputs, uint32_t n, const char *text)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(inputs[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void read_list(struct workspace *work, const struct value *list,
                      struct config_function *function)
{
    struct config_input *inputs;
    uint32_t n = 0;

    if (!value_expect(work, list, VALUE_ARRAY, "a list of strings")) {
        return;
    }
    if (list->n_children == 0) {
        REPORT(work->list, list->source.place, EMPTY_LIST, "'key_also'");
        return;
    }
    if (list->n_children > CONFIG_MAX_INPUTS) {
        REPORT(work->list, list->source.place, INPUTS_MANY, work_number(work, CONFIG_MAX_INPUTS));
        return;
    }
    inputs = work_alloc(work, list->n_children * sizeof(inputs[0]));
    for (const struct value *value = list->first; value != NULL; value = value->next) {
        if (!read_input(work, value, &inputs[n])) {
            continue;
        }
        if (stands_before(inputs, n, inputs[n].text)) {
            REPORT(work->list, value->source.place, INPUT_TWICE, inputs[n].text);
            continue;
        }
        function->keys_rounding |= inputs[n].kind == INPUT_ROUNDING;
        n++;
    }
    function->inputs = inputs;
    function->n_inputs = n;
}

void inputs_read(struct workspace *work, const struct value *key_also,
                 const struct value *check_every, struct config_function *function)
{
    bool has_files = false;

    if (key_also != NULL) {
        read_list(work, key_also, function);
    }
    for (uint32_t i = 0; i < function->n_inputs; i++) {
        has_files |=
            function->inputs[i].kind == INPUT_FILE || function->inputs[i].kind == INPUT_ZONE;
    }
    if (check_every == NULL || !units_read_duration(work, check_every, &function->check_every_ns)) {
        return;
    }
    if (!has_files) {
        REPORT(work->list, check_every->key_place, CHECK_EVERY_ALONE);
    }
}
