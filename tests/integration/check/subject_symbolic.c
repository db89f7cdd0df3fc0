// SPDX-License-Identifier: MIT
/* A library that is linked with -Bsymbolic. */
#include "subject.h"

int subject_symbolic(int x)
{
    return x + 12;
}
