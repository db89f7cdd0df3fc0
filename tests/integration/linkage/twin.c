// SPDX-License-Identifier: MIT
/* A plugin that defines what another plugin defines, too, and calls its own. TWIN is a or b. */
#include "matrix.h"

#define JOIN(a, b)  a##b
#define NAMED(a, b) JOIN(a, b)

long matrix_twin(long site);
long matrix_twin_fixed(long site);
long twin_call(long site);
long twin_call_fixed(long site);

static const step_fn fixed = matrix_twin_fixed;

__attribute__((noinline)) long matrix_twin(long site)
{
    return matrix_real(NAMED(MATRIX_twin_, TWIN), site);
}

__attribute__((noinline)) long matrix_twin_fixed(long site)
{
    return matrix_real(NAMED(MATRIX_twin_fixed_, TWIN), site);
}

long twin_call(long site)
{
    return matrix_twin(site);
}

long twin_call_fixed(long site)
{
    const step_fn *volatile from = &fixed;

    return (*from)(site);
}
