// SPDX-License-Identifier: MIT
/*
 * How long the constructors of what is preloaded take, measured from inside an unmodified program.
 * The loader resolves a program's indirect functions last of all, just before the first constructor
 * (that of an object with DF_1_INITFIRST), and calls its DT_PREINIT_ARRAY right after that one. The
 * clock is read at both. Prints the nanoseconds between. The program imports ten functions of libm,
 * so that there is something to find, and calls them only if it is given an argument.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t before_ns, after_ns;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int zero(void)
{
    return 0;
}

static __attribute__((used)) int (*choose(void))(void)
{
    before_ns = now_ns();
    return zero;
}

int chosen(void) __attribute__((ifunc("choose")));

static void begin(void)
{
    after_ns = now_ns();
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = begin;

int main(int argc, char **argv)
{
    if (argc > 1) {
        double x = atof(argv[1]);

        printf("%g\n", j0(x) + j1(x) + y0(x) + y1(x) + tgamma(x) + cbrt(x) + erf(x) + exp(x) +
                           pow(x, x) + atan2(x, x));
    }
    printf("%llu\n", (unsigned long long)(after_ns - before_ns));
    return chosen();
}
