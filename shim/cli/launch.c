// SPDX-License-Identifier: MIT
/* See launch.h. */
#include "cli/launch.h"

#include "cli/cli.h"
#include "cli/inline_config.h"
#include "cli/library.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool launch_take_option(struct launch *launch, int option, char *value)
{
    if (option == 'c' && launch->config != NULL) {
        cli_complain_usage(launch->command, "-c is given twice");
        return false;
    }
    if (option == 'c') {
        launch->config = value;
    } else {
        launch->functions[launch->n_functions++] = value;
    }
    if (launch->config != NULL && launch->n_functions > 0) {
        cli_complain_usage(launch->command, "-c and -f exclude each other");
        return false;
    }
    return true;
}

void launch_find_program(struct launch *launch)
{
    if (launch->program != NULL) {
        launch->program_error =
            program_find(launch->program[0], launch->path, sizeof(launch->path));
        if (launch->program_error == 0) {
            program_look(launch->path, &launch->image);
        }
    }
}

static enum launch_outcome out_of_memory(void)
{
    cli_complain("%s", strerror(ENOMEM));
    return LAUNCH_OUT_OF_MEMORY;
}

/* ---- -f -------------------------------------------------------------------------------------- */

/* The length of the name that -f begins with. */
static size_t name_length(const char *function)
{
    return strcspn(function, ":");
}

/* The i-th -f names what an earlier one names. */
static bool is_named_before(const struct launch *launch, unsigned i)
{
    size_t n_bytes = name_length(launch->functions[i]);

    for (unsigned k = 0; k < i; k++) {
        if (name_length(launch->functions[k]) == n_bytes &&
            strncmp(launch->functions[k], launch->functions[i], n_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* As a file is shown in diagnostics. */
static const char *label_of(const char *function)
{
    struct config_memory memory = cli_memory();
    size_t n_bytes = strlen(function) + sizeof("-f ''");
    char *label = memory.alloc(memory.context, n_bytes);

    if (label == NULL) {
        return "-f";
    }
    snprintf(label, n_bytes, "-f '%s'", function);
    return label;
}

static void add_error(struct diagnostic_list *errors, const char *file, const char *text,
                      const char *hint)
{
    if (errors->n_items == DIAGNOSTICS_MAX) {
        errors->n_suppressed++;
        return;
    }
    errors->items[errors->n_items++] =
        (struct diagnostic){.file = file, .text = text, .hint = hint};
}

/* One -f on its own: positions in text that the user never saw would help nobody. */
static bool check_function(char **function, struct diagnostic_list *errors)
{
    static struct diagnostic_list found;
    struct config_model model;
    const char *problem, *label = label_of(*function);
    char *text = inline_config_make(function, 1, &problem);

    if (text == NULL && problem == NULL) {
        return false;
    }
    if (text == NULL) {
        add_error(errors, label, problem, NULL);
        return true;
    }
    diagnostics_init(&found, cli_memory());
    if (config_load("-f", text, strlen(text), cli_memory(), &model, &found) != 0) {
        for (uint32_t i = 0; i < found.n_items; i++) {
            add_error(errors, label, found.items[i].text, found.items[i].hint);
        }
    }
    free(text);
    return true;
}

/* The configuration itself goes into the environment. */
static enum launch_outcome use_functions(struct launch *launch, struct diagnostic_list *reterr)
{
    const char *problem;
    bool has_memory;
    char *text;

    for (unsigned i = 0; i < launch->n_functions; i++) {
        if (!check_function(&launch->functions[i], reterr)) {
            return out_of_memory();
        }
        if (is_named_before(launch, i)) {
            add_error(reterr, label_of(launch->functions[i]), "this function is given twice", NULL);
        }
    }
    if (reterr->n_items > 0) {
        launch->source.file = "-f";
        return LAUNCH_BAD_CONFIGURATION;
    }
    /* Kept: the model may point into it. */
    text = inline_config_make(launch->functions, launch->n_functions, &problem);
    has_memory = text != NULL && setenv("MEMOSHIM_CONFIG", text, 1) == 0;
    if (!has_memory) {
        return out_of_memory();
    }
    launch->source = (struct config_source){"-f", text, strlen(text)};
    return LAUNCH_READY;
}

/* ---- -c, and what is found without it -------------------------------------------------------- */

/* As the program will find it, which may run in another folder: absolute. */
static enum launch_outcome export_path(const char *path)
{
    char *folder, *absolute;
    int error;

    if (path[0] == '/') {
        return setenv("MEMOSHIM_CONFIG", path, 1) == 0 ? LAUNCH_READY : out_of_memory();
    }
    folder = getcwd(NULL, 0);
    if (folder == NULL) {
        cli_complain("cannot tell the current folder: %s", strerror(errno));
        return LAUNCH_OUT_OF_MEMORY;
    }
    if (asprintf(&absolute, "%s/%s", folder, path) < 0) {
        free(folder);
        return out_of_memory();
    }
    error = setenv("MEMOSHIM_CONFIG", absolute, 1);
    free(folder);
    free(absolute);
    return error == 0 ? LAUNCH_READY : out_of_memory();
}

/* As the shim in the program will be told its name: a script is its interpreter's. */
static void find_for_program(const struct launch *launch, struct config_surroundings *surroundings)
{
    bool is_script = launch->program_error == 0 && launch->image.is_script;

    if (launch->program != NULL) {
        surroundings->started_as = is_script ? launch->image.path : launch->program[0];
        surroundings->executable = launch->program_error == 0 ? launch->image.path : NULL;
    }
}

static bool is_folder(const char *path)
{
    struct stat status;

    return path != NULL && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static enum launch_outcome use_file(struct launch *launch, struct diagnostic_list *reterr)
{
    struct config_surroundings surroundings = {
        .memoshim_config = launch->config != NULL ? launch->config : getenv("MEMOSHIM_CONFIG"),
        .xdg_config_home = getenv("XDG_CONFIG_HOME"),
        .home = getenv("HOME"),
        .check_only_explicit = launch->config != NULL,
    };
    int found;

    launch->source.file = launch->config;
    if (launch->program == NULL && is_folder(launch->config)) {
        add_error(reterr, launch->config, "a folder, in which each program has a file of its own",
                  "name the file, or a program of which PROGRAM.json is there: check -c FOLDER -- "
                  "PROGRAM");
        return LAUNCH_BAD_CONFIGURATION;
    }
    if (launch->program == NULL && launch->config != NULL) {
        found =
            config_read_file(launch->config, cli_memory(), &launch->source, reterr) == 0 ? 1 : -1;
    } else {
        find_for_program(launch, &surroundings);
        found = config_find(&surroundings, cli_memory(), &launch->source, reterr);
    }
    if (found <= 0) {
        return found == 0 ? LAUNCH_NO_CONFIGURATION : LAUNCH_BAD_CONFIGURATION;
    }
    return launch->config != NULL && launch->program != NULL ? export_path(launch->config)
                                                             : LAUNCH_READY;
}

enum launch_outcome launch_configure(struct launch *launch, struct diagnostic_list *reterr)
{
    enum launch_outcome outcome =
        launch->n_functions > 0 ? use_functions(launch, reterr) : use_file(launch, reterr);

    if (outcome == LAUNCH_READY &&
        config_load(launch->source.file, launch->source.text, launch->source.n_bytes, cli_memory(),
                    &launch->model, reterr) != 0) {
        return LAUNCH_BAD_CONFIGURATION;
    }
    return outcome;
}

void launch_print_errors(const struct launch *launch, const struct diagnostic_list *errors)
{
    if (launch->n_functions == 0) {
        cli_print_diagnostics(errors);
        return;
    }
    for (uint32_t i = 0; i < errors->n_items; i++) {
        const struct diagnostic *item = &errors->items[i];

        cli_complain("%s: %s", item->file, item->text);
        if (item->hint != NULL) {
            cli_complain("%s: hint: %s", item->file, item->hint);
        }
    }
}

void launch_print_missing(const struct launch *launch)
{
    if (launch->program == NULL) {
        cli_complain_usage(launch->command, "there is no configuration: name one with -c or -f");
    } else if (launch->config != NULL && launch->config[0] != '\0') {
        cli_complain("there is no configuration for %s in %s", launch->program[0], launch->config);
    } else {
        cli_complain("there is no configuration for %s: give one with -c or -f",
                     launch->program[0]);
    }
}

/* ---- the library ----------------------------------------------------------------------------- */

bool launch_preload(struct launch *launch)
{
    const char *others = getenv("LD_PRELOAD");
    int error = library_find(launch->library, sizeof(launch->library));
    char *list;

    if (error != 0) {
        cli_complain("cannot find libmemoshim.so: %s: %s", launch->library, strerror(-error));
        return false;
    }
    if (strpbrk(launch->library, " :") != NULL) {
        cli_complain("the dynamic linker cannot preload %s: its path holds a space or a colon",
                     launch->library);
        return false;
    }
    /* Ours goes first; what is there stays. */
    if (others == NULL || others[0] == '\0') {
        return setenv("LD_PRELOAD", launch->library, 1) == 0 ||
               out_of_memory() != LAUNCH_OUT_OF_MEMORY;
    }
    if (asprintf(&list, "%s:%s", launch->library, others) < 0) {
        return out_of_memory() != LAUNCH_OUT_OF_MEMORY;
    }
    error = setenv("LD_PRELOAD", list, 1);
    free(list);
    return error == 0 || out_of_memory() != LAUNCH_OUT_OF_MEMORY;
}
