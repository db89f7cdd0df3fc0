// SPDX-License-Identifier: MIT
/* See trial.h. */
#include "cli/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAID_MAX_BYTES   ((size_t)1024 * 1024)
#define ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* What would make the dynamic linker talk, or do something else than it does at a real start. */
static const char *const misleading[] = {
    "LD_DEBUG",   "LD_DEBUG_OUTPUT", "LD_VERBOSE",   "LD_WARN",
    "LD_PROFILE", "LD_SHOW_AUXV",    "MEMOSHIM_LOG", "LD_TRACE_LOADED_OBJECTS"};

struct pipe_ends {
    int out, in; /* -1: closed */
};

static int open_pipe(struct pipe_ends *ret_pipe)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    *ret_pipe = (struct pipe_ends){ends[0], ends[1]};
    return 0;
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* ---- the child ------------------------------------------------------------------------------- */

/* The request, as shim/check.c reads it. */
static bool request_answer(int fd)
{
    char request[80];
    struct stat status;

    if (fstat(fd, &status) != 0 || fcntl(fd, F_SETFD, 0) != 0) {
        return false;
    }
    snprintf(request, sizeof(request), "%d:%d:%llu", (int)getpid(), fd,
             (unsigned long long)status.st_ino);
    return setenv("MEMOSHIM_CHECK", request, 1) == 0;
}

static _Noreturn void become_program(const struct trial *trial, struct pipe_ends *said,
                                     struct pipe_ends *answer)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool is_ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setpgid(0, 0) == 0 && null >= 0 &&
                    dup2(null, STDIN_FILENO) >= 0 && dup2(said->in, STDOUT_FILENO) >= 0 &&
                    dup2(said->in, STDERR_FILENO) >= 0;

    for (size_t i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++) {
        unsetenv(misleading[i]);
    }
    if (is_ready && answer->in >= 0) {
        is_ready = request_answer(answer->in);
    } else if (is_ready) {
        is_ready = setenv("LD_TRACE_LOADED_OBJECTS", "1", 1) == 0;
    }
    if (is_ready) {
        execv(trial->path, trial->arguments);
    }
    dprintf(STDERR_FILENO, "%s: %s", trial->path, strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* Takes what is there. False at the end. */
static bool take_bytes(int fd, struct trial_text *text, size_t max_bytes)
{
    char room[65536];
    ssize_t n_read = read(fd, room, sizeof(room));
    size_t n = n_read > 0 ? (size_t)n_read : 0;
    char *grown;

    if (n_read < 0 && errno == EINTR) {
        return true;
    }
    if (n > max_bytes - text->n_bytes) {
        n = max_bytes - text->n_bytes;
        text->is_cut = true;
    }
    grown = n > 0 ? realloc(text->text, text->n_bytes + n + 1) : NULL;
    if (grown != NULL) {
        memcpy(grown + text->n_bytes, room, n);
        text->text = grown;
        text->n_bytes += n;
        grown[text->n_bytes] = '\0';
    } else if (n > 0) {
        text->is_cut = true;
    }
    return n_read > 0;
}

static long milliseconds_left(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (deadline->tv_sec - now.tv_sec) * 1000 + (deadline->tv_nsec - now.tv_nsec) / 1000000;
}

/* Reads both pipes to their ends, or until somebody says too much or the time is over. */
static void take_all(struct trial *trial, struct pipe_ends *said, struct pipe_ends *answer)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += TRIAL_SECONDS;
    while (said->out >= 0 || answer->out >= 0) {
        struct pollfd fds[] = {{.fd = said->out, .events = POLLIN},
                               {.fd = answer->out, .events = POLLIN}};
        long left = milliseconds_left(&deadline);

        if (left <= 0 || trial->said.is_cut || trial->answer.is_cut) {
            trial->took_too_long = left <= 0;
            return;
        }
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR) {
            return;
        }
        if (fds[0].revents != 0 && !take_bytes(said->out, &trial->said, SAID_MAX_BYTES)) {
            close_end(&said->out);
        }
        if (fds[1].revents != 0 && !take_bytes(answer->out, &trial->answer, ANSWER_MAX_BYTES)) {
            close_end(&answer->out);
        }
    }
}

/* answer: with both ends -1 there is nobody to ask. */
static int run_trial(struct trial *trial, struct pipe_ends *answer)
{
    struct pipe_ends said = {-1, -1};
    int error = open_pipe(&said);
    pid_t child = error == 0 ? fork() : -1;

    if (child == 0) {
        become_program(trial, &said, answer);
    }
    if (error == 0) {
        error = child < 0 ? -errno : 0;
        close_end(&said.in);
        close_end(&answer->in);
        if (child > 0) {
            take_all(trial, &said, answer);
            /* Its whole group; it may have made others, if it was not what it seemed to be. */
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            while (waitpid(child, &trial->status, 0) < 0 && errno == EINTR) {
            }
        }
        close_end(&said.out);
    }
    close_end(&answer->in);
    close_end(&answer->out);
    return error;
}

int trial_list_objects(struct trial *trial)
{
    struct pipe_ends nobody = {-1, -1};

    return run_trial(trial, &nobody);
}

int trial_ask(struct trial *trial)
{
    struct pipe_ends answer = {-1, -1};
    int error = open_pipe(&answer);

    return error == 0 ? run_trial(trial, &answer) : error;
}

void trial_free(struct trial *trial)
{
    free(trial->said.text);
    free(trial->answer.text);
    trial->said = trial->answer = (struct trial_text){0};
}
