// SPDX-License-Identifier: MIT
/*
 * memoshim presets: the functions that need no prototype, and one of them in full, as a
 * configuration to copy.
 */
#include "cli/cli.h"
#include "cli/facts.h"
#include "cli/wrapped.h"

#include <string.h>

#define NAME   "presets"
#define INDENT 4
#define GAP    2

static bool same_header(const struct config_preset *a, const struct config_preset *b)
{
    return strcmp(a->header, b->header) == 0;
}

static bool same_group(const struct config_preset *a, const struct config_preset *b)
{
    return same_header(a, b) && strcmp(a->note, b->note) == 0;
}

/* True if no preset before the i-th is the same in this respect. */
static bool is_first(uint32_t i,
                     bool (*same)(const struct config_preset *a, const struct config_preset *b))
{
    const struct config_preset preset = config_preset_at(i);

    for (uint32_t k = 0; k < i; k++) {
        const struct config_preset before = config_preset_at(k);

        if (same(&before, &preset)) {
            return false;
        }
    }
    return true;
}

/* The note that some presets share, and their names in columns. */
static void print_group(const struct config_preset *first)
{
    unsigned width = 0, column = 0, n_short = 0;

    fputs("  ", stdout);
    wrapped_print(first->note, 2);
    for (uint32_t i = 0; i < config_n_presets; i++) {
        const struct config_preset preset = config_preset_at(i);

        if (same_group(&preset, first)) {
            unsigned n = (unsigned)strlen(preset.name);

            width = n > width ? n : width;
        }
    }
    for (uint32_t i = 0; i < config_n_presets; i++) {
        const struct config_preset preset = config_preset_at(i);

        if (!same_group(&preset, first)) {
            continue;
        }
        if (column + GAP + width > WRAPPED_COLUMNS) {
            putchar('\n');
            column = 0;
        }
        /* The blanks of a column are written before the next one, so none end a line. */
        printf("%*s%s", column == 0 ? INDENT : (int)(GAP + n_short), "", preset.name);
        column += (column == 0 ? INDENT : GAP) + width;
        n_short = width - (unsigned)strlen(preset.name);
    }
    putchar('\n');
}

static void print_all(void)
{
    for (uint32_t i = 0; i < config_n_presets; i++) {
        const struct config_preset preset = config_preset_at(i);

        if (!is_first(i, same_header)) {
            continue;
        }
        printf("%s\n", preset.header);
        for (uint32_t k = i; k < config_n_presets; k++) {
            const struct config_preset other = config_preset_at(k);

            if (same_header(&preset, &other) && is_first(k, same_group)) {
                print_group(&other);
            }
        }
        putchar('\n');
    }
    puts("'memoshim presets FUNCTION' shows one of them in full.");
}

static void print_line_start(int depth)
{
    printf("\n%*s", 2 * depth, "");
}

/* Compact JSON with line ends. Objects of the innermost kind stay on one line. */
static void print_indented(const char *json, int depth)
{
    bool in_string = false;
    int inline_depth = 0;

    for (; *json != '\0'; json++) {
        bool is_brace = !in_string && (*json == '{' || *json == '[');

        if (in_string || *json == '"') {
            putchar(*json);
            if (in_string && *json == '\\' && json[1] != '\0') {
                putchar(*++json);
            } else if (*json == '"') {
                in_string = !in_string;
            }
        } else if (is_brace &&
                   (inline_depth > 0 || strcspn(json + 1, "{[") > strcspn(json, "}]"))) {
            inline_depth++;
            printf("%c ", *json);
        } else if (is_brace) {
            putchar(*json);
            print_line_start(++depth);
        } else if ((*json == '}' || *json == ']') && inline_depth > 0) {
            inline_depth--;
            printf(" %c", *json);
        } else if (*json == '}' || *json == ']') {
            print_line_start(--depth);
            putchar(*json);
        } else if (*json == ',' && inline_depth > 0) {
            fputs(", ", stdout);
        } else if (*json == ',') {
            putchar(',');
            print_line_start(depth);
        } else {
            printf("%c%s", *json, *json == ':' ? " " : "");
        }
    }
}

/* The configuration's own complaint knows the nearest word. */
static int complain_unknown(const char *name)
{
    struct diagnostic_list diagnostics;
    struct config_model model;
    char *text = NULL;
    size_t n_bytes;
    FILE *out = open_memstream(&text, &n_bytes);

    if (out == NULL) {
        return CLI_UNKNOWN;
    }
    fputs("{\"version\": 1, \"functions\": {", out);
    cli_print_json_string(out, name);
    fputs(": {}}}", out);
    fclose(out);
    diagnostics_init(&diagnostics, cli_memory());
    cli_complain("there is no preset for '%s'", name);
    if (config_load(NAME, text, n_bytes, cli_memory(), &model, &diagnostics) != 0 &&
        diagnostics.n_items > 0 && diagnostics.items[0].hint != NULL) {
        cli_complain("hint: %s", diagnostics.items[0].hint);
    }
    return CLI_UNKNOWN;
}

int cmd_presets(int n_arguments, char **arguments)
{
    struct config_preset preset;

    if (n_arguments == 1) {
        print_all();
        return CLI_OK;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        cli_print_help(NAME);
        return CLI_OK;
    }
    if (n_arguments > 2 || arguments[1][0] == '-') {
        cli_complain_usage(NAME, "there is nothing to give but the name of one function");
        return CLI_BAD;
    }
    if (!config_preset_find(arguments[1], &preset)) {
        return complain_unknown(arguments[1]);
    }
    fputs("{\n  \"version\": 1,", stdout);
    if (preset.types != NULL) {
        fputs("\n  \"types\": ", stdout);
        print_indented(preset.types, 1);
        putchar(',');
    }
    if (preset.fields != NULL) {
        fputs("\n  \"fields\": ", stdout);
        print_indented(preset.fields, 1);
        putchar(',');
    }
    printf("\n  \"functions\": {\n    \"%s\": ", preset.name);
    if (preset.needs_ttl) {
        /* A copy has a prototype of its own, so nobody would ask for it. */
        print_indented(facts_format("{\"ttl\":\"1s\",%s", preset.text + 1), 2);
    } else {
        print_indented(preset.text, 2);
    }
    puts("\n  }\n}");
    return CLI_OK;
}
