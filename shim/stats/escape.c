// SPDX-License-Identifier: MIT
/*
 * Names that came from outside (the config, the loader, argv[0]) on their way into a format that
 * has rules. They may hold anything but NUL: quotes, line ends, terminal controls, broken UTF-8.
 */
#include "stats/format.h"

#include <string.h>

/* The bytes of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at text, or 0. */
static size_t utf8_length(const char *text)
{
    const unsigned char *u = (const unsigned char *)text;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (u[0] < 0x80) {
        return 1;
    }
    if (u[0] >= 0xc2 && u[0] <= 0xdf) {
        n = 2;
    } else if (u[0] >= 0xe0 && u[0] <= 0xef) {
        n = 3;
        low = u[0] == 0xe0 ? 0xa0 : 0x80;  /* no longer form than needed */
        high = u[0] == 0xed ? 0x9f : 0xbf; /* no surrogates */
    } else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
        n = 4;
        low = u[0] == 0xf0 ? 0x90 : 0x80;
        high = u[0] == 0xf4 ? 0x8f : 0xbf; /* nothing above U+10FFFF */
    } else {
        return 0;
    }
    if (u[1] < low || u[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (u[i] < 0x80 || u[i] > 0xbf) {
            return 0;
        }
    }
    return n;
}

/* True for C0, DEL and, in two bytes, C1: what a terminal may take for a command. */
static bool is_control(const char *text)
{
    const unsigned char *u = (const unsigned char *)text;

    return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0);
}

void format_json_string(struct format *out, const char *text)
{
    format_bytes(out, "\"", 1);
    while (*text != '\0') {
        size_t n = utf8_length(text);

        if (n == 0) {
            format_text(out, "\\ufffd");
            n = 1;
        } else if (n == 1 && is_control(text)) {
            format_text(out, "\\u00");
            format_hex(out, (unsigned char)*text, 2);
        } else {
            if (*text == '"' || *text == '\\') {
                format_bytes(out, "\\", 1);
            }
            format_bytes(out, text, n);
        }
        text += n;
    }
    format_bytes(out, "\"", 1);
}

int stats_write_json_string(const struct stats_sink *sink, const char *text)
{
    char room[128];
    struct format out;

    format_init(&out, room, sizeof(room), sink);
    format_json_string(&out, text);
    return format_finish(&out);
}

/* The exposition format (0.0.4) knows three escapes and wants valid UTF-8. */
void format_prometheus_label(struct format *out, const char *text)
{
    format_bytes(out, "\"", 1);
    while (*text != '\0') {
        size_t n = utf8_length(text);

        if (n == 0) {
            format_text(out, "\xef\xbf\xbd"); /* U+FFFD */
            n = 1;
        } else if (*text == '\n') {
            format_text(out, "\\n");
        } else {
            if (*text == '"' || *text == '\\') {
                format_bytes(out, "\\", 1);
            }
            format_bytes(out, text, n);
        }
        text += n;
    }
    format_bytes(out, "\"", 1);
}

/* text[n_bytes] must be readable and be no continuation byte: a NUL or a space. */
void format_terminal_bytes(struct format *out, const char *text, size_t n_bytes)
{
    for (const char *end = text + n_bytes; text < end;) {
        size_t n = utf8_length(text);

        if (n == 0 || is_control(text)) {
            format_bytes(out, "?", 1);
        } else {
            format_bytes(out, text, n);
        }
        text += n > 0 ? n : 1;
    }
}

int stats_write_plain(const struct stats_sink *sink, const char *text, size_t n_bytes)
{
    char room[128];
    struct format out;

    format_init(&out, room, sizeof(room), sink);
    format_terminal_bytes(&out, text, n_bytes);
    return format_finish(&out);
}

void format_terminal(struct format *out, const char *text)
{
    format_terminal_bytes(out, text, strlen(text));
}

size_t format_terminal_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; width++) {
        size_t n = utf8_length(text);

        text += n > 0 ? n : 1;
    }
    return width;
}
