// SPDX-License-Identifier: MIT
/*
 * A borrowed run of bytes: a pointer and a length, owned by somebody else. Used wherever keys and
 * records pass between modules that do not know each other's types.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>

struct bytes {
    const void *data; /* may be NULL when n_bytes is 0 */
    size_t n_bytes;
};

#endif
