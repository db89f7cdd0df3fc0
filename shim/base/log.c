// SPDX-License-Identifier: MIT
/*
 * Lines to standard error, if it is still the file that it was at start. A pipe that nobody reads,
 * a limit on file sizes or a terminal that stops background writers is the program's affair only
 * when the program writes: their signals do not reach it from here. The write is a direct system
 * call, since libc's is a cancellation point.
 */
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 1000
#define LOG_PREFIX   "memoshim: "

/* Written by log_init before other threads exist; immutable after. */
static struct {
    bool usable;
    enum log_level level;
    dev_t device;
    ino_t inode;
} log_state;

void log_init(enum log_level level)
{
    struct stat status;
    int saved_errno = errno;

    log_state.level = level;
    log_state.usable = syscall(SYS_fstat, STDERR_FILENO, &status) == 0;
    if (log_state.usable) {
        log_state.device = status.st_dev;
        log_state.inode = status.st_ino;
    }
    errno = saved_errno;
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return log_state.usable && level <= log_state.level;
}

/* A set of signals as the kernel takes it; bit n-1 is signal n. */
#define SIGNAL_BIT(number) ((uint64_t)1 << ((number)-1))
#define WRITE_SIGNALS      (SIGNAL_BIT(SIGPIPE) | SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGTTOU))

struct muffled {
    uint64_t mask_before, pending_before;
};

static void muffle_write_signals(struct muffled *muffled)
{
    const uint64_t mask = WRITE_SIGNALS;

    *muffled = (struct muffled){0};
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &muffled->mask_before, sizeof(mask));
    syscall(SYS_rt_sigpending, &muffled->pending_before, sizeof(mask));
}

/* Takes back what our writes raised, and leaves what was pending before. */
static void unmuffle_write_signals(const struct muffled *muffled)
{
    const uint64_t ours = WRITE_SIGNALS & ~muffled->pending_before;
    const struct timespec now = {0};

    while (ours != 0 && syscall(SYS_rt_sigtimedwait, &ours, NULL, &now, sizeof(ours)) > 0) {
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &muffled->mask_before, NULL, sizeof(ours));
}

void log_write_raw(const char *text, unsigned long n_bytes)
{
    struct stat status;
    int saved_errno = errno;

    if (log_state.usable && syscall(SYS_fstat, STDERR_FILENO, &status) == 0 &&
        status.st_dev == log_state.device && status.st_ino == log_state.inode) {
        struct muffled muffled;

        muffle_write_signals(&muffled);
        while (n_bytes > 0) {
            long n_written = syscall(SYS_write, STDERR_FILENO, text, n_bytes);

            if (n_written > 0) {
                text += n_written;
                n_bytes -= (unsigned long)n_written;
            } else if (errno != EINTR) {
                break;
            }
        }
        unmuffle_write_signals(&muffled);
    }
    errno = saved_errno;
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX + sizeof(LOG_PREFIX) + 1] = LOG_PREFIX;
    int saved_errno = errno;
    va_list arguments;
    size_t n_bytes;
    int n_wanted;

    if (!log_enabled(level)) {
        return;
    }
    va_start(arguments, format);
    n_wanted = vsnprintf(line + sizeof(LOG_PREFIX) - 1, LOG_LINE_MAX, format, arguments);
    va_end(arguments);
    if (n_wanted >= 0) {
        n_bytes = strlen(line);
        line[n_bytes++] = '\n';
        log_write_raw(line, n_bytes);
    }
    errno = saved_errno;
}

size_t log_format(char *text, size_t n_room, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(text, n_room, format, arguments);
    va_end(arguments);
    if (n < 0) {
        text[0] = '\0';
        return 0;
    }
    return (size_t)n < n_room ? (size_t)n : n_room - 1;
}
