// SPDX-License-Identifier: MIT
/* What the kernel lets this process do with a page, asked without side effect and without /proc. */
#ifndef INTERPOSE_PROTECTION_H
#define INTERPOSE_PROTECTION_H

#include <stdint.h>

enum protection {
    PROTECTION_WRITABLE,
    PROTECTION_READ_ONLY,
    PROTECTION_UNKNOWN, /* the kernel does not answer, as under a seccomp filter */
};

/* Of the four bytes at address, a multiple of 4. Keeps errno. */
enum protection protection_of(uintptr_t address);

#endif
