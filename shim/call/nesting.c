// SPDX-License-Identifier: MIT
/*
 * A depth alone would stay up for ever when a real function leaves by longjmp or an exception. So
 * the address of the outermost computing frame is kept beside it: a call from a shallower frame of
 * the same stack proves that the computation is gone. A coroutine on another stack may be taken
 * for either; then a wait is skipped, or is bounded by its timeout. Neither changes an answer.
 */
#include "call/nesting.h"

__thread struct nesting nesting_of_thread;
