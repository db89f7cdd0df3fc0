// SPDX-License-Identifier: MIT
/*
 * Calls functions of naming.h as the lines of standard input say, prints what they give, and writes
 * the number of real calls that each line caused into the file that is its argument.
 */
#include "naming.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long (*volatile pointer)(long) = naming_double;

/* The other library's, which the global scope hides. */
static long call_other(long x)
{
    static void *other;

    if (other == NULL) {
        other = dlopen("libnaming_other.so", RTLD_NOW | RTLD_NOLOAD);
    }
    return ((long (*)(long))dlsym(other, "naming_double"))(x);
}

static long call_looked_up(long x)
{
    return ((long (*)(long))dlsym(RTLD_DEFAULT, "naming_double"))(x);
}

static long call_pointer(long x)
{
    return pointer(x);
}

static long call_absolute(long x)
{
    long result;

    naming_sign = 9;
    naming_words[0] = naming_words[1] = "nothing";
    result = naming_absolute(x);
    printf("%d %s %s ", naming_sign, naming_words[0],
           naming_words[1] != NULL ? naming_words[1] : "-");
    return result;
}

/* By a handle that is opened for this call; others stand where it could. */
static long convert(const char *name, long x)
{
    struct naming_unit *other = naming_open_unit("in the way"), *unit = naming_open_unit(name);
    long result = naming_convert(unit, x);

    naming_close_unit(unit);
    if (x % 2 == 0) {
        naming_close_unit(other); /* or not: then the next handle stands elsewhere */
    }
    return result;
}

static long call_metre(long x)
{
    return convert("metre", x);
}

static long call_mile(long x)
{
    return convert("mile", x);
}

static long call_nameless(long x)
{
    return convert("", x);
}

static const struct {
    const char *word;
    long (*call)(long x);
} calls[] = {
    {"twice", naming_twice},       {"double", naming_double}, {"pointer", call_pointer},
    {"looked-up", call_looked_up}, {"other", call_other},     {"absolute", call_absolute},
    {"metre", call_metre},         {"mile", call_mile},       {"nameless", call_nameless},
};

static void act(const char *word, long x)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].word, word) == 0) {
            printf("%s %ld\n", word, calls[i].call(x));
            return;
        }
    }
    printf("no %s\n", word);
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments > 1 ? fopen(arguments[1], "w") : NULL;
    char word[32];
    long x;

    while (trace != NULL && scanf("%31s %ld", word, &x) == 2) {
        long n_before = naming_n_calls + naming_n_other_calls;

        act(word, x);
        fprintf(trace, "%ld\n", naming_n_calls + naming_n_other_calls - n_before);
    }
    return trace != NULL && fclose(trace) == 0 ? 0 : 1;
}
