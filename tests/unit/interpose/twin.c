// SPDX-License-Identifier: MIT
/* One of the libraries of twin.h: TWIN_NUMBER, and TWIN_CALL for the name of its caller. */
#include "twin.h"

int NAME(int x);

int NAME(int x)
{
    return x + TWIN_NUMBER;
}

int TWIN_CALL(int x)
{
    return NAME(x);
}

#ifdef TWIN_ONLY
int TWIN_ONLY(int x)
{
    return x - 1;
}
#endif
