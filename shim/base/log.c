// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
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
    log_state.usable = fstat(STDERR_FILENO, &status) == 0;
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

void log_write_raw(const char *text, unsigned long n_bytes)
{
    struct stat status;
    int saved_errno = errno;

    if (log_state.usable && fstat(STDERR_FILENO, &status) == 0 &&
        status.st_dev == log_state.device && status.st_ino == log_state.inode) {
        while (n_bytes > 0) {
            ssize_t n_written = write(STDERR_FILENO, text, n_bytes);

            if (n_written > 0) {
                text += n_written;
                n_bytes -= (unsigned long)n_written;
            } else if (errno != EINTR) {
                break;
            }
        }
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
