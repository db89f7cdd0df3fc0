// SPDX-License-Identifier: MIT
/* The pointer to a function that paths.c calls directly. */
#include "matrix.h"

step_fn volatile mixed_pointer = matrix_mixed;
