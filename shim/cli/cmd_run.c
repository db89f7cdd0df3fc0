// SPDX-License-Identifier: MIT
/*
 * memoshim run: checks the configuration and the program, sets the environment and becomes the
 * program. Nothing stays behind: the exit status, the process and its descriptors are the
 * program's own.
 */
#include "cli/cli.h"
#include "cli/inline_config.h"
#include "cli/library.h"
#include "cli/program.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "run"

struct run {
    const char *config;     /* -c */
    char **functions;       /* -f: into the arguments, in order */
    unsigned n_functions;   /* of them */
    char **program;         /* and its arguments */
    char path[PATH_MAX];    /* of the program, if program_error is 0 */
    int program_error;      /* of program_find */
    char library[PATH_MAX]; /* absolute */
};

/* 0 to go on, else an exit status; CLI_OK after --help is told apart by *ret_done. */
static int parse_arguments(int n_arguments, char **arguments, struct run *run, bool *ret_done)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"function", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *ret_done = true;
    opterr = 0;
    while ((option = getopt_long(n_arguments, arguments, "+:c:f:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            if (run->config != NULL) {
                cli_complain_usage(NAME, "-c is given twice");
                return CLI_FAILED;
            }
            run->config = optarg;
            break;
        case 'f':
            run->functions[run->n_functions++] = optarg;
            break;
        case 'h':
            cli_print_help(NAME);
            return CLI_OK;
        case ':':
            cli_complain_usage(NAME, "'%s' needs a value", arguments[optind - 1]);
            return CLI_FAILED;
        default:
            cli_complain_usage(NAME, "there is no option '%s'", arguments[optind - 1]);
            return CLI_FAILED;
        }
    }
    if (run->config != NULL && run->n_functions > 0) {
        cli_complain_usage(NAME, "-c and -f exclude each other");
        return CLI_FAILED;
    }
    if (arguments[optind] == NULL) {
        cli_complain_usage(NAME, "there is no program to run");
        return CLI_FAILED;
    }
    run->program = arguments + optind;
    *ret_done = false;
    return CLI_OK;
}

static int out_of_memory(void)
{
    cli_complain("%s", strerror(ENOMEM));
    return CLI_FAILED;
}

/* The length of the name that -f begins with. */
static size_t name_length(const char *function)
{
    return strcspn(function, ":");
}

/* The i-th -f names what an earlier one names. */
static bool is_named_before(const struct run *run, unsigned i)
{
    size_t n_bytes = name_length(run->functions[i]);

    for (unsigned k = 0; k < i; k++) {
        if (name_length(run->functions[k]) == n_bytes &&
            strncmp(run->functions[k], run->functions[i], n_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* One -f on its own: positions in text that the user never saw would help nobody. */
static int check_function(char **function)
{
    struct diagnostic_list diagnostics;
    struct config_model model;
    const char *problem;
    char *text = inline_config_make(function, 1, &problem);

    if (text == NULL && problem == NULL) {
        return out_of_memory();
    }
    if (text == NULL) {
        cli_complain_usage(NAME, "-f '%s': %s", *function, problem);
        return CLI_FAILED;
    }
    diagnostics_init(&diagnostics, cli_memory());
    if (config_load("-f", text, strlen(text), cli_memory(), &model, &diagnostics) != 0) {
        for (uint32_t i = 0; i < diagnostics.n_items; i++) {
            const struct diagnostic *item = &diagnostics.items[i];

            cli_complain("-f '%s': %s", *function, item->text);
            if (item->hint != NULL) {
                cli_complain("-f '%s': hint: %s", *function, item->hint);
            }
        }
        free(text);
        return CLI_FAILED;
    }
    free(text);
    return CLI_OK;
}

/* -f: the configuration itself goes into the environment. */
static int use_functions(struct run *run)
{
    int status = CLI_OK;
    const char *problem;
    char *text;

    for (unsigned i = 0; i < run->n_functions; i++) {
        int one = check_function(&run->functions[i]);

        if (is_named_before(run, i)) {
            cli_complain_usage(NAME, "-f '%s': this function is given twice", run->functions[i]);
            one = CLI_FAILED;
        }
        status = one != CLI_OK ? one : status;
    }
    if (status != CLI_OK) {
        return status;
    }
    text = inline_config_make(run->functions, run->n_functions, &problem);
    if (text == NULL || setenv("MEMOSHIM_CONFIG", text, 1) != 0) {
        status = out_of_memory();
    }
    free(text);
    return status;
}

/* As the program will find it, which may run in another folder: absolute. */
static int export_path(const char *path)
{
    char *folder, *absolute;
    int error;

    if (path[0] == '/') {
        return setenv("MEMOSHIM_CONFIG", path, 1) == 0 ? CLI_OK : out_of_memory();
    }
    folder = getcwd(NULL, 0);
    if (folder == NULL) {
        cli_complain("cannot tell the current folder: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (asprintf(&absolute, "%s/%s", folder, path) < 0) {
        free(folder);
        return out_of_memory();
    }
    error = setenv("MEMOSHIM_CONFIG", absolute, 1);
    free(folder);
    free(absolute);
    return error == 0 ? CLI_OK : out_of_memory();
}

/* -c, or without it what the shim itself would find. */
static int use_file(struct run *run)
{
    const struct config_surroundings surroundings = {
        .memoshim_config = run->config != NULL ? run->config : getenv("MEMOSHIM_CONFIG"),
        .xdg_config_home = getenv("XDG_CONFIG_HOME"),
        .home = getenv("HOME"),
        .started_as = run->program[0],
        .executable = run->program_error == 0 ? run->path : NULL,
        .check_only_explicit = run->config != NULL,
    };
    struct diagnostic_list diagnostics;
    struct config_source source;
    struct config_model model;
    int found;

    diagnostics_init(&diagnostics, cli_memory());
    found = config_find(&surroundings, cli_memory(), &source, &diagnostics);
    if (found == 0) {
        cli_complain("there is no configuration for %s: give one with -c or -f", run->program[0]);
        return CLI_FAILED;
    }
    if (found < 0 || config_load(source.file, source.text, source.n_bytes, cli_memory(), &model,
                                 &diagnostics) != 0) {
        cli_print_diagnostics(&diagnostics);
        return CLI_FAILED;
    }
    return run->config != NULL ? export_path(run->config) : CLI_OK;
}

/* Says why the program cannot be run, or cannot be reached. */
static int check_program(const struct run *run)
{
    char room[PATH_MAX + 200];
    const char *refused;

    if (run->program_error != 0) {
        cli_complain("cannot run %s: %s", run->program[0], strerror(-run->program_error));
        return run->program_error == -ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE;
    }
    refused = program_refused(run->path, room, sizeof(room));
    if (refused != NULL) {
        cli_complain("%s", refused);
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* Ours goes first; what is there stays. */
static int preload_library(struct run *run)
{
    const char *others = getenv("LD_PRELOAD");
    int error = library_find(run->library, sizeof(run->library));
    char *list;

    if (error != 0) {
        cli_complain("cannot find libmemoshim.so: %s: %s", run->library, strerror(-error));
        return CLI_FAILED;
    }
    if (strpbrk(run->library, " :") != NULL) {
        cli_complain("the dynamic linker cannot preload %s: its path holds a space or a colon",
                     run->library);
        return CLI_FAILED;
    }
    if (others == NULL || others[0] == '\0') {
        return setenv("LD_PRELOAD", run->library, 1) == 0 ? CLI_OK : out_of_memory();
    }
    if (asprintf(&list, "%s:%s", run->library, others) < 0) {
        return out_of_memory();
    }
    error = setenv("LD_PRELOAD", list, 1);
    free(list);
    return error == 0 ? CLI_OK : out_of_memory();
}

static int run_program(struct run *run)
{
    int status, error;

    run->program_error = program_find(run->program[0], run->path, sizeof(run->path));
    status = run->n_functions > 0 ? use_functions(run) : use_file(run);
    status = status == CLI_OK ? check_program(run) : status;
    status = status == CLI_OK ? preload_library(run) : status;
    if (status != CLI_OK) {
        return status;
    }
    execvp(run->program[0], run->program);
    error = errno;
    cli_complain("cannot run %s: %s", run->program[0], strerror(error));
    return error == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE;
}

int cmd_run(int n_arguments, char **arguments)
{
    struct run *run = calloc(1, sizeof(*run));
    char **functions = calloc((size_t)n_arguments, sizeof(*functions));
    int status = CLI_FAILED;
    bool done;

    if (run == NULL || functions == NULL) {
        status = out_of_memory();
    } else {
        run->functions = functions;
        status = parse_arguments(n_arguments, arguments, run, &done);
        if (!done) {
            status = run_program(run);
        }
    }
    free(functions);
    free(run);
    return status;
}
