// SPDX-License-Identifier: MIT
/*
 * A caller and a callee in assembly that see every register. For each processor a header has struct
 * registers, which of them carry arguments and which a callee saves, registers_vector_bytes (so
 * much of the vectors is loaded and found) and registers_clobber, which changes whatever a C
 * function may change.
 */
#ifndef TESTS_REGISTERS_H
#define TESTS_REGISTERS_H

#include <stddef.h>

#if defined(__x86_64__)
#include "registers_x86_64.h"
#elif defined(__aarch64__)
#include "registers_aarch64.h"
#endif

#define N_REGISTERS_ARGUMENTS (sizeof(registers_arguments) / sizeof(registers_arguments[0]))
#define N_REGISTERS_SAVED     (sizeof(registers_saved) / sizeof(registers_saved[0]))

/* Calls function with all of them. */
void registers_call(void *function, const struct registers *wanted);

/* Writes down what it is called with. Never called from C. */
void registers_callee(void);
extern struct registers registers_found;

/* From the caller's frame, where a sanitizer sees more than arguments. */
__attribute__((no_sanitize("address"))) static inline void copy_words(uint64_t *to,
                                                                      const void *from, int n)
{
    const volatile uint64_t *words = from;

    for (int i = 0; i < n; i++) {
        to[i] = words[i];
    }
}

#endif
