// SPDX-License-Identifier: MIT
/*
 * memoshim check --json. The members that a definition shares with the statistics have the same
 * names and the same values there.
 */
#include "cli/check.h"

#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/facts.h"
#include "cli/summary.h"
#include <stdlib.h>
#include <string.h>

static void print_string(const char *text)
{
    if (text != NULL) {
        cli_print_json_string(stdout, text);
    } else {
        fputs("null", stdout);
    }
}

/* "name": "text", with what stands before it. */
static void print_member(const char *before, const char *name, const char *text)
{
    printf("%s\"%s\": ", before, name);
    print_string(text);
}

static void print_number(const char *name, uint64_t value)
{
    printf(", \"%s\": %llu", name, (unsigned long long)value);
}

/* By position, as diagnostics_print has them. */
static int compare_positions(const void *left, const void *right)
{
    const struct diagnostic *l = left, *r = right;

    return l->line != r->line ? (l->line > r->line) - (l->line < r->line)
                              : (l->column > r->column) - (l->column < r->column);
}

static void print_errors(struct diagnostic_list *errors)
{
    qsort(errors->items, errors->n_items, sizeof(errors->items[0]), compare_positions);
    fputs(",\n  \"errors\": [", stdout);
    for (uint32_t i = 0; i < errors->n_items; i++) {
        const struct diagnostic *item = &errors->items[i];

        print_member(i > 0 ? ",\n    { " : "\n    { ", "file", item->file);
        printf(", \"line\": %u, \"column\": %u", item->line, item->column);
        print_member(", ", "text", item->text);
        print_member(", ", "hint", item->hint);
        fputs(" }", stdout);
    }
    printf("%s],\n  \"errors_not_shown\": %u", errors->n_items > 0 ? "\n  " : "",
           errors->n_suppressed);
}

static void print_program(const struct check *check)
{
    const struct launch *launch = &check->launch;
    bool is_found = launch->program_error == 0;

    print_member(",\n  \"program\": {\n    ", "named", launch->program[0]);
    print_member(",\n    ", "path", is_found ? launch->path : NULL);
    print_member(",\n    ", "interpreter",
                 is_found && launch->image.is_script ? launch->image.path : NULL);
    fputs(",\n    \"problem\": ", stdout);
    if (check->problem.code != NULL) {
        print_member("{ ", "code", check->problem.code);
        print_member(", ", "text", check->problem.text);
        print_member(", ", "hint", check->problem.hint);
        fputs(" }", stdout);
    } else {
        fputs("null", stdout);
    }
    fputs(",\n    \"objects\": [", stdout);
    for (size_t i = 0; check->has_reach && i < check->findings.n_objects; i++) {
        const struct finding_object *object = &check->findings.objects[i];

        print_member(i > 0 ? ",\n      { " : "\n      { ", "object", object->library);
        print_member(", ", "path", object->path);
        fputs(" }", stdout);
    }
    printf("%s]\n  }", check->has_reach && check->findings.n_objects > 0 ? "\n    " : "");
}

static void print_importer(const struct finding_importer *importer)
{
    print_member("{ ", "object", importer->library);
    print_member(", ", "path", importer->path);
    print_number("plt", importer->plt);
    print_number("got", importer->got);
    print_number("pointers", importer->pointers);
    print_number("copied", importer->copied);
    print_number("unaligned", importer->unaligned);
    print_number("sealed", importer->sealed);
    fputs(" }", stdout);
}

static void print_aliases(const char *key, const struct finding_alias *aliases, size_t n_aliases)
{
    printf("          \"%s\": [", key);
    for (size_t i = 0; i < n_aliases; i++) {
        print_member(i > 0 ? ",\n            { " : "\n            { ", "name", aliases[i].name);
        print_number("slots", aliases[i].n_slots);
        fputs(" }", stdout);
    }
    fputs(n_aliases > 0 ? "\n          ]" : "]", stdout);
}

static void print_definition(const struct finding_hook *hook)
{
    print_member("{ ", "name", hook->name);
    printf(", \"used\": %s", hook->state == FINDING_HOOKED ? "true" : "false");
    printf(", \"hooked_slots\": %llu", (unsigned long long)hook->n_slots);
    print_member(",\n          ", "library", hook->library);
    print_member(", ", "path", hook->path);
    print_member(", ", "version", hook->version);
    printf(",\n          \"default\": %s, \"ifunc\": %s, \"exported\": %s",
           hook->is_default ? "true" : "false", hook->is_ifunc ? "true" : "false",
           hook->unexported == NULL ? "true" : "false");
    if (hook->unexported != NULL) {
        print_member(",\n          ", "not_exported", hook->unexported);
    }
    if (hook->problem != NULL) {
        print_member(",\n          ", "limits", hook->problem);
    }
    fputs(",\n          \"importers\": [", stdout);
    for (size_t i = 0; i < hook->n_importers; i++) {
        fputs(i > 0 ? ",\n            " : "\n            ", stdout);
        print_importer(&hook->importers[i]);
    }
    fputs(hook->n_importers > 0 ? "\n          ],\n" : "],\n", stdout);
    print_aliases("names", hook->names, hook->n_names);
    fputs(",\n", stdout);
    print_aliases("aliases", hook->aliases, hook->n_aliases);
    fputs(" }", stdout);
}

/* Why nothing is hooked: what statistics say under not_hooked. */
static const char *problem_of(const struct reach_function *of)
{
    for (size_t i = 0; i < of->n_hooks; i++) {
        if (of->hooks[i]->state == FINDING_PENDING || of->hooks[i]->state == FINDING_REFUSED) {
            return of->hooks[i]->problem;
        }
    }
    return NULL;
}

static void print_reach(const struct reach_function *of)
{
    bool is_first = true;

    print_member(",\n      ", "verdict", verdict_name(of->verdict));
    print_member(",\n      ", "demangled", of->readable);
    print_member(",\n      ", "not_hooked", problem_of(of));
    fputs(",\n      \"definitions\": [", stdout);
    for (size_t i = 0; i < of->n_hooks; i++) {
        if (of->hooks[i]->library != NULL) {
            fputs(is_first ? "\n        " : ",\n        ", stdout);
            is_first = false;
            print_definition(of->hooks[i]);
        }
    }
    fputs(is_first ? "],\n" : "\n      ],\n", stdout);
    fputs("      \"remarks\": [", stdout);
    for (size_t i = 0; i < of->n_remarks; i++) {
        const struct remark *remark = &of->remarks[i];

        print_member(i > 0 ? ",\n        { " : "\n        { ", "code", remark->code);
        print_member(", ", "about", remark->hook != NULL ? remark->hook->name : NULL);
        print_member(", ", "text", remark->text);
        print_member(", ", "hint", remark->hint);
        fputs(" }", stdout);
    }
    fputs(of->n_remarks > 0 ? "\n      ]" : "]", stdout);
}

static void print_warnings(const struct config_function *function)
{
    const struct facts facts = facts_collect_mind(function);
    bool is_first = true;

    print_member(",\n      ", "summary", summary_text(function));
    fputs(",\n      \"warnings\": [", stdout);
    for (size_t i = 0; i < facts.n_items; i++) {
        const struct fact *fact = &facts.items[i];

        if (fact->weight == FACT_WARNED) {
            print_member(is_first ? "\n        { " : ",\n        { ", "code", fact->code);
            print_member(", ", "about", fact->about);
            print_member(", ", "text", fact->text);
            fputs(" }", stdout);
            is_first = false;
        }
    }
    fputs(is_first ? "]" : "\n      ]", stdout);
}

static void print_functions(const struct check *check)
{
    const struct config_model *model = &check->launch.model;
    bool is_first = true;

    fputs(",\n  \"functions\": {", stdout);
    for (uint32_t i = 0; check->has_model && i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];

        if (!check_shows(check, function)) {
            continue;
        }
        fputs(is_first ? "\n    " : ",\n    ", stdout);
        is_first = false;
        cli_print_json_string(stdout, function->named);
        printf(": { \"mode\": \"%s\", \"preset\": %s, \"max_entries\": %llu, \"max_bytes\": %llu, "
               "\"ttl_ms\": %llu",
               summary_mode(function), function->from_preset ? "true" : "false",
               (unsigned long long)function->max_entries, (unsigned long long)function->max_bytes,
               (unsigned long long)(function->ttl_ns / 1000000));
        print_warnings(function);
        if (check->has_reach) {
            print_reach(&check->reach.functions[i]);
        }
        fputs(" }", stdout);
    }
    fputs(is_first ? "}" : "\n  }", stdout);
}

void check_print_json(struct check *check)
{
    print_member("{\n  ", "file", check->launch.source.file);
    print_errors(&check->errors);
    if (check->launch.program != NULL) {
        print_program(check);
    }
    if (check->explained != NULL) {
        fputs(",\n  \"explanation\": ", stdout);
        explain_print_json(check->explained);
    }
    print_functions(check);
    fputs("\n}\n", stdout);
}
