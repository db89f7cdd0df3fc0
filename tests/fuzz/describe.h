// SPDX-License-Identifier: MIT
/* A configuration of one function for any bytes (describe.c). */
#ifndef TESTS_FUZZ_DESCRIBE_H
#define TESTS_FUZZ_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

/* Text that stays until the next call. */
const char *describe(const uint8_t *data, size_t n_bytes);

#endif
