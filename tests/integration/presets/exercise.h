// SPDX-License-Identifier: MIT
/*
 * What the drivers share that call every preset of a file through its real library. A driver has a
 * function exercise(), which makes each of its calls once, all with other arguments, and shows what
 * they gave; it runs PASSES times. Built and run by test_presets.py, without and with memoshim:
 * what is printed must be the same, and after the first pass everything that is KEPT must be
 * answered from memory. To the file of its first argument goes what is expected of each call.
 */
#ifndef EXERCISE_H
#define EXERCISE_H

#include <complex.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES 3

/* What errno is before each call: it shows whether a call, or a hit, leaves it alone. */
#ifndef ERRNO_BEFORE
#define ERRNO_BEFORE 4095
#endif

static FILE *expected;
static int pass;

static void exercise(void);

/* What becomes of one call. */
enum fate {
    NOT_KEPT, /* the real function is asked each time */
    KEPT,     /* only in the first pass */
    UNFIT,    /* only the real function can answer this, also when an answer is there */
};

static void note(const char *function, int fate)
{
    int error = errno;

    printf("\n%s errno %d", function, error == ERRNO_BEFORE ? -1 : error);
    if (expected != NULL && fprintf(expected, "%s %d\n", function, fate) < 0) {
        abort();
    }
}

/* One call, a statement. fate may depend on what it gave; true is KEPT. */
#define CALL(function, fate, ...) \
    do {                          \
        errno = ERRNO_BEFORE;     \
        __VA_ARGS__;              \
        note(#function, (fate));  \
    } while (0)

/* ---- what it gave ---------------------------------------------------------------------------- */

static inline void show_bytes(const void *memory, size_t n_bytes)
{
    const unsigned char *bytes = memory;

    putchar(' ');
    for (size_t i = 0; i < n_bytes; i++) {
        printf("%02x", bytes[i]);
    }
}

static inline void show_text(const char *text)
{
    printf(" %s%s%s", text != NULL ? "\"" : "", text != NULL ? text : "NULL",
           text != NULL ? "\"" : "");
}

static inline void show_number(long long number)
{
    printf(" %lld", number);
}

/* Of a long double 10 bytes count, the others are padding. */
#define LONG_DOUBLE_BYTES \
    (sizeof(long double) == 16 && __LDBL_MANT_DIG__ == 64 ? 10 : sizeof(long double))

static inline void show_long_doubles(const void *memory, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        show_bytes((const char *)memory + i * sizeof(long double), LONG_DOUBLE_BYTES);
    }
}

/* A value of arithmetic type, bit for bit. */
#define SHOW(value)                                                \
    _Generic((value), long double                                  \
             : show_long_doubles(&(value), 1), long double complex \
             : show_long_doubles(&(value), 2), default             \
             : show_bytes(&(value), sizeof(value)))

/* Memory that a call is to fill: whether it did must show. */
static inline void spoil(void *memory, size_t n_bytes)
{
    memset(memory, 0xa5, n_bytes);
}

int main(int n_arguments, char **arguments)
{
    if (n_arguments > 1 && (expected = fopen(arguments[1], "w")) == NULL) {
        return 1;
    }
    for (pass = 0; pass < PASSES; pass++) {
        exercise();
    }
    return fflush(NULL) != 0;
}

#endif
