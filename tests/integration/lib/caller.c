// SPDX-License-Identifier: MIT
/*
 * A library that reaches counted_square in every way, for a program to call; built twice, as NAME a
 * and b. `offered` is data that a program which is not position independent gets a copy of.
 */
#include "caller.h"

#include "counted.h"
#include <dlfcn.h>
#include <string.h>

#define JOIN_(a, b)        a##b
#define JOIN(a, b)         JOIN_(a, b)
#define OF_LIBRARY(member) JOIN(JOIN(caller_, NAME), member)

typedef long (*square_fn)(long x);

static square_fn volatile pointer = counted_square;
static const square_fn fixed = counted_square;
square_fn OF_LIBRARY(_offered) = counted_square;

static long call_found(void *found, long x)
{
    return found == NULL ? -1 : ((square_fn)found)(x);
}

long OF_LIBRARY(_reach)(const char *way, long x)
{
    if (strcmp(way, "call") == 0) {
        return counted_square(x);
    } else if (strcmp(way, "pointer") == 0) {
        return pointer(x);
    } else if (strcmp(way, "fixed") == 0) {
        const square_fn *volatile from = &fixed;

        return (*from)(x);
    } else if (strcmp(way, "default") == 0) {
        return call_found(dlsym(RTLD_DEFAULT, "counted_square"), x);
    } else if (strcmp(way, "next") == 0) {
        return call_found(dlsym(RTLD_NEXT, "counted_square"), x);
    } else if (strcmp(way, "handle") == 0) {
        return call_found(dlsym(dlopen("libcounted.so", RTLD_LAZY), "counted_square"), x);
    }
    return -2;
}
