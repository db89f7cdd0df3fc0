// SPDX-License-Identifier: MIT
/* The library. Its constructor leaves a trace: it must not run when it is only checked. */
#include "subject.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_trace(void)
{
    const char *path = getenv("SUBJECT_TRACE");

    if (path != NULL) {
        close(open(path, O_CREAT | O_WRONLY, 0644));
    }
}

int subject_data = 1;

int subject_inner(int x)
{
    return x + 1;
}

int subject_plain(int x)
{
    return subject_inner(x) + subject_callback(x);
}

int subject_got(int x)
{
    return x + 2;
}

int subject_pointed(int x)
{
    return x + 3;
}

int subject_copied(int x)
{
    return x + 4;
}

int (*subject_table)(int) = subject_copied;

int subject_packed(int x)
{
    return x + 5;
}

static int choose_this(int x)
{
    return x + 6;
}

static int (*resolve_chosen(void))(int)
{
    return choose_this;
}

int subject_chosen(int x) __attribute__((ifunc("resolve_chosen")));

__attribute__((visibility("protected"))) int subject_protected(int x)
{
    return x + 7;
}

int subject_code(int x)
{
    return x + 8;
}

int subject_other_name(int x) __attribute__((alias("subject_code")));

int subject_unused(int x)
{
    return x + 9;
}

__attribute__((visibility("hidden"), noinline)) int subject_hidden(int x)
{
    return x + subject_data;
}

int subject_distance(int x)
{
    return subject_hidden(x);
}

int subject_version_1(int x)
{
    return x + 10;
}

int subject_version_2(int x)
{
    return x + 11;
}

__asm__(".symver subject_version_1, subject_versioned@SUBJECT_1");
__asm__(".symver subject_version_2, subject_versioned@@SUBJECT_2");
