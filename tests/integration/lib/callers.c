// SPDX-License-Identifier: MIT
/*
 * Calls counted_square from where a line of standard input says: "WHO WAY X", WHO being a or b (a
 * library) or self; "a offered X" is a call through the pointer that the library offers.
 */
#include "caller.h"
#include "counted.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long reach(const char *who, const char *way, long x)
{
    if (strcmp(who, "self") == 0 && strcmp(way, "default") == 0) {
        return ((long (*)(long))dlsym(RTLD_DEFAULT, "counted_square"))(x);
    } else if (strcmp(who, "self") == 0) {
        return counted_square(x);
    } else if (strcmp(way, "offered") == 0) {
        return (strcmp(who, "a") == 0 ? caller_a_offered : caller_b_offered)(x);
    }
    return (strcmp(who, "a") == 0 ? caller_a_reach : caller_b_reach)(way, x);
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments > 1 ? fopen(arguments[1], "w") : NULL;
    char who[16], way[16];
    long x;

    while (scanf("%15s %15s %ld", who, way, &x) == 3) {
        int64_t before = counted_total();

        printf("%ld\n", reach(who, way, x));
        if (trace != NULL) {
            fprintf(trace, "%lld\n", (long long)(counted_total() - before));
        }
    }
    return 0;
}
