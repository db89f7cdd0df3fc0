// SPDX-License-Identifier: MIT
/*
 * The program: calls everything once. Leaves a trace before and in main: neither must run when it
 * is only checked.
 */
#include "subject.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static void leave_trace(void)
{
    const char *path = getenv("SUBJECT_TRACE");

    if (path != NULL) {
        close(open(path, O_CREAT | O_WRONLY, 0644));
    }
}

static void before_all(int n_arguments, char **arguments, char **environment)
{
    environ = environment; /* libc has not begun */
    leave_trace();
}

__attribute__((section(".preinit_array"), used)) static void (*first)(int, char **,
                                                                      char **) = before_all;

__asm__(".symver subject_old, subject_versioned@SUBJECT_1");
__asm__(".symver subject_new, subject_versioned@SUBJECT_2");

/* Volatile, so that the compiler reads them. */
static int (*volatile pointed)(int) = subject_pointed;
static int (*const volatile fixed)(int) = subject_pointed;

static volatile struct __attribute__((packed)) {
    char before;
    int (*function)(int);
} packed = {1, subject_packed};

static __attribute__((noinline)) int subject_static(int x)
{
    return x * (int)getpid();
}

__attribute__((noinline)) int subject_own(int x)
{
    return subject_static(x) + 1;
}

int subject_callback(int x)
{
    return x + 13;
}

int main(int n_arguments, char **arguments)
{
    int x = n_arguments;

    leave_trace();
    x += subject_inner(x) + subject_plain(x) + subject_got(x) + subject_chosen(x);
    x += pointed(x) + fixed(x);
    x += subject_table(x) + packed.function(x) + subject_protected(x);
    x += subject_code(x) + subject_other_name(x) + subject_distance(x);
    x += subject_old(x) + subject_new(x) + subject_symbolic(x) + subject_callback(x);
    return subject_own(x) == 0;
}
