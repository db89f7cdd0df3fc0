// SPDX-License-Identifier: MIT
/*
 * A program that calls bench_double with the numbers of a trace, in their order, many times over:
 * bench_trace FILE PASSES COST. Prints, as JSON, its calls, those that reached the function, and
 * the nanoseconds that a call took on the average, from the first one on.
 */
#include "subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double *arguments;
static size_t n_arguments;

static int read_trace(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t n_room = 0;
    uint64_t number;

    while (file != NULL && fscanf(file, "%" SCNu64, &number) == 1) {
        if (n_arguments == n_room) {
            n_room = n_room == 0 ? 1 << 16 : n_room * 2;
            arguments = realloc(arguments, n_room * sizeof(*arguments));
            if (arguments == NULL) {
                return -1;
            }
        }
        arguments[n_arguments++] = (double)number;
    }
    if (file != NULL) {
        fclose(file);
    }
    return n_arguments > 0 ? 0 : -1;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    long n_passes = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
    double began_ns, took_ns, sum = 0;
    size_t n_calls;

    if (n_passes < 1 || read_trace(argv[1]) != 0) {
        fprintf(stderr, "usage: bench_trace FILE PASSES COST\n");
        return 2;
    }
    bench_set_cost((uint32_t)strtoul(argv[3], NULL, 10));
    began_ns = now_ns();
    for (long pass = 0; pass < n_passes; pass++) {
        for (size_t i = 0; i < n_arguments; i++) {
            sum += bench_double(arguments[i]);
        }
    }
    took_ns = now_ns() - began_ns;
    n_calls = n_arguments * (size_t)n_passes;
    printf("{\"calls\": %zu, \"real\": %" PRIu64 ", \"value\": %.3f, \"sum\": %.17g}\n", n_calls,
           bench_real_calls(), took_ns / (double)n_calls, sum);
    return 0;
}
