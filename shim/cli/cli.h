// SPDX-License-Identifier: MIT
/*
 * What the subcommands of the memoshim command share. The command is an ordinary program: it may
 * print, allocate and exit. It shares the configuration's code with the shim, so that what it
 * accepts is what the shim accepts.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "config/config.h"
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses. Those of run, and of check for a program that cannot be started, are the ones of
 * env(1) and timeout(1). */
enum cli_status {
    CLI_OK = 0,
    CLI_UNKNOWN = 1,          /* presets: no such function; check: one that cannot be hooked */
    CLI_BAD = 2,              /* check: the configuration has errors; any: wrong usage */
    CLI_FAILED = 125,         /* run, check: memoshim itself failed */
    CLI_CANNOT_EXECUTE = 126, /* run, check: the program cannot be executed */
    CLI_NOT_FOUND = 127,      /* run, check: there is no such program */
};

/* arguments[0] is the subcommand's name; the array ends with NULL, as main's does. */
typedef int (*cli_command)(int n_arguments, char **arguments);

#define COMMAND(name, arguments, help) int cmd_##name(int n_arguments, char **arguments_of_it);
#include "cli/commands.def"
#undef COMMAND

/* "memoshim: TEXT" and a line end, on stderr. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A complaint about the usage of a subcommand, and where to read more. */
void cli_complain_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same about what getopt_long has answered with ':' or '?', just now. */
void cli_complain_option(const char *command, int answer, char *const *arguments);

/* The usage of one subcommand, on stdout. */
void cli_print_help(const char *command);

/* Memory for configurations, which lives as long as the process. */
struct config_memory cli_memory(void);

/* All diagnostics, on stderr. */
void cli_print_diagnostics(const struct diagnostic_list *diagnostics);

/* n bytes of text, what a terminal might take for a command as "?". */
void cli_print_plain(FILE *out, const char *text, size_t n_bytes);

/* text as a JSON string with its quotes. */
void cli_print_json_string(FILE *out, const char *text);

#endif
