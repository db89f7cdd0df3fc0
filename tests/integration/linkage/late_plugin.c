// SPDX-License-Identifier: MIT
/* A plugin that brings the library of late.c with it. */
#include "matrix.h"

#include <stdio.h>

long matrix_late(long site);
long matrix_late_fixed(long site);

static const step_fn fixed = matrix_late_fixed;

static void run(void)
{
    const step_fn *volatile from = &fixed;
    long site = matrix_next_site(), sum = 0;

    for (long i = 0; i < site + 2; i++) {
        sum += matrix_late(site) + (*from)(site);
    }
    printf("%ld late %ld\n", site, sum);
}

__attribute__((constructor)) static void construct(void)
{
    run();
}

void matrix_run(void)
{
    run();
}
