// SPDX-License-Identifier: MIT
/* See reach.h. */
#include "cli/reach.h"

#include "base/demangle.h"
#include "cli/symtab.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define READABLE_MAX 1024
#define REMARKS_MAX  256 /* of a function */

struct conclusion {
    const struct config_model *model;
    const struct findings *findings;
    struct config_memory memory;
    bool is_out_of_memory;
};

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_HOOKED] = "hooked",   [VERDICT_PARTLY] = "partly",   [VERDICT_UNUSED] = "unused",
        [VERDICT_PENDING] = "pending", [VERDICT_REFUSED] = "refused", [VERDICT_OFF] = "off",
    };

    return names[verdict];
}

static void *take(struct conclusion *all, size_t n_bytes)
{
    void *memory = all->memory.alloc(all->memory.context, n_bytes);

    all->is_out_of_memory |= memory == NULL;
    return memory;
}

__attribute__((format(printf, 2, 3))) static const char *compose(struct conclusion *all,
                                                                 const char *format, ...)
{
    va_list arguments, again;
    char *text;
    int n;

    va_start(arguments, format);
    va_copy(again, arguments);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = n < 0 ? NULL : take(all, (size_t)n + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)n + 1, format, arguments);
    }
    va_end(arguments);
    return text;
}

static void add(struct conclusion *all, struct reach_function *of, const struct finding_hook *hook,
                const char *code, const char *text, const char *hint)
{
    if (of->remarks == NULL) {
        of->remarks = take(all, REMARKS_MAX * sizeof(of->remarks[0]));
    }
    if (of->remarks != NULL && text != NULL && of->n_remarks < REMARKS_MAX) {
        of->remarks[of->n_remarks++] = (struct remark){hook, code, text, hint};
    }
}

/* ---- of a definition ------------------------------------------------------------------------- */

static uint64_t slots_of(const struct finding_importer *importer)
{
    return importer->plt + importer->got + importer->pointers + importer->copied;
}

static bool sees_own_calls(const struct finding_hook *hook)
{
    for (size_t i = 0; i < hook->n_importers; i++) {
        if (strcmp(hook->importers[i].path, hook->path) == 0 && slots_of(&hook->importers[i]) > 0) {
            return true;
        }
    }
    return false;
}

static void remark_own_calls(struct conclusion *all, struct reach_function *of,
                             const struct finding_hook *hook)
{
    bool is_program =
        all->findings->n_objects > 0 && strcmp(all->findings->objects[0].path, hook->path) == 0;
    const char *library = hook->library;

    if (sees_own_calls(hook)) {
        return;
    }
    if (hook->is_protected) {
        add(all, of, hook, "own_calls",
            compose(all,
                    "calls inside %s are not seen: the symbol is protected, so they are "
                    "bound within it",
                    library),
            "build it with default visibility for this symbol");
    } else if (hook->is_symbolic) {
        add(all, of, hook, "own_calls",
            compose(all, "calls inside %s are not seen: it is linked with -Bsymbolic", library),
            "link it without -Bsymbolic");
    } else if (is_program) {
        add(all, of, hook, "own_calls",
            compose(all,
                    "calls inside %s are not seen: a program's calls of its own functions are "
                    "bound as it is linked",
                    library),
            "move the function into a shared library");
    } else {
        add(all, of, hook, "own_calls",
            compose(all, "calls inside %s, if there are any, are not seen: it has no slot for them",
                    library),
            "-fsemantic-interposition, no -Bsymbolic-functions, no -flto");
    }
}

static void remark_refused(struct conclusion *all, struct reach_function *of,
                           const struct finding_hook *hook)
{
    for (size_t i = 0; i < hook->n_importers; i++) {
        const struct finding_importer *importer = &hook->importers[i];
        const char *s = importer->unaligned == 1 ? "" : "s";

        if (importer->unaligned > 0) {
            add(all, of, hook, "unaligned",
                compose(all,
                        "%s keeps %llu pointer%s to it at odd addresses, where no single store "
                        "can change one: calls through them are not seen",
                        importer->library, (unsigned long long)importer->unaligned, s),
                "do not pack the structure that they stand in");
        }
        s = importer->sealed == 1 ? "" : "s";
        if (importer->sealed > 0) {
            add(all, of, hook, "sealed",
                compose(all,
                        "%s has %llu slot%s in memory that could not be made writable: calls "
                        "through them are not seen",
                        importer->library, (unsigned long long)importer->sealed, s),
                "link it with -z norelro");
        }
    }
}

static bool is_configured(const struct config_model *model, const char *symbol)
{
    for (uint32_t i = 0; i < model->n_functions; i++) {
        const struct config_function *function = &model->functions[i];
        bool is_its = strcmp(function->symbol, symbol) == 0;

        for (uint32_t k = 0; k < function->n_aliases; k++) {
            is_its |= strcmp(function->aliases[k], symbol) == 0;
        }
        if (is_its) {
            return true;
        }
    }
    return false;
}

static void remark_aliases(struct conclusion *all, struct reach_function *of,
                           const struct finding_hook *hook)
{
    for (size_t i = 0; i < hook->n_aliases; i++) {
        const struct finding_alias *alias = &hook->aliases[i];

        if (alias->n_slots > 0 && !is_configured(all->model, alias->name)) {
            add(all, of, hook, "alias",
                compose(all, "calls of the same code as %s, through %llu slot%s, are not seen",
                        alias->name, (unsigned long long)alias->n_slots,
                        alias->n_slots == 1 ? "" : "s"),
                compose(all, "\"alias\": [\"%s\"] in its entry", alias->name));
        }
    }
}

static bool has_refused(const struct finding_hook *hook)
{
    for (size_t i = 0; i < hook->n_importers; i++) {
        if (hook->importers[i].unaligned > 0 || hook->importers[i].sealed > 0) {
            return true;
        }
    }
    return false;
}

static void remark_definition(struct conclusion *all, struct reach_function *of,
                              const struct finding_hook *hook)
{
    if (hook->n_slots == 0 && !has_refused(hook)) {
        add(all, of, hook, "unused", hook->problem,
            "if the program calls it: the compiler may have inlined it, or put an instruction in "
            "its place (-fno-builtin prevents that)");
    }
    if (hook->n_slots > 0 && hook->problem != NULL && !has_refused(hook)) {
        add(all, of, hook, "limited", hook->problem, NULL);
    }
    remark_refused(all, of, hook);
    remark_aliases(all, of, hook);
    remark_own_calls(all, of, hook);
    if (hook->unexported != NULL) {
        add(all, of, hook, "not_exported",
            compose(all,
                    "objects that are loaded later are reached from their first dlsym, or one of "
                    "the next misses, on: %s",
                    hook->unexported),
            NULL);
    }
}

/* ---- of what is not hooked ------------------------------------------------------------------- */

/* What else has the name, in the tables that the dynamic linker reads. */
static void remark_namesakes(struct conclusion *all, struct reach_function *of,
                             const struct finding_hook *hook)
{
    const struct config_function *function = of->function;

    for (size_t i = 0; i < hook->n_namesakes; i++) {
        const struct finding_namesake *namesake = &hook->namesakes[i];
        const char *library = namesake->library;
        const char *version = namesake->version != NULL ? namesake->version : "";

        if (namesake->is_data) {
            add(all, of, NULL, "data",
                compose(all, "%s exports data of that name, not a function", library), NULL);
        } else if (namesake->is_hidden) {
            add(all, of, NULL, "hidden",
                compose(all, "%s hides its function of that name from other objects", library),
                "build it with default visibility for this symbol");
        } else if (namesake->role == FINDING_LOADER) {
            add(all, of, NULL, "loader",
                compose(all, "only the dynamic linker itself (%s) defines it", library), NULL);
        } else if (namesake->role == FINDING_VDSO) {
            add(all, of, NULL, "vdso", "only the kernel's vDSO defines it, and libc calls it",
                "name the function of libc that programs call");
        } else if (function->version != NULL && strcmp(function->version, version) != 0) {
            add(all, of, NULL, "other_version",
                version[0] != '\0' ? compose(all, "%s has it in version %s", library, version)
                                   : compose(all, "%s has it without a version", library),
                version[0] != '\0' ? compose(all, "write \"%s@%s\"", function->symbol, version)
                                   : compose(all, "write \"%s\"", function->symbol));
        } else if (function->library != NULL) {
            add(all, of, NULL, "other_library",
                compose(all, "%s defines it, not %s", library, function->library),
                compose(all, "write \"library\": \"%s\", or leave it out", library));
        }
    }
}

/* Of one object's file. */
static void remark_symbol(struct conclusion *all, struct reach_function *of,
                          const struct finding_object *object, enum symtab_found found)
{
    static const char way_out[] = "make it an exported function of a shared library";

    switch (found) {
    case SYMTAB_STATIC:
        add(all, of, NULL, "static",
            compose(all,
                    "%s has a static or hidden function of that name, whose calls were bound or "
                    "inlined as it was built",
                    object->library),
            way_out);
        break;
    case SYMTAB_HIDDEN:
        add(all, of, NULL, "hidden",
            compose(all,
                    "%s hides its function of that name from other objects, and its own "
                    "calls are bound within it",
                    object->library),
            "build it with default visibility for this symbol");
        break;
    case SYMTAB_INTERNAL:
        add(all, of, NULL, "internal",
            compose(all,
                    "%s has a function of that name and does not export it; its own calls "
                    "are bound within it",
                    object->library),
            way_out);
        break;
    case SYMTAB_NOTHING:
    case SYMTAB_STRIPPED:
        break;
    }
}

/*
 * Looks into the files for all functions that nothing defines, each file once. How many files
 * were stripped is said of those of which nothing else is.
 */
static void search_files(struct conclusion *all, struct reach *reach)
{
    const struct findings *findings = all->findings;
    struct reach_function **sought = take(all, reach->n_functions * sizeof(*sought));
    const char **names = take(all, reach->n_functions * sizeof(*names));
    enum symtab_found *found = take(all, reach->n_functions * sizeof(*found));
    size_t n_sought = 0, n_stripped = 0, n_files = 0;

    if (all->is_out_of_memory) {
        return;
    }
    for (size_t i = 0; i < reach->n_functions; i++) {
        if (reach->functions[i].verdict == VERDICT_PENDING && reach->functions[i].n_remarks == 0) {
            names[n_sought] = reach->functions[i].function->symbol;
            sought[n_sought++] = &reach->functions[i];
        }
    }
    for (size_t k = 0; n_sought > 0 && k < findings->n_objects; k++) {
        const struct finding_object *object = &findings->objects[k];

        if (object->role != FINDING_ORDINARY) {
            continue;
        }
        symtab_search(object->path, names, n_sought, found);
        n_files++;
        n_stripped += found[0] == SYMTAB_STRIPPED;
        for (size_t i = 0; i < n_sought; i++) {
            remark_symbol(all, sought[i], object, found[i]);
        }
    }
    for (size_t i = 0; i < n_sought; i++) {
        if (sought[i]->n_remarks > 0) {
            continue;
        }
        add(all, sought[i], NULL, "pending",
            "it is hooked when an object that defines it is loaded",
            "if none ever is: nm -D LIBRARY shows the names that can be used here, C++ ones as "
            "they are");
        if (n_stripped > 0) {
            add(all, sought[i], NULL, "stripped",
                compose(all,
                        "whether a static function has that name cannot be told: %zu of %zu "
                        "objects %s stripped",
                        n_stripped, n_files, n_stripped == 1 ? "is" : "are"),
                NULL);
        }
    }
}

/* ---- of a function --------------------------------------------------------------------------- */

static enum verdict verdict_of(const struct finding_hook *hook)
{
    switch (hook->state) {
    case FINDING_HOOKED:
        if (has_refused(hook)) {
            return hook->n_slots > 0 ? VERDICT_PARTLY : VERDICT_REFUSED;
        }
        if (hook->n_slots == 0) {
            return VERDICT_UNUSED;
        }
        return hook->problem != NULL ? VERDICT_PARTLY : VERDICT_HOOKED;
    case FINDING_PENDING:
        return VERDICT_PENDING;
    case FINDING_OFF:
        return VERDICT_OFF;
    case FINDING_REFUSED:
    case FINDING_SPARE:
        break;
    }
    return VERDICT_REFUSED;
}

static void gather_hooks(struct conclusion *all, struct reach_function *of)
{
    const struct findings *findings = all->findings;

    for (size_t i = 0; i < findings->n_hooks; i++) {
        of->n_hooks += findings->hooks[i].function == of->function;
    }
    of->hooks = take(all, of->n_hooks * sizeof(of->hooks[0]));
    of->n_hooks = 0;
    for (int is_spare = 0; of->hooks != NULL && is_spare < 2; is_spare++) {
        for (size_t i = 0; i < findings->n_hooks; i++) {
            const struct finding_hook *hook = &findings->hooks[i];

            if (hook->function == of->function && (hook->state == FINDING_SPARE) == is_spare) {
                of->hooks[of->n_hooks++] = hook;
            }
        }
    }
}

/* The worst of its definitions is the function's, apart from what is not used. */
static void conclude_function(struct conclusion *all, struct reach_function *of)
{
    char room[READABLE_MAX];

    if (demangle(of->function->symbol, room, sizeof(room)) != NULL) {
        of->readable = compose(all, "%s", room);
    }
    gather_hooks(all, of);
    of->verdict = of->n_hooks == 0 ? VERDICT_REFUSED : VERDICT_HOOKED;
    for (size_t i = 0; i < of->n_hooks; i++) {
        const struct finding_hook *hook = of->hooks[i];

        if (hook->state == FINDING_SPARE) {
            add(all, of, hook, "spare",
                compose(all, "%s of %s is there too, and nothing calls it", hook->name,
                        hook->library),
                NULL);
            continue;
        }
        of->verdict = verdict_of(hook) > of->verdict ? verdict_of(hook) : of->verdict;
        if (hook->state == FINDING_HOOKED) {
            remark_definition(all, of, hook);
        } else if (hook->state == FINDING_PENDING) {
            remark_namesakes(all, of, hook);
        }
    }
}

bool reach_conclude(const struct config_model *model, const struct findings *findings,
                    struct config_memory memory, struct reach *ret_reach)
{
    struct conclusion all = {.model = model, .findings = findings, .memory = memory};

    *ret_reach = (struct reach){.n_functions = model->n_functions};
    ret_reach->functions = take(&all, model->n_functions * sizeof(ret_reach->functions[0]));
    for (size_t i = 0; !all.is_out_of_memory && i < model->n_functions; i++) {
        struct reach_function *of = &ret_reach->functions[i];

        of->function = &model->functions[i];
        conclude_function(&all, of);
        ret_reach->n_hooked += of->verdict == VERDICT_HOOKED;
        ret_reach->n_off += of->verdict == VERDICT_OFF;
    }
    if (!all.is_out_of_memory) {
        search_files(&all, ret_reach);
    }
    return !all.is_out_of_memory;
}
