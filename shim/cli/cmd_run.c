// SPDX-License-Identifier: MIT
/*
 * memoshim run: checks the configuration, the variables and the program, sets the environment and
 * becomes the program. Nothing stays behind: the exit status, the process and its descriptors are
 * the program's own.
 */
#include "cli/cli.h"
#include "cli/launch.h"
#include "cli/program.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "run"

/* 0 to go on, else an exit status; CLI_OK after --help is told apart by *ret_done. */
static int parse_arguments(int n_arguments, char **arguments, struct launch *launch, bool *ret_done)
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
        case 'f':
            if (!launch_take_option(launch, option, optarg)) {
                return CLI_FAILED;
            }
            break;
        case 'h':
            cli_print_help(NAME);
            return CLI_OK;
        default:
            cli_complain_option(NAME, option, arguments);
            return CLI_FAILED;
        }
    }
    if (arguments[optind] == NULL) {
        cli_complain_usage(NAME, "there is no program to run");
        return CLI_FAILED;
    }
    launch->program = arguments + optind;
    *ret_done = false;
    return CLI_OK;
}

/* The library would print what is wrong with them, and leave the program to itself. */
static bool variables_are_right(struct diagnostic_list *errors)
{
    const struct config_variables variables = {
        .mode = getenv("MEMOSHIM_MODE"),
        .stats = getenv("MEMOSHIM_STATS"),
        .stats_format = getenv("MEMOSHIM_STATS_FORMAT"),
        .stats_signal = getenv("MEMOSHIM_STATS_SIGNAL"),
        .stats_interval = getenv("MEMOSHIM_STATS_INTERVAL"),
        .strict = getenv("MEMOSHIM_STRICT"),
    };
    struct config_overrides overrides;

    if (config_read_variables(&variables, &overrides, errors) != 0) {
        cli_print_diagnostics(errors);
        return false;
    }
    return true;
}

static bool configure(struct launch *launch)
{
    static struct diagnostic_list errors;

    diagnostics_init(&errors, cli_memory());
    switch (launch_configure(launch, &errors)) {
    case LAUNCH_READY:
        return variables_are_right(&errors);
    case LAUNCH_NO_CONFIGURATION:
        launch_print_missing(launch);
        break;
    case LAUNCH_BAD_CONFIGURATION:
        launch_print_errors(launch, &errors);
        break;
    case LAUNCH_OUT_OF_MEMORY:
        break;
    }
    return false;
}

/* Says why the program cannot be run, or cannot be reached. */
static int check_program(const struct launch *launch)
{
    char room[PROGRAM_REFUSED_MAX];
    const char *refused;

    if (launch->program_error != 0) {
        cli_complain("cannot run %s: %s", launch->program[0], strerror(-launch->program_error));
        return launch->program_error == -ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE;
    }
    refused = program_refused(&launch->image, room, sizeof(room));
    if (refused != NULL) {
        const char *hint = program_refusal_hint(launch->image.refusal);

        cli_complain("%s", refused);
        if (hint != NULL) {
            cli_complain("hint: %s", hint);
        }
        return CLI_FAILED;
    }
    return CLI_OK;
}

static int run_program(struct launch *launch)
{
    int status, error;

    launch_find_program(launch);
    status = configure(launch) ? check_program(launch) : CLI_FAILED;
    if (status != CLI_OK || !launch_preload(launch)) {
        return status != CLI_OK ? status : CLI_FAILED;
    }
    execvp(launch->program[0], launch->program);
    error = errno;
    cli_complain("cannot run %s: %s", launch->program[0], strerror(error));
    return error == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE;
}

int cmd_run(int n_arguments, char **arguments)
{
    struct launch *launch = calloc(1, sizeof(*launch));
    char **functions = calloc((size_t)n_arguments, sizeof(*functions));
    int status = CLI_FAILED;
    bool done;

    if (launch == NULL || functions == NULL) {
        cli_complain("%s", strerror(ENOMEM));
    } else {
        launch->command = NAME;
        launch->functions = functions;
        status = parse_arguments(n_arguments, arguments, launch, &done);
        if (!done) {
            status = run_program(launch);
        }
    }
    free(functions);
    free(launch);
    return status;
}
