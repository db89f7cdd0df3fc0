// SPDX-License-Identifier: MIT
/*
 * Text and numbers into a small room that flushes itself to a sink, without stdio, locale,
 * allocation or floating-point output: all of it may run in a signal handler. Numbers are always
 * plain decimals. Internal to stats.
 */
#ifndef STATS_FORMAT_H
#define STATS_FORMAT_H

#include "stats/stats.h"

struct format {
    char *room;
    size_t n_room, n_used;
    const struct stats_sink *sink; /* NULL: what does not fit is cut off */
    int error;                     /* of the sink; after the first one nothing more is written */
};

void format_init(struct format *out, char *room, size_t n_room, const struct stats_sink *sink);

/* Hands the rest to the sink. 0, or the sink's first error. */
int format_finish(struct format *out);

void format_bytes(struct format *out, const char *text, size_t n_bytes);
void format_text(struct format *out, const char *text);
void format_fill(struct format *out, char character, size_t n);

void format_unsigned(struct format *out, uint64_t value);
void format_signed(struct format *out, int64_t value);

/* value / 10^n_decimals, at most 19 decimals; trailing zeros (and the point) go unless kept. */
void format_decimal(struct format *out, uint64_t value, unsigned n_decimals, bool keeps_zeros);

/* The same for numbers below zero, too. */
void format_signed_decimal(struct format *out, int64_t value, unsigned n_decimals);

/* n_digits lower-case hexadecimal digits. */
void format_hex(struct format *out, uint64_t value, unsigned n_digits);

/* "2026-01-31T12:00:00Z", for years 0 to 9999; others are shown as the nearest of these. */
void format_utc(struct format *out, int64_t time_s);

/* For people: "45 ns", "61.0 ms", "12.5 s", "3.2 h". Three digits of it are true. */
void format_duration(struct format *out, uint64_t ns);

/* For people: "912 B", "96.0 KiB". */
void format_size(struct format *out, uint64_t n_bytes);

/* For people: exact below ten million, then "12.35M", "1.235G" ... */
void format_count(struct format *out, uint64_t n);

/* A name that came from outside, made fit for: */
void format_json_string(struct format *out, const char *text);      /* with its quotes */
void format_prometheus_label(struct format *out, const char *text); /* with its quotes */
void format_terminal(struct format *out, const char *text); /* controls and bad UTF-8 as '?' */
void format_terminal_bytes(struct format *out, const char *text, size_t n_bytes);

/* The columns that format_terminal fills, one for each code point. */
size_t format_terminal_width(const char *text);

#endif
