// SPDX-License-Identifier: MIT
/*
 * Lines on stderr, as "memoshim: ...": one write(2) a line, no stdio, no allocation, errno kept.
 * Nothing is written once descriptor 2 is no longer the file it was at start: a daemon that closed
 * its descriptors may have opened something of its own there.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
    LOG_LEVEL_ERROR, /* the user must act: always shown */
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Remembers what descriptor 2 is. Before it, and without a descriptor 2, nothing is written. */
void log_init(enum log_level level);

/* "error", "warn", "info", "debug" as a level; false for any other word. */
bool log_level_from_name(const char *name, enum log_level *ret_level);

bool log_enabled(enum log_level level);

/* One line; cut at 1,000 bytes. Not for signal handlers: it formats with vsnprintf. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text for a line, cut to n_room (at least 1) with a NUL at its end; returns its length. As
 * log_line, not for signal handlers.
 */
size_t log_format(char *text, size_t n_room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Writes the whole text to descriptor 2 under the same rule (still the same file), without prefix;
 * async-signal-safe. For diagnostics and statistics.
 */
void log_write_raw(const char *text, unsigned long n_bytes);

#endif
