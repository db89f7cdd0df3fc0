// SPDX-License-Identifier: MIT
/* On AArch64 a mode is read in no time: there is nothing to prepare. */
#include "abi/float_state.h"

void float_probe_init(void)
{
}
