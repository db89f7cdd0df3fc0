// SPDX-License-Identifier: MIT
/*
 * Starting a program no further than its dynamic linker gets it, within bounds of time and bytes.
 * What the processes say is theirs: it is kept as it came and believed by nobody.
 */
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#define TRIAL_SECONDS 30

/* Bytes that came out of a pipe, with a NUL behind them; from malloc. */
struct trial_text {
    char *text;
    size_t n_bytes;
    bool is_cut; /* there were more than are kept */
};

struct trial {
    const char *path; /* of the file that is executed */
    char *const *arguments;
    struct trial_text said;   /* on standard output and standard error */
    struct trial_text answer; /* of the shim in it */
    int status;               /* as waitpid gives it */
    bool took_too_long;       /* and was ended */
};

/*
 * Asks the dynamic linker which objects it would load; nothing of them is executed. The list is
 * what is said. 0 or -errno.
 */
int trial_list_objects(struct trial *trial);

/* Starts the program with the shim, which must be in LD_PRELOAD, and takes its answer. */
int trial_ask(struct trial *trial);

void trial_free(struct trial *trial);

#endif
