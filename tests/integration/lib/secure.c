// SPDX-License-Identifier: MIT
/*
 * Linked with libmemoshim.so itself, since the dynamic linker honours no LD_PRELOAD with a path in
 * a set-uid program: so the shim's constructor runs in one.
 */
#include <math.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int n_arguments, char **arguments)
{
    double sum = 0;

    for (int i = 0; i < 100; i++) {
        sum += j0(n_arguments + i % 3);
    }
    printf("secure %d, sum %.17g\n", getauxval(AT_SECURE) != 0, sum);
    return 0;
}
