// SPDX-License-Identifier: MIT
#include "cli/inline_config.h"

#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>

/* JSON's numbers, leniently: what is no number in the end is refused where it is read. */
static bool is_literal(const char *value)
{
    size_t n_digits;

    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        return true;
    }
    value += *value == '-';
    n_digits = strspn(value, "0123456789");
    value += n_digits;
    if (*value == '.') {
        value++;
        value += strspn(value, "0123456789");
    }
    return n_digits > 0 && *value == '\0';
}

/* Writes "KEY": VALUE for one of the comma-separated settings. NULL, or what is wrong with it. */
static const char *write_setting(FILE *out, char *setting)
{
    char *value = strchr(setting, '=');

    if (value == NULL || value == setting || value[1] == '\0') {
        return "settings are written KEY=VALUE,KEY=VALUE";
    }
    *value++ = '\0';
    if (*value == '[' || *value == '{') {
        return "lists and objects can only stand in a file: name one with -c";
    }
    cli_print_json_string(out, setting);
    fputs(": ", out);
    if (is_literal(value)) {
        fputs(value, out);
    } else {
        cli_print_json_string(out, value);
    }
    return NULL;
}

static const char *write_function(FILE *out, const char *function)
{
    char *copy = strdup(function), *settings, *next;
    const char *problem = NULL;

    if (copy == NULL) {
        return "out of memory";
    }
    settings = strchr(copy, ':');
    if (settings != NULL) {
        *settings++ = '\0';
    }
    if (copy[0] == '\0') {
        problem = "the name of a function is missing";
    }
    cli_print_json_string(out, copy);
    fputs(": {", out);
    for (; settings != NULL && problem == NULL; settings = next) {
        next = strchr(settings, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        problem = write_setting(out, settings);
        fputs(next != NULL ? ", " : "", out);
    }
    fputs("}", out);
    free(copy);
    return problem;
}

char *inline_config_make(char *const *functions, unsigned n_functions, const char **ret_problem)
{
    const char *problem = NULL;
    size_t n_bytes;
    char *text;
    FILE *out = open_memstream(&text, &n_bytes);
    bool failed;

    *ret_problem = NULL;
    if (out == NULL) {
        return NULL;
    }
    fputs("{\"version\": 1, \"functions\": {", out);
    for (unsigned i = 0; i < n_functions && problem == NULL; i++) {
        fputs(i > 0 ? ", " : "", out);
        problem = write_function(out, functions[i]);
    }
    fputs("}}", out);
    failed = ferror(out);
    if (fclose(out) != 0 || failed || problem != NULL) {
        free(text);
        *ret_problem = problem;
        return NULL;
    }
    return text;
}
