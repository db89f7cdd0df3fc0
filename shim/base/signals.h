// SPDX-License-Identifier: MIT
/*
 * Holds back the calling thread's signals for a moment: where a handler that leaves by siglongjmp,
 * or that ends the thread, would take with it what the program cannot do without. Two system calls.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdint.h>

/*
 * From here on no signal is delivered but those that an instruction itself raises (a fault, a
 * trap). That of pthread_cancel is among those held: sigset_t leaves it out. Returns the mask
 * before.
 */
uint64_t signals_hold(void);

/* Delivers what came meanwhile; may not return. Keeps errno, as the former does. */
void signals_let(uint64_t mask_before);

#endif
