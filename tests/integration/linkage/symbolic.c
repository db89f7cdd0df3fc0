// SPDX-License-Identifier: MIT
/* A library that is linked with -Bsymbolic: its calls of itself stay inside it. */
#include "matrix.h"

long matrix_own_symbolic(long site);

long matrix_own_symbolic(long site)
{
    return matrix_real(MATRIX_own_symbolic, site);
}

long matrix_via_own_symbolic(long site)
{
    return matrix_own_symbolic(site);
}
