// SPDX-License-Identifier: MIT
/* The C++ half of matrix.c. */
#include "matrix.h"

long MatrixInherited::step(long site) const
{
    return matrix_real(MATRIX_vtable, site);
}

long MatrixCopied::step(long site) const
{
    return matrix_real(MATRIX_copied_vtable, site);
}
