// SPDX-License-Identifier: MIT
/*
 * Calls counted_square at each stage of a program's start and end, and says what the environment is
 * then. Built as a library, whose constructors run before the program's, and as the program, which
 * uses it. Nothing is printed before main: a line of the log is kept until then.
 */
#include "order.h"

#include "counted.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LIBRARY

static char log_text[1000];

void order_note(const char *stage, long x)
{
    const char *value = getenv("ORDER_VALUE");
    char line[100];

    snprintf(line, sizeof(line), "%s %ld %s\n", stage, counted_square(x),
             value != NULL ? value : "-");
    strcat(log_text, line);
}

const char *order_log(void)
{
    return log_text;
}

__attribute__((constructor(101))) static void construct_first(void)
{
    order_note("library, early", 2);
}

__attribute__((constructor)) static void construct(void)
{
    order_note("library", 3);
}

__attribute__((destructor)) static void destruct(void)
{
    counted_square(12);
}

#else

/* Before the constructors of all libraries: even the counting one's. */
static void before_constructors(int n_arguments, char **arguments, char **environment)
{
    order_note("program, before all", n_arguments);
}

__attribute__((section(".preinit_array"),
               used)) static void (*preinit)(int, char **, char **) = before_constructors;

__attribute__((constructor(101))) static void construct_first(void)
{
    order_note("program, early", 4);
}

__attribute__((constructor)) static void construct(void)
{
    order_note("program", 5);
}

__attribute__((destructor)) static void destruct(void)
{
    counted_square(11);
}

int main(void)
{
    order_note("main", 6);
    fputs(order_log(), stdout);
    return 0;
}

#endif
