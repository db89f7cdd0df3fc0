// SPDX-License-Identifier: MIT
/*
 * What run and check have in common: a program with its arguments, the configuration that -c, -f or
 * the environment gives it, and an environment in which it starts with memoshim.
 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/program.h"
#include "config/config.h"
#include <limits.h>
#include <stdbool.h>

struct launch {
    const char *command;         /* the subcommand, for complaints */
    const char *config;          /* -c */
    char **functions;            /* -f: into the arguments, in order; room for all of these */
    unsigned n_functions;        /* of them */
    char **program;              /* and its arguments; NULL: none */
    char path[PATH_MAX];         /* of the program, if program_error is 0 */
    int program_error;           /* of program_find */
    struct program_image image;  /* what is executed, if program_error is 0 */
    char library[PATH_MAX];      /* absolute; after launch_preload */
    struct config_source source; /* of the model */
    struct config_model model;   /* after launch_configure */
};

/* -c or -f. False after a complaint. */
bool launch_take_option(struct launch *launch, int option, char *value);

/* Looks for the program, if there is one. */
void launch_find_program(struct launch *launch);

enum launch_outcome {
    LAUNCH_READY,
    LAUNCH_NO_CONFIGURATION,
    LAUNCH_BAD_CONFIGURATION, /* with items in the list */
    LAUNCH_OUT_OF_MEMORY,     /* after a complaint */
};

/* Loads the configuration and, with a program, puts it into the environment. */
enum launch_outcome launch_configure(struct launch *launch, struct diagnostic_list *reterr);

/* All diagnostics of launch_configure, on stderr. */
void launch_print_errors(const struct launch *launch, const struct diagnostic_list *errors);

/* Of LAUNCH_NO_CONFIGURATION, on stderr. */
void launch_print_missing(const struct launch *launch);

/* Finds the library and puts it first in LD_PRELOAD. False after a complaint. */
bool launch_preload(struct launch *launch);

#endif
