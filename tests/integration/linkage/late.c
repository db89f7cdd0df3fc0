// SPDX-License-Identifier: MIT
/* A library that is not there at start. */
#include "matrix.h"

long matrix_late(long site);
long matrix_late_fixed(long site);

long matrix_late(long site)
{
    return matrix_real(MATRIX_late, site);
}

long matrix_late_fixed(long site)
{
    return matrix_real(MATRIX_late_fixed, site);
}
