// SPDX-License-Identifier: MIT
/* The registers of AArch64. See registers.h. */
#ifndef TESTS_REGISTERS_AARCH64_H
#define TESTS_REGISTERS_AARCH64_H

#include <stdint.h>

#define REGISTERS_RETURN 30

/* x0 to x30 and the stack pointer. */
struct registers {
    uint64_t general[32];
    uint64_t stack[8];
    unsigned char vectors[32][16];
};

/* With x8, the address of a large result. */
static const unsigned registers_arguments[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
static const unsigned registers_saved[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31};

static inline size_t registers_vector_bytes(void)
{
    return sizeof(((struct registers *)0)->vectors);
}

static inline void registers_clobber(void)
{
    __asm__ volatile("mov x0, #-1\n mov x1, x0\n mov x2, x0\n mov x3, x0\n mov x4, x0\n"
                     "mov x5, x0\n mov x6, x0\n mov x7, x0\n mov x8, x0\n mov x9, x0\n"
                     "mov x10, x0\n mov x11, x0\n mov x12, x0\n mov x13, x0\n mov x14, x0\n"
                     "mov x15, x0\n mov x16, x0\n mov x17, x0\n"
                     "movi v0.16b, #255\n mov v1.16b, v0.16b\n mov v2.16b, v0.16b\n"
                     "mov v3.16b, v0.16b\n mov v4.16b, v0.16b\n mov v5.16b, v0.16b\n"
                     "mov v6.16b, v0.16b\n mov v7.16b, v0.16b"
                     :
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "v0", "v1", "v2", "v3", "v4", "v5",
                       "v6", "v7", "memory", "cc");
}

#endif
