// SPDX-License-Identifier: MIT
/* What one run of memoshim check has to say, and the two forms in which it is said. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/findings.h"
#include "cli/launch.h"
#include "cli/reach.h"

struct check {
    struct launch launch;
    struct diagnostic_list errors;           /* of the configuration */
    bool has_model;                          /* there are none */
    const char *explain;                     /* --explain, or NULL */
    const struct config_function *explained; /* which that is, or NULL */
    /* Why the program was not started or says nothing; code NULL: it did. */
    struct {
        const char *code, *text, *hint;
    } problem;
    bool has_reach; /* it did: what follows is there */
    struct findings findings;
    struct reach reach;
};

/* Asks the program of check->launch, once there is a model. A status; with it, problem or reach. */
int check_program(struct check *check);

/* On stdout; errors and problems of the program, which text has on stderr, are not in it. */
void check_print_text(const struct check *check);

/* One object on stdout, whatever there is to say. */
void check_print_json(struct check *check);

/* Whether there is something to be said about a function: about all, or the one to explain. */
bool check_shows(const struct check *check, const struct config_function *function);

#endif
