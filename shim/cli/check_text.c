// SPDX-License-Identifier: MIT
/*
 * memoshim check for people. Without a program a line for each function; with one a block for each:
 * where it comes from, who calls it, what is not seen, and below each of these, after an arrow,
 * what would change that. At most 80 columns, as long as one word fits.
 */
#include "cli/check.h"

#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/facts.h"
#include "cli/summary.h"
#include "cli/wrapped.h"
#include <stdlib.h>
#include <string.h>

#define INDENT 4
#define LABEL  10 /* the column of labels, a blank behind the longest included */

/* ---- lines ----------------------------------------------------------------------------------- */

/* *label is shown once: what follows stands below. */
static void print_labelled(const char **label, const char *text)
{
    printf("%*s%-*s", INDENT, "", LABEL, *label);
    *label = "";
    wrapped_print(text, INDENT + LABEL);
}

static void print_hint(const char *hint)
{
    if (hint != NULL) {
        printf("%*s-> ", INDENT + LABEL, "");
        wrapped_print(hint, INDENT + LABEL + 3);
    }
}

/* ---- a definition ---------------------------------------------------------------------------- */

static void print_provider(const struct finding_hook *hook)
{
    const char *label = "from";
    char *text;

    if (asprintf(&text, "%s%s%s%s%s", hook->library, hook->version != NULL ? ", version " : "",
                 hook->version != NULL ? hook->version : "",
                 hook->version == NULL ? ""
                 : hook->is_default    ? " (default)"
                                       : " (old)",
                 hook->is_ifunc ? ", chosen for this processor (IFUNC)" : "") >= 0) {
        print_labelled(&label, text);
        free(text);
    }
    print_labelled(&label, hook->path);
}

/* "2 of the PLT, 1 of the GOT ..." */
static void print_share(const char **label, const struct finding_importer *importer)
{
    const struct {
        uint64_t n;
        const char *what;
    } parts[] = {
        {importer->plt, "in the PLT"},
        {importer->got, "in the GOT"},
        {importer->pointers, "in data"},
        {importer->copied, "in copied data"},
        {importer->unaligned, "at odd addresses: not seen"},
        {importer->sealed, "in sealed memory: not seen"},
    };
    size_t n_bytes;
    char *text;
    FILE *out = open_memstream(&text, &n_bytes);
    bool is_first = true;

    if (out == NULL) {
        return;
    }
    fprintf(out, "%s:", importer->library);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].n > 0) {
            fprintf(out, "%s %llu %s", is_first ? "" : ",", (unsigned long long)parts[i].n,
                    parts[i].what);
            is_first = false;
        }
    }
    if (fclose(out) == 0) {
        print_labelled(label, text);
        free(text);
    }
}

/* The names that are hooked, if there are others than the configured one. */
static void print_names(const struct finding_hook *hook)
{
    const char *label = "named";

    for (size_t i = 0; i < hook->n_names; i++) {
        char *text;

        if (asprintf(&text, "%s: %llu slot%s", hook->names[i].name,
                     (unsigned long long)hook->names[i].n_slots,
                     hook->names[i].n_slots == 1 ? "" : "s") >= 0) {
            print_labelled(&label, text);
            free(text);
        }
    }
}

/* Other names that nobody uses; of those that are used there is a remark. */
static void print_aliases(const struct finding_hook *hook)
{
    const char *label = "also";
    size_t n_bytes, n = 0;
    char *text;
    FILE *out = open_memstream(&text, &n_bytes);

    if (out == NULL) {
        return;
    }
    for (size_t i = 0; i < hook->n_aliases; i++) {
        if (hook->aliases[i].n_slots == 0) {
            fprintf(out, "%s%s", n++ > 0 ? ", " : "", hook->aliases[i].name);
        }
    }
    fputs(n > 0 ? " (the same code; nothing calls it so)" : "", out);
    if (fclose(out) == 0) {
        if (n > 0) {
            print_labelled(&label, text);
        }
        free(text);
    }
}

static void print_definition(const struct finding_hook *hook)
{
    const char *label = "called by";

    print_provider(hook);
    print_names(hook);
    for (size_t i = 0; i < hook->n_importers; i++) {
        print_share(&label, &hook->importers[i]);
    }
    print_aliases(hook);
}

static const char *label_of(const struct remark *remark)
{
    static const struct {
        const char *code, *label;
    } labels[] = {
        {"own_calls", "limits"}, {"limited", "limits"}, {"alias", "limits"},
        {"unaligned", "limits"}, {"sealed", "limits"},  {"not_exported", "later"},
        {"spare", "other"},
    };

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (strcmp(remark->code, labels[i].code) == 0) {
            return labels[i].label;
        }
    }
    return remark->hook != NULL ? "unused" : "because";
}

/* Those about one definition, or, without one, about the function. */
static void print_remarks(const struct reach_function *of, const struct finding_hook *hook)
{
    const char *last = "";

    for (size_t i = 0; i < of->n_remarks; i++) {
        const struct remark *remark = &of->remarks[i];
        const char *label = label_of(remark), *shown = strcmp(label, last) != 0 ? label : "";

        if (remark->hook == hook) {
            print_labelled(&shown, remark->text);
            print_hint(remark->hint);
            last = label;
        }
    }
}

static void print_warnings(const struct config_function *function)
{
    const struct facts facts = facts_collect_mind(function);
    const char *label = "warning";

    for (size_t i = 0; i < facts.n_items; i++) {
        if (facts.items[i].weight == FACT_WARNED) {
            print_labelled(&label, facts.items[i].text);
        }
    }
}

static void print_function(const struct reach_function *of)
{
    static const char *const words[] = {
        [VERDICT_HOOKED] = "can be hooked",
        [VERDICT_PARTLY] = "can be hooked in part",
        [VERDICT_UNUSED] = "is called by nothing that is loaded at start",
        [VERDICT_PENDING] = "is not found at start",
        [VERDICT_REFUSED] = "cannot be hooked",
        [VERDICT_OFF] = "is off",
    };
    const char *label = "is";

    putchar('\n');
    cli_print_plain(stdout, of->function->named, strlen(of->function->named));
    printf(" %s\n", words[of->verdict]);
    if (of->readable != NULL) {
        print_labelled(&label, of->readable);
    }
    for (size_t i = 0; i < of->n_hooks; i++) {
        const struct finding_hook *hook = of->hooks[i];

        label = "because";
        if (hook->state == FINDING_HOOKED) {
            print_definition(hook);
        } else if (hook->state == FINDING_REFUSED) {
            print_labelled(&label, hook->problem);
        }
        print_remarks(of, hook);
    }
    print_remarks(of, NULL);
    print_warnings(of->function);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_reach(const struct check *check)
{
    const struct launch *launch = &check->launch;
    size_t n = check->reach.n_functions - check->reach.n_off, n_objects = 0;

    for (size_t i = 0; i < check->findings.n_objects; i++) {
        n_objects += check->findings.objects[i].role == FINDING_ORDINARY;
    }
    cli_print_plain(stdout, launch->path, strlen(launch->path));
    if (launch->image.is_script) {
        fputs(" (a script that ", stdout);
        cli_print_plain(stdout, launch->image.path, strlen(launch->image.path));
        fputs(" runs)", stdout);
    }
    printf(", %zu object%s: %zu of %zu function%s can be hooked\n", n_objects, plural(n_objects),
           check->reach.n_hooked, n, plural(n));
    for (size_t i = 0; i < check->reach.n_functions; i++) {
        if (check_shows(check, check->reach.functions[i].function)) {
            print_function(&check->reach.functions[i]);
        }
    }
}

static void print_model(const struct config_model *model)
{
    int width = 0;

    for (uint32_t i = 0; i < model->n_functions; i++) {
        int n = (int)strnlen(model->functions[i].named, 40);

        width = n > width ? n : width;
    }
    printf("%s: no errors, %u function%s\n", model->file, model->n_functions,
           plural(model->n_functions));
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];

        printf("  %-*s  ", width, function->named);
        wrapped_print(summary_text(function), width + 4);
        print_warnings(function);
    }
}

void check_print_text(const struct check *check)
{
    if (check->explained != NULL) {
        explain_print_text(check->explained);
    }
    if (check->has_reach) {
        fputs(check->explained != NULL ? "\n" : "", stdout);
        print_reach(check);
    } else if (check->has_model && check->explained == NULL && check->launch.program == NULL) {
        print_model(&check->launch.model);
    }
}
