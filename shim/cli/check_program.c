// SPDX-License-Identifier: MIT
/*
 * Which functions of a configuration are reached in a program. The program is started with memoshim
 * in it, which looks and ends the process before any code of the program has run but the resolvers
 * of IFUNCs, which the dynamic linker calls (shim/check.c). Before that the dynamic linker is asked
 * what it would load, so that nothing begins of which that is not sure.
 */
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/elf_file.h"
#include "cli/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MARK   "MEMOSHIM_CHECK" /* in a library that answers */
#define SAID_SHOWN_MAX 300

/* The program is not started, or does not answer. Returns status. */
static int give_up(struct check *check, int status, const char *code, const char *hint,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static int give_up(struct check *check, int status, const char *code, const char *hint,
                   const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    check->problem.code = code;
    check->problem.text = text != NULL ? text : strerror(ENOMEM);
    check->problem.hint = hint;
    return status;
}

/* ---- what would be loaded -------------------------------------------------------------------- */

/*
 * The last line of what the processes said, which is the dynamic linker's fatal one, or the first,
 * made fit to be shown.
 */
static const char *words_of(const struct trial *trial, bool wants_last)
{
    static char shown[SAID_SHOWN_MAX];
    const char *said = trial->said.text != NULL ? trial->said.text : "", *next = said;
    size_t n = 0;

    while (wants_last && (next = strchr(next, '\n')) != NULL) {
        next++;
        said = *next != '\0' ? next : said;
    }
    for (; *said != '\0' && *said != '\n' && n < sizeof(shown) - 1; said++) {
        shown[n++] = (unsigned char)*said < ' ' || *said == 0x7f ? ' ' : *said;
    }
    shown[n] = '\0';
    return shown;
}

static bool wants_to_be_first(const char *path)
{
    static struct elf_file file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool wants = fd >= 0 && elf_file_read(fd, &file) == 0 && file.is_initfirst;

    if (fd >= 0) {
        close(fd);
    }
    return wants;
}

static bool is_library(const struct check *check, const char *path)
{
    char *canonical = realpath(path, NULL);
    bool is_same = canonical != NULL && strcmp(canonical, check->launch.library) == 0;

    free(canonical);
    return is_same;
}

/*
 * One line of the list: "\tNAME => PATH (0x...)", "\tPATH (0x...)" or "\tNAME => not found".
 * CLI_OK, or the status with which it is given up.
 */
static int look_at_listed(struct check *check, char *line, bool *ret_has_library)
{
    char *name = line + strspn(line, "\t"), *path = strstr(name, " => "), *end;

    if (path != NULL && strcmp(path, " => not found") == 0) {
        *path = '\0';
        return give_up(check, CLI_NOT_FOUND, "library_missing", NULL,
                       "%s cannot start: there is no %s", check->launch.path, name);
    }
    path = path != NULL ? path + strlen(" => ") : name;
    end = strstr(path, " (0x");
    for (char *next = end; next != NULL; next = strstr(next + 1, " (0x")) {
        end = next;
    }
    if (end == NULL) {
        return CLI_OK;
    }
    *end = '\0';
    if (is_library(check, path)) {
        *ret_has_library = true;
    } else if (wants_to_be_first(path)) {
        return give_up(check, CLI_FAILED, "initfirst", NULL,
                       "%s is linked with -z initfirst, as memoshim is: its constructors would run "
                       "before memoshim could look",
                       path);
    }
    return CLI_OK;
}

/* Nothing is started unless the shim, and no other, comes first. */
static int look_at_list(struct check *check, const struct trial *trial)
{
    bool has_library = false;
    int status = CLI_OK;
    char *line = trial->said.text, *next;

    for (; line != NULL && *line != '\0' && status == CLI_OK; line = next) {
        next = line + strcspn(line, "\n");
        if (*next != '\0') {
            *next++ = '\0';
        }
        status = look_at_listed(check, line, &has_library);
    }
    if (status == CLI_OK && !has_library) {
        return give_up(check, CLI_FAILED, "not_preloaded", NULL,
                       "the dynamic linker does not preload %s into %s", check->launch.library,
                       check->launch.path);
    }
    return status;
}

/* An older library would ignore the request, and the program would run. */
static bool answers_requests(const char *library)
{
    int fd = open(library, O_RDONLY | O_CLOEXEC);
    size_t n_bytes = 0, n_room = 0;
    char *bytes = NULL;
    ssize_t n = fd >= 0 ? 1 : 0;
    bool is_marked;

    while (n > 0) {
        char *grown = n_room - n_bytes < 65536 ? realloc(bytes, n_room += 1 << 20) : bytes;

        if (grown == NULL) {
            break;
        }
        bytes = grown;
        n = read(fd, bytes + n_bytes, n_room - n_bytes);
        n_bytes += n > 0 ? (size_t)n : 0;
    }
    is_marked = bytes != NULL && memmem(bytes, n_bytes, REQUEST_MARK, strlen(REQUEST_MARK)) != NULL;
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return is_marked;
}

/* ---- the program ----------------------------------------------------------------------------- */

static int trial_failed(struct check *check, const struct trial *trial, int error)
{
    if (error != 0) {
        return give_up(check, CLI_FAILED, "failed", NULL, "cannot start %s: %s",
                       check->launch.image.path, strerror(-error));
    }
    if (trial->took_too_long) {
        return give_up(check, CLI_FAILED, "timeout", NULL, "%s does not answer within %d seconds",
                       check->launch.image.path, TRIAL_SECONDS);
    }
    if (trial->said.is_cut || trial->answer.is_cut) {
        return give_up(check, CLI_FAILED, "too_much", NULL, "%s says too much",
                       check->launch.image.path);
    }
    return CLI_OK;
}

/* It ended without an answer: as the dynamic linker says, or for a reason of its own. */
static int no_answer(struct check *check, const struct trial *trial)
{
    int status = WIFEXITED(trial->status) ? WEXITSTATUS(trial->status) : 0;
    const char *words = words_of(trial, true);

    return give_up(check,
                   status == CLI_NOT_FOUND || status == CLI_CANNOT_EXECUTE ? status : CLI_FAILED,
                   "no_answer", NULL, "%s does not start%s%s", check->launch.image.path,
                   words[0] != '\0' ? ": " : "", words);
}

/* Of the functions that are shown: all, or the one that is explained. */
static int status_of(const struct check *check)
{
    for (size_t i = 0; i < check->reach.n_functions; i++) {
        const struct reach_function *of = &check->reach.functions[i];

        if (check_shows(check, of->function) && of->verdict != VERDICT_HOOKED &&
            of->verdict != VERDICT_OFF) {
            return CLI_UNKNOWN;
        }
    }
    return CLI_OK;
}

static int take_answer(struct check *check, const struct trial *trial)
{
    struct findings *findings = &check->findings;

    if (trial->answer.text == NULL) {
        return no_answer(check, trial);
    }
    if (!findings_read(trial->answer.text, trial->answer.n_bytes, &check->launch.model,
                       cli_memory(), findings)) {
        return give_up(check, CLI_FAILED, "bad_answer", NULL,
                       "what comes out of %s is no answer of memoshim", check->launch.image.path);
    }
    if (findings->is_late) {
        return give_up(check, CLI_FAILED, "late", NULL,
                       "memoshim does not come first in %s: other constructors have run, and what "
                       "they called is not seen",
                       check->launch.image.path);
    }
    switch (findings->outcome) {
    case FINDINGS_NO_CONFIGURATION:
        return give_up(check, CLI_FAILED, "other_program",
                       "name it in \"programs\", or leave \"programs\" out",
                       "the configuration does not act in %s", check->launch.image.path);
    case FINDINGS_BAD_CONFIGURATION:
        return give_up(check, CLI_BAD, "refused", NULL, "memoshim does not take its settings: %s",
                       words_of(trial, false));
    case FINDINGS_FAILED:
        return give_up(check, CLI_FAILED, "failed", NULL, "memoshim cannot start in %s: %s",
                       check->launch.image.path, findings->error);
    case FINDINGS_STARTED:
        break;
    }
    if (!reach_conclude(&check->launch.model, findings, cli_memory(), &check->reach)) {
        return give_up(check, CLI_FAILED, "failed", NULL, "%s", strerror(ENOMEM));
    }
    check->has_reach = true;
    return status_of(check);
}

/* A script is given to its interpreter, whose arguments do not matter before it begins. */
static int start_program(struct check *check)
{
    struct launch *launch = &check->launch;
    struct trial trial = {.path = launch->image.path, .arguments = launch->program};
    char *script_arguments[] = {launch->image.started_as, launch->path, NULL};
    int error, status;

    if (launch->image.is_script) {
        trial.arguments = script_arguments;
    }
    error = trial_list_objects(&trial);
    status = trial_failed(check, &trial, error);
    if (status == CLI_OK && (!WIFEXITED(trial.status) || WEXITSTATUS(trial.status) != 0)) {
        status = no_answer(check, &trial);
    }
    status = status == CLI_OK ? look_at_list(check, &trial) : status;
    trial_free(&trial);
    if (status == CLI_OK) {
        error = trial_ask(&trial);
        status = trial_failed(check, &trial, error);
        status = status == CLI_OK ? take_answer(check, &trial) : status;
        free(trial.said.text); /* the findings point into the answer */
    }
    return status;
}

int check_program(struct check *check)
{
    struct launch *launch = &check->launch;
    enum program_refusal refusal;

    if (launch->program_error != 0) {
        return give_up(check, launch->program_error == -ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE,
                       launch->program_error == -ENOENT ? "not_found" : "not_executable", NULL,
                       "cannot run %s: %s", launch->program[0], strerror(-launch->program_error));
    }
    if (launch->image.is_script && launch->image.error == -ENOENT) {
        return give_up(check, CLI_NOT_FOUND, "not_found", NULL, "cannot run %s: there is no %s",
                       launch->path, launch->image.path);
    }
    refusal = program_refused_for_check(&launch->image);
    if (refusal != PROGRAM_REACHED) {
        return give_up(check, CLI_FAILED, program_refusal_name(refusal),
                       program_refusal_hint(refusal), "%s %s", launch->image.path,
                       program_refusal_text(refusal));
    }
    if (!launch_preload(launch)) {
        return give_up(check, CLI_FAILED, "no_library", NULL, "there is no libmemoshim.so to load");
    }
    if (!answers_requests(launch->library)) {
        return give_up(check, CLI_FAILED, "other_library", NULL,
                       "%s is of another version than this command", launch->library);
    }
    return start_program(check);
}
