// SPDX-License-Identifier: MIT
/* Files and bytes, two cookies that are asked for different things, and a file that changes. */
#define ERRNO_BEFORE 0 /* some of these make it so themselves */

#include "exercise.h"

#include <magic.h>
#include <time.h>

static const char *const contents[] = {"some text\n", "\x89PNG\r\n\x1a\n", "#!/bin/sh\necho\n"};

static magic_t open_cookie(int flags)
{
    magic_t cookie = magic_open(flags);

    if (cookie == NULL || magic_load(cookie, NULL) != 0) {
        abort();
    }
    return cookie;
}

static void look(magic_t cookie)
{
    static const char *const paths[] = {"/etc/passwd", "/bin/true", "/etc/hostname"};
    const char *text;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        CALL(magic_file, KEPT, text = magic_file(cookie, paths[i]));
        show_text(text);
    }
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        CALL(magic_buffer, KEPT, text = magic_buffer(cookie, contents[i], strlen(contents[i])));
        show_text(text);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

/* A file that has just changed is not trusted until the clock has gone on. */
static void look_at_changes(magic_t cookie)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    const char *text;

    write_text("changing", contents[pass]);
    nanosleep(&moment, NULL);
    CALL(magic_file, NOT_KEPT, text = magic_file(cookie, "changing"));
    show_text(text);
}

/* Dates are told in the zone. */
static void look_at_dates(magic_t cookie)
{
    static const char *const zones[] = {"UTC0", "JST-9"};
    const char *text;

    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        CALL(magic_buffer, KEPT, text = magic_buffer(cookie, "DATE\0\0\0\1", 8));
        show_text(text);
    }
}

/* What a cookie says after it was given other data. */
static void exchange(void)
{
    static const char *const names[] = {"one", "two"};
    magic_t cookie = magic_open(MAGIC_NONE);
    const char *text;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char line[64], path[16], compiled[sizeof(path) + sizeof(".mgc")];
        FILE *file;
        void *data;
        size_t n_bytes;

        snprintf(line, sizeof(line), "0 string KIND %s\n", names[i]);
        snprintf(path, sizeof(path), "%s", names[i]);
        snprintf(compiled, sizeof(compiled), "%s.mgc", path);
        write_text(path, line);
        if (magic_compile(cookie, path) != 0 || (file = fopen(compiled, "r")) == NULL ||
            (data = malloc(1 << 20)) == NULL || (n_bytes = fread(data, 1, 1 << 20, file)) == 0 ||
            fclose(file) != 0 || magic_load_buffers(cookie, &data, &n_bytes, 1) != 0) {
            abort();
        }
        CALL(magic_buffer, NOT_KEPT, text = magic_buffer(cookie, "KIND", 4));
        show_text(text);
    }
    magic_close(cookie);
}

static void exercise(void)
{
    static magic_t plain, mime, dates;
    magic_t passing;
    const char *text;

    setenv("TZ", "UTC0", 1);
    tzset();
    if (plain == NULL) {
        plain = open_cookie(MAGIC_NONE);
        mime = open_cookie(MAGIC_MIME);
        dates = magic_open(MAGIC_NONE);
        write_text("dates", "0 string DATE made\n>4 beldate x at %s\n");
        if (dates == NULL || magic_load(dates, "dates") != 0) {
            abort();
        }
    }
    look(plain);
    look(mime);
    look_at_changes(plain);
    look_at_dates(dates);
    passing = open_cookie(MAGIC_NONE);
    CALL(magic_file, NOT_KEPT, text = magic_file(passing, "/etc/passwd"));
    show_text(text);
    magic_setflags(passing, MAGIC_MIME_TYPE);
    CALL(magic_file, NOT_KEPT, text = magic_file(passing, "/etc/passwd"));
    show_text(text);
    magic_close(passing);
    if (pass == PASSES - 1) {
        exchange(); /* it drops what was said of all cookies */
    }
}
