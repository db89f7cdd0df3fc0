// SPDX-License-Identifier: MIT
/*
 * memoshim check --explain: which function is meant, and its facts, as text for people and as a
 * JSON object for scripts.
 */
#include "cli/explain.h"

#include "cli/cli.h"
#include "cli/facts.h"
#include "cli/wrapped.h"
#include <string.h>

#define INDENT    4
#define GAP       2
#define LABEL_MAX 14 /* longer labels stand above their text */

/* ---- which function -------------------------------------------------------------------------- */

bool explain_find(const struct config_model *model, const char *name,
                  const struct config_function **ret_function)
{
    struct config_preset unused;
    const char **names = NULL;
    const char *nearest;
    uint32_t n = model->n_functions;

    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(model->functions[i].named, name) == 0) {
            *ret_function = &model->functions[i];
            return true;
        }
    }
    names = cli_memory().alloc(cli_memory().context, (n + 1) * sizeof(names[0]));
    for (uint32_t i = 0; names != NULL && i < n; i++) {
        names[i] = model->functions[i].named;
    }
    nearest = names != NULL ? config_nearest(name, names, n) : NULL;
    fputs("memoshim: the configuration does not name '", stderr);
    cli_print_plain(stderr, name, strlen(name));
    fputs("'\n", stderr);
    if (config_preset_find(name, &unused)) {
        cli_complain("hint: what it is without one: memoshim check -f %s --explain %s", name, name);
    } else if (nearest != NULL) {
        cli_complain("hint: did you mean '%s'?", nearest);
    }
    return false;
}

/* ---- text ------------------------------------------------------------------------------------ */

static int label_width(const struct facts *facts)
{
    int width = 0;

    for (size_t i = 0; i < facts->n_items; i++) {
        const char *about = facts->items[i].about;
        int n = about != NULL ? (int)strlen(about) : 0;

        width = n > width ? n : width;
    }
    return width < LABEL_MAX ? width : LABEL_MAX;
}

/* One that is too long has a line of its own. */
static void print_label(const char *label, int width)
{
    printf("%*s", INDENT, "");
    cli_print_plain(stdout, label, strlen(label));
    if ((int)strlen(label) > width) {
        printf("\n%*s", INDENT + width + GAP, "");
    } else {
        printf("%*s", width + GAP - (int)strlen(label), "");
    }
}

/* The facts of a topic, each below the other; what they are about is said once. */
static void print_topic(const struct facts *facts, enum fact_topic topic, int width)
{
    const char *last = NULL;
    bool is_first = true;

    for (size_t i = 0; i < facts->n_items; i++) {
        const struct fact *fact = &facts->items[i];

        if (fact->topic != topic) {
            continue;
        }
        if (is_first) {
            printf("\n%s\n", facts_topic_heading(topic));
            is_first = false;
        }
        if (fact->about != NULL) {
            print_label(last != NULL && strcmp(fact->about, last) == 0 ? "" : fact->about, width);
            wrapped_print(fact->text, INDENT + width + GAP);
        } else {
            printf("%*s", INDENT, "");
            wrapped_print(fact->text, INDENT);
        }
        last = fact->about;
    }
}

void explain_print_text(const struct config_function *function)
{
    struct config_preset preset;
    bool is_preset = function->from_preset && config_preset_find(function->symbol, &preset);
    struct facts facts = facts_collect(function);
    int width = label_width(&facts);

    wrapped_print(function->declaration, 0);
    if (is_preset) {
        printf("%*s", INDENT, "");
        wrapped_print(facts_format("A preset. %s", preset.note), INDENT);
    }
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        print_topic(&facts, topic, width);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void print_string(const char *text)
{
    if (text != NULL) {
        cli_print_json_string(stdout, text);
    } else {
        fputs("null", stdout);
    }
}

static void print_fact(const struct fact *fact)
{
    printf("{ \"topic\": \"%s\", \"code\": \"%s\", \"warning\": %s, \"about\": ",
           facts_topic_word(fact->topic), fact->code,
           fact->weight == FACT_WARNED ? "true" : "false");
    print_string(fact->about);
    fputs(", \"values\": [", stdout);
    for (int i = 0; i < FACT_ARGUMENTS && fact->arguments[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        print_string(fact->arguments[i]);
    }
    fputs("],\n        \"text\": ", stdout);
    print_string(fact->text);
    fputs(" }", stdout);
}

void explain_print_json(const struct config_function *function)
{
    struct config_preset preset;
    bool is_preset = function->from_preset && config_preset_find(function->symbol, &preset);
    struct facts facts = facts_collect(function);

    fputs("{\n    \"function\": ", stdout);
    print_string(function->named);
    fputs(",\n    \"declaration\": ", stdout);
    print_string(function->declaration);
    fputs(",\n    \"note\": ", stdout);
    print_string(is_preset ? preset.note : NULL);
    fputs(",\n    \"facts\": [", stdout);
    for (size_t i = 0; i < facts.n_items; i++) {
        fputs(i > 0 ? ",\n      " : "\n      ", stdout);
        print_fact(&facts.items[i]);
    }
    fputs("\n    ]\n  }", stdout);
}
