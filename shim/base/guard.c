// SPDX-License-Identifier: MIT
#include "base/guard.h"

__thread uint32_t memoshim_guard;
