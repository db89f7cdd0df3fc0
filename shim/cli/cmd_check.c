// SPDX-License-Identifier: MIT
/*
 * memoshim check: what is wrong with a configuration, and what a right one says, in short or, of
 * one function, in sentences; with a program, which of its functions are reached there
 * (check_program.c).
 */
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define NAME "check"

bool check_shows(const struct check *check, const struct config_function *function)
{
    return check->explained == NULL || check->explained == function;
}

static int run_check(struct check *check)
{
    launch_find_program(&check->launch);
    diagnostics_init(&check->errors, cli_memory());
    switch (launch_configure(&check->launch, &check->errors)) {
    case LAUNCH_READY:
        check->has_model = true;
        if (check->explain != NULL &&
            !explain_find(&check->launch.model, check->explain, &check->explained)) {
            return CLI_BAD;
        }
        return check->launch.program != NULL ? check_program(check) : CLI_OK;
    case LAUNCH_NO_CONFIGURATION:
        launch_print_missing(&check->launch);
        return CLI_BAD;
    case LAUNCH_BAD_CONFIGURATION:
    case LAUNCH_OUT_OF_MEMORY:
        break;
    }
    return CLI_BAD;
}

/* It may hold names out of files that nobody vouches for. */
static void print_problem(const struct check *check)
{
    fputs("memoshim: ", stderr);
    cli_print_plain(stderr, check->problem.text, strlen(check->problem.text));
    fputc('\n', stderr);
    if (check->problem.hint != NULL) {
        cli_complain("hint: %s", check->problem.hint);
    }
}

static int check_and_print(struct check *check, bool as_json)
{
    int status = run_check(check);

    if (check->has_model && check->explain != NULL && check->explained == NULL) {
        return status;
    }
    if (as_json && (check->has_model || check->errors.n_items > 0)) {
        check_print_json(check);
        return status;
    }
    if (check->errors.n_items > 0) {
        launch_print_errors(&check->launch, &check->errors);
    }
    if (check->problem.code != NULL) {
        print_problem(check);
    }
    check_print_text(check);
    return status;
}

/* CLI_OK to go on, unless *ret_done. */
static int parse_arguments(int n_arguments, char **arguments, struct check *check,
                           bool *ret_as_json, bool *ret_done)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"function", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},         {"explain", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;

    *ret_done = true;
    opterr = 0;
    while ((option = getopt_long(n_arguments, arguments, "+:c:f:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
        case 'f':
            if (!launch_take_option(&check->launch, option, optarg)) {
                return CLI_BAD;
            }
            break;
        case 'j':
            *ret_as_json = true;
            break;
        case 'e':
            if (check->explain != NULL) {
                cli_complain_usage(NAME, "--explain is given twice");
                return CLI_BAD;
            }
            check->explain = optarg;
            break;
        case 'h':
            cli_print_help(NAME);
            return CLI_OK;
        default:
            cli_complain_option(NAME, option, arguments);
            return CLI_BAD;
        }
    }
    check->launch.program = arguments[optind] != NULL ? arguments + optind : NULL;
    *ret_done = false;
    return CLI_OK;
}

int cmd_check(int n_arguments, char **arguments)
{
    struct check *check = calloc(1, sizeof(*check));
    char **functions = calloc((size_t)n_arguments, sizeof(*functions));
    bool as_json = false, done;
    int status = CLI_BAD;

    if (check == NULL || functions == NULL) {
        cli_complain("%s", strerror(ENOMEM));
    } else {
        check->launch.command = NAME;
        check->launch.functions = functions;
        status = parse_arguments(n_arguments, arguments, check, &as_json, &done);
        if (!done) {
            status = check_and_print(check, as_json);
        }
    }
    free(functions);
    free(check);
    return status;
}
