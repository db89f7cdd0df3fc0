// SPDX-License-Identifier: MIT
/* How a library or a plugin made of paths.c is called. */
#include "matrix.h"

void matrix_run(void)
{
    run_paths(matrix_next_site());
}
