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

/* A file that has just changed is not trusted until the clock has gone on. */
static void look_at_changes(magic_t cookie)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    FILE *file = fopen("changing", "w");
    const char *text;

    if (file == NULL || fputs(contents[pass], file) < 0 || fclose(file) != 0) {
        abort();
    }
    nanosleep(&moment, NULL);
    CALL(magic_file, NOT_KEPT, text = magic_file(cookie, "changing"));
    show_text(text);
}

static void exercise(void)
{
    static magic_t plain, mime;
    magic_t passing;
    const char *text;

    if (plain == NULL) {
        plain = open_cookie(MAGIC_NONE);
        mime = open_cookie(MAGIC_MIME);
    }
    look(plain);
    look(mime);
    look_at_changes(plain);
    passing = open_cookie(MAGIC_NONE);
    CALL(magic_file, NOT_KEPT, text = magic_file(passing, "/etc/passwd"));
    show_text(text);
    magic_setflags(passing, MAGIC_MIME_TYPE);
    CALL(magic_file, NOT_KEPT, text = magic_file(passing, "/etc/passwd"));
    show_text(text);
    magic_close(passing);
}
