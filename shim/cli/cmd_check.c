// SPDX-License-Identifier: MIT
/* memoshim check: what is wrong with a configuration, and in short what a right one says. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define NAME "check"

/* What later versions do, refused by name. */
static int refuse(const char *what)
{
    cli_complain_usage(NAME, "%s is not in this version yet", what);
    return CLI_BAD;
}

static const char *mode_name(const struct config_function *function)
{
    return function->mode == CONFIG_MODE_OFF ? "off" : "memoize";
}

static void print_text(const struct config_model *model)
{
    int width = 0;

    for (uint32_t i = 0; i < model->n_functions; i++) {
        int n = (int)strnlen(model->functions[i].named, 40);

        width = n > width ? n : width;
    }
    printf("%s: no errors, %u function%s\n", model->file, model->n_functions,
           model->n_functions == 1 ? "" : "s");
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];

        printf("  %-*s  %s, at most %llu entries and %llu bytes", width, function->named,
               mode_name(function), (unsigned long long)function->max_entries,
               (unsigned long long)function->max_bytes);
        if (function->ttl_ns != 0) {
            printf(", for %.9g s", (double)function->ttl_ns / 1e9);
        }
        printf("%s\n", function->from_preset ? " (preset)" : "");
    }
}

static void print_json_member(const char *name, const char *text)
{
    printf("\"%s\": ", name);
    if (text != NULL) {
        cli_print_json_string(stdout, text);
    } else {
        fputs("null", stdout);
    }
}

/* By position, as diagnostics_print has them. */
static int compare_positions(const void *left, const void *right)
{
    const struct diagnostic *l = left, *r = right;

    return l->line != r->line ? (l->line > r->line) - (l->line < r->line)
                              : (l->column > r->column) - (l->column < r->column);
}

/* model: NULL when there are errors. */
static void print_json(const char *file, struct diagnostic_list *diagnostics,
                       const struct config_model *model)
{
    qsort(diagnostics->items, diagnostics->n_items, sizeof(diagnostics->items[0]),
          compare_positions);
    fputs("{\n  ", stdout);
    print_json_member("file", file);
    fputs(",\n  \"errors\": [", stdout);
    for (uint32_t i = 0; i < diagnostics->n_items; i++) {
        const struct diagnostic *item = &diagnostics->items[i];

        fputs(i > 0 ? ",\n    { " : "\n    { ", stdout);
        print_json_member("file", item->file);
        printf(", \"line\": %u, \"column\": %u, ", item->line, item->column);
        print_json_member("text", item->text);
        fputs(", ", stdout);
        print_json_member("hint", item->hint);
        fputs(" }", stdout);
    }
    printf("%s],\n  \"errors_not_shown\": %u,\n  \"functions\": {",
           diagnostics->n_items > 0 ? "\n  " : "", diagnostics->n_suppressed);
    for (uint32_t i = 0; model != NULL && i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];

        fputs(i > 0 ? ",\n    " : "\n    ", stdout);
        cli_print_json_string(stdout, function->named);
        printf(": { \"mode\": \"%s\", \"preset\": %s, \"max_entries\": %llu, \"max_bytes\": %llu, "
               "\"ttl_ms\": %llu }",
               mode_name(function), function->from_preset ? "true" : "false",
               (unsigned long long)function->max_entries, (unsigned long long)function->max_bytes,
               (unsigned long long)(function->ttl_ns / 1000000));
    }
    puts(model != NULL && model->n_functions > 0 ? "\n  }\n}" : "}\n}");
}

static int check(const char *config, bool as_json)
{
    const struct config_surroundings surroundings = {
        .memoshim_config = config != NULL ? config : getenv("MEMOSHIM_CONFIG"),
        .xdg_config_home = getenv("XDG_CONFIG_HOME"),
        .home = getenv("HOME"),
        .check_only_explicit = config != NULL,
    };
    struct diagnostic_list diagnostics;
    struct config_source source = {.file = config};
    struct config_model model;
    int found, error;

    diagnostics_init(&diagnostics, cli_memory());
    if (config != NULL) {
        error = config_read_file(config, cli_memory(), &source, &diagnostics);
    } else {
        found = config_find(&surroundings, cli_memory(), &source, &diagnostics);
        if (found == 0) {
            cli_complain_usage(NAME, "there is no configuration: name one with -c");
            return CLI_BAD;
        }
        error = found < 0 ? found : 0;
    }
    if (error == 0) {
        error = config_load(source.file, source.text, source.n_bytes, cli_memory(), &model,
                            &diagnostics);
    }
    if (as_json) {
        print_json(source.file, &diagnostics, error == 0 ? &model : NULL);
    } else if (error == 0) {
        print_text(&model);
    } else {
        cli_print_diagnostics(&diagnostics);
    }
    return error == 0 ? CLI_OK : CLI_BAD;
}

int cmd_check(int n_arguments, char **arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"explain", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *config = NULL;
    bool as_json = false;
    int option;

    opterr = 0;
    while ((option = getopt_long(n_arguments, arguments, "+:c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'j':
            as_json = true;
            break;
        case 'e':
            return refuse("--explain");
        case 'h':
            cli_print_help(NAME);
            return CLI_OK;
        case ':':
            cli_complain_usage(NAME, "'%s' needs a value", arguments[optind - 1]);
            return CLI_BAD;
        default:
            cli_complain_usage(NAME, "there is no option '%s'", arguments[optind - 1]);
            return CLI_BAD;
        }
    }
    if (arguments[optind] != NULL) {
        return refuse("checking against a program");
    }
    return check(config, as_json);
}
