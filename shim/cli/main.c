// SPDX-License-Identifier: MIT
/* The memoshim command: the table of its subcommands, the help, and what they share. */
#include "cli/cli.h"

#include "base/arena.h"
#include "stats/stats.h"
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)256 * 1024 * 1024)

static const struct {
    const char *name, *arguments, *help;
    cli_command run;
} commands[] = {
#define COMMAND(name, arguments, help) {#name, arguments, help, cmd_##name},
#include "cli/commands.def"
#undef COMMAND
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

void cli_complain(const char *format, ...)
{
    va_list arguments;

    fputs("memoshim: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void cli_complain_usage(const char *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "memoshim %s: ", command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry 'memoshim %s --help'.\n", command);
}

void cli_complain_option(const char *command, int answer, char *const *arguments)
{
    char letter[] = {'-', (char)optopt, '\0'};
    /* A letter may stand among others, behind which getopt has not looked yet. */
    const char *shown = optopt != 0 && strncmp(arguments[optind - 1], "--", 2) != 0
                            ? letter
                            : arguments[optind - 1];

    cli_complain_usage(command, answer == ':' ? "'%s' needs a value" : "there is no option '%s'",
                       shown);
}

void cli_print_help(const char *command)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(command, commands[i].name) == 0) {
            printf("Usage: memoshim %s %s\n%c%s.\n\nThe manual page memoshim(1) says more.\n",
                   commands[i].name, commands[i].arguments, commands[i].help[0] - 'a' + 'A',
                   commands[i].help + 1);
        }
    }
}

struct config_memory cli_memory(void)
{
    static struct arena arena;

    if (arena.limit_bytes == 0) {
        arena_init(&arena, ARENA_LIMIT_BYTES);
    }
    return (struct config_memory){arena_alloc_callback, &arena};
}

void cli_print_diagnostics(const struct diagnostic_list *diagnostics)
{
    size_t n_bytes = diagnostics_print(diagnostics, NULL, 0) + 1;
    char *text = malloc(n_bytes);

    if (text == NULL) {
        cli_complain("%s", strerror(ENOMEM));
        return;
    }
    diagnostics_print(diagnostics, text, n_bytes);
    fputs(text, stderr);
    free(text);
}

static int write_to_stream(void *context, const char *text, size_t n_bytes)
{
    return fwrite(text, 1, n_bytes, context) == n_bytes ? 0 : -EIO;
}

void cli_print_plain(FILE *out, const char *text, size_t n_bytes)
{
    const struct stats_sink sink = {write_to_stream, out};

    stats_write_plain(&sink, text, n_bytes);
}

void cli_print_json_string(FILE *out, const char *text)
{
    const struct stats_sink sink = {write_to_stream, out};

    stats_write_json_string(&sink, text); /* the stream remembers an error */
}

static void print_usage(FILE *out)
{
    fputs("Usage: memoshim COMMAND ...\n"
          "Remembers the results of functions in programs that are not recompiled.\n"
          "\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
    }
    fputs("\n"
          "'memoshim COMMAND --help' shows the arguments of one; the manual page memoshim(1) says\n"
          "more. 'memoshim --version' shows the version.\n",
          out);
}

/* What a program prints must have arrived before it says that all went well. */
static int flush_output(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_complain("cannot write: %s", strerror(errno));
        return status == CLI_OK ? CLI_FAILED : status;
    }
    return status;
}

static void complain_command(const char *word)
{
    const char *names[N_COMMANDS], *nearest;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    nearest = config_nearest(word, names, N_COMMANDS);
    cli_complain("there is no command '%s'", word);
    if (nearest != NULL) {
        cli_complain("hint: did you mean '%s'?", nearest);
    } else {
        print_usage(stderr);
    }
}

int main(int n_arguments, char **arguments)
{
    if (n_arguments < 2) {
        print_usage(stderr);
        return CLI_BAD;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        print_usage(stdout);
        return flush_output(CLI_OK);
    }
    if (strcmp(arguments[1], "--version") == 0) {
        puts("memoshim " MEMOSHIM_VERSION);
        return flush_output(CLI_OK);
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(arguments[1], commands[i].name) == 0) {
            return flush_output(commands[i].run(n_arguments - 1, arguments + 1));
        }
    }
    complain_command(arguments[1]);
    return CLI_BAD;
}
