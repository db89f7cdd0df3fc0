// SPDX-License-Identifier: MIT
/* What the kernel lets this process do with a page, asked without side effect and without /proc. */
#ifndef INTERPOSE_PROTECTION_H
#define INTERPOSE_PROTECTION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True when the four bytes at address (a multiple of 4) can be written to. False also when the
 * kernel does not answer, as under a seccomp filter. Keeps errno.
 */
bool protection_is_writable(uintptr_t address);

#endif
