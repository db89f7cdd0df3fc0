// SPDX-License-Identifier: MIT
/*
 * Calls the counting library as a script on standard input says, one call a line: the function's
 * name without "counted_", then its arguments. What a program could see of each call goes to
 * standard output: result, memory written, errno, floating-point exceptions. The number of real
 * calls that a line caused goes to the file that is the first argument, one line each.
 *
 * Text arguments are words; NULL is a null pointer, '' is empty, and *N is N times the letter a.
 */
#include "counted.h"

#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WORDS   72
#define MAX_NUMBERS 64
#define ERRNO_SET   4321 /* nobody's, so that a change shows */

static char *words[MAX_WORDS]; /* of the line; unused ones are "" */
static int n_words;

static long integer(int i)
{
    return strtol(words[i], NULL, 0);
}

/* To be freed, unless NULL. */
static char *text(int i)
{
    char *copy;

    if (strcmp(words[i], "NULL") == 0) {
        return NULL;
    }
    if (words[i][0] == '*') {
        size_t n = strtoul(words[i] + 1, NULL, 10);

        copy = malloc(n + 1);
        memset(copy, 'a', n);
        copy[n] = '\0';
        return copy;
    }
    return strdup(strcmp(words[i], "''") == 0 ? "" : words[i]);
}

/* Words i and following as numbers; returns how many. */
static size_t numbers(int i, int *values)
{
    size_t n = 0;

    for (; i < n_words && n < MAX_NUMBERS; i++) {
        values[n++] = (int)integer(i);
    }
    return n;
}

static void show_bytes(const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < n; i++) {
        printf("%02x", bytes[i]);
    }
    putchar(' ');
}

static void show_text(const char *string)
{
    printf("%s ", string == NULL ? "(null)" : string);
}

/* ---- one function for each of the library's with pointers ------------------------------------ */

static void run_length(void)
{
    char *string = text(1);

    printf("%ld ", counted_length(string));
    free(string);
}

static void run_name(void)
{
    show_text(counted_name((int)integer(1)));
}

static void run_room(char *(*function)(const char *, const char *, struct counted_room *))
{
    struct counted_room room = {.output = "before"};
    char *phrase = text(1), *setting = text(2);
    char *result = function(phrase, setting, &room);

    printf("%s ", result == NULL ? "null" : result == room.output ? "output" : "elsewhere");
    show_text(result);
    free(phrase);
    free(setting);
}

static void run_locate(void)
{
    char *string = text(1);
    char *found = counted_locate(string, words[2][0]);

    printf("%ld ", found == NULL ? -1L : (long)(found - string));
    free(string);
}

static void run_divide(void)
{
    int quotient = -7, remainder = -7;
    bool without_remainder = strcmp(words[3], "NULL") == 0;
    int result = counted_divide((int)integer(1), (int)integer(2), &quotient,
                                without_remainder ? NULL : &remainder);

    printf("%d %d %d ", result, quotient, remainder);
}

static void run_sum(void)
{
    int values[MAX_NUMBERS];
    long sum = -7;
    bool without = strcmp(words[1], "NULL") == 0;
    size_t n = without ? 0 : numbers(1, values);
    int result = counted_sum(without ? NULL : values, n, &sum);

    printf("%d %ld ", result, sum);
}

static void run_sort(void)
{
    int values[MAX_NUMBERS];
    size_t n = numbers(1, values);

    printf("%d ", counted_sort(values, n));
    show_bytes(values, n * sizeof(values[0]));
}

static void run_encode(void)
{
    unsigned char bytes[64];
    char *string = text(1);
    size_t n_bytes = (size_t)integer(2);
    int result;

    memset(bytes, '.', sizeof(bytes));
    result = counted_encode(string, bytes, &n_bytes);
    printf("%d %zu ", result, n_bytes);
    show_bytes(bytes, sizeof(bytes));
    free(string);
}

static void run_fill(void)
{
    unsigned char bytes[64] = {0};

    counted_fill((int)integer(1), bytes, (size_t)integer(2));
    show_bytes(bytes, sizeof(bytes));
}

static void run_mix(void)
{
    printf("%.17g ",
           counted_mix((signed char)integer(1), (unsigned char)integer(2), (short)integer(3),
                       (unsigned short)integer(4), (int)integer(5), (unsigned)integer(6),
                       integer(7), strtof(words[8], NULL), strtod(words[9], NULL),
                       strtold(words[10], NULL), integer(11) != 0, integer(12)));
}

static void run_turn(void)
{
    double complex z = counted_turn(strtod(words[1], NULL) + strtod(words[2], NULL) * I);

    printf("%.17g %.17g ", creal(z), cimag(z));
}

/* ---- commands that are no call --------------------------------------------------------------- */

static void copy_maps(const char *path)
{
    char block[4096];
    FILE *from = fopen("/proc/self/maps", "r"), *to = fopen(path, "w");
    size_t n;

    while (from != NULL && to != NULL && (n = fread(block, 1, sizeof(block), from)) > 0) {
        fwrite(block, 1, n, to);
    }
    fclose(from);
    fclose(to);
}

/* shorter: where long double is computed, to 53 bits; without such a unit of its own, up. */
static void set_rounding(const char *mode)
{
#if defined(__x86_64__)
    if (strcmp(mode, "shorter") == 0) {
        const unsigned short control = 0x027f;

        __asm__ volatile("fldcw %0" : : "m"(control));
        return;
    }
#endif
    fesetround(strcmp(mode, "near") == 0 ? FE_TONEAREST : FE_UPWARD);
}

/* Denormals trap in the x87; inexact results in both units, or in SSE alone. */
static void set_trap(const char *what)
{
    if (strcmp(what, "denormal") == 0) {
#if defined(__x86_64__)
        const unsigned short control = 0x037d;

        __asm__ volatile("fldcw %0" : : "m"(control));
    } else if (strcmp(what, "sse") == 0) {
        unsigned int mxcsr;

        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        mxcsr &= ~0x1000u;
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
#endif
    } else {
        feenableexcept(FE_INEXACT);
    }
}

/* ---- the script ------------------------------------------------------------------------------ */

static void run_line(void)
{
    const char *name = words[0];

    if (strcmp(name, "square") == 0) {
        printf("%ld ", counted_square(integer(1)));
    } else if (strcmp(name, "mix") == 0) {
        run_mix();
    } else if (strcmp(name, "narrow") == 0) {
        printf("%d ", counted_narrow((short)integer(1)));
    } else if (strcmp(name, "odd") == 0) {
        printf("%d ", counted_odd((unsigned char)integer(1)));
    } else if (strcmp(name, "half") == 0) {
        printf("%a ", counted_half(strtof(words[1], NULL)));
    } else if (strcmp(name, "extended") == 0) {
        printf("%La ", counted_extended(strtold(words[1], NULL)));
    } else if (strcmp(name, "turn") == 0) {
        run_turn();
    } else if (strcmp(name, "scale") == 0) {
        printf("%a ", counted_scale(strtod(words[1], NULL)));
    } else if (strcmp(name, "length") == 0) {
        run_length();
    } else if (strcmp(name, "name") == 0) {
        run_name();
    } else if (strcmp(name, "place") == 0) {
        run_room(counted_place);
    } else if (strcmp(name, "check") == 0) {
        run_room(counted_check);
    } else if (strcmp(name, "locate") == 0) {
        run_locate();
    } else if (strcmp(name, "divide") == 0) {
        run_divide();
    } else if (strcmp(name, "sum") == 0) {
        run_sum();
    } else if (strcmp(name, "sort") == 0) {
        run_sort();
    } else if (strcmp(name, "digest") == 0) {
        printf("%u ", counted_digest(words[1], strlen(words[1])));
    } else if (strcmp(name, "encode") == 0) {
        run_encode();
    } else if (strcmp(name, "fill") == 0) {
        run_fill();
    } else if (strcmp(name, "fail") == 0) {
        printf("%d ", counted_fail((int)integer(1)));
    } else if (strcmp(name, "drift") == 0) {
        printf("%ld ", counted_drift(integer(1)));
    } else if (strcmp(name, "fib") == 0) {
        printf("%ld ", counted_fib((int)integer(1)));
    } else if (strcmp(name, "hooked") == 0) {
        printf("%ld ", counted_hooked(integer(1)));
    } else if (strcmp(name, "maps") == 0) {
        copy_maps(words[1]);
    } else if (strcmp(name, "round") == 0) {
        set_rounding(words[1]);
    } else if (strcmp(name, "trap") == 0) {
        set_trap(words[1]);
    } else if (strcmp(name, "raise") == 0) {
        raise(SIGRTMIN + (int)integer(1));
    } else {
        fprintf(stderr, "driver: what is \"%s\"?\n", name);
        exit(2);
    }
}

static void split(char *line)
{
    n_words = 0;
    for (char *word = strtok(line, " \n"); word != NULL && n_words < MAX_WORDS;
         word = strtok(NULL, " \n")) {
        words[n_words++] = word;
    }
    for (int i = n_words; i < MAX_WORDS; i++) {
        words[i] = (char *)"";
    }
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments > 1 ? fopen(arguments[1], "w") : NULL;
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        int64_t before = counted_total();
        int flags, error;

        split(line);
        if (n_words == 0) {
            continue;
        }
        feclearexcept(FE_ALL_EXCEPT);
        errno = ERRNO_SET;
        run_line();
        error = errno;
        flags = fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT);
        printf("errno=%d flags=%d\n", error == ERRNO_SET ? 0 : error, flags);
        if (trace != NULL) {
            fprintf(trace, "%lld\n", (long long)(counted_total() - before));
        }
    }
    free(line);
    return 0;
}
