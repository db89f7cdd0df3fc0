// SPDX-License-Identifier: MIT
/*
 * One name with two versions that are two functions: versioned_step@@VERSIONED_2 squares, the older
 * versioned_step@VERSIONED_1 takes a third. The counting library counts both.
 */
#include "counted.h"

long step_2(long x);
long step_1(long x);

long step_2(long x)
{
    return counted_square(x);
}

long step_1(long x)
{
    return counted_narrow((short)x);
}

__asm__(".symver step_2, versioned_step@@VERSIONED_2");
__asm__(".symver step_1, versioned_step@VERSIONED_1");
