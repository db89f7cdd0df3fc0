// SPDX-License-Identifier: MIT
/* The registers of x86-64. See registers.h. */
#ifndef TESTS_REGISTERS_X86_64_H
#define TESTS_REGISTERS_X86_64_H

#include <stdint.h>

/* r11 is free to change: in its place stands where the callee returns to. */
#define REGISTERS_RETURN 11

/* In the order of their numbers: rax rbx rcx rdx rsi rdi rbp rsp r8 to r15. */
struct registers {
    uint64_t general[16];
    uint64_t stack[8];
    unsigned char vectors[16][32];
};

/* With al (variadic count) and r10 (static chain). */
static const unsigned registers_arguments[] = {0, 2, 3, 4, 5, 8, 9, 10};
static const unsigned registers_saved[] = {1, 6, 7, 12, 13, 14, 15};

extern unsigned char registers_have_avx;

static inline size_t registers_vector_bytes(void)
{
    registers_have_avx = __builtin_cpu_supports("avx") != 0;
    return registers_have_avx ? sizeof(((struct registers *)0)->vectors) : 16;
}

static inline void registers_clobber(void)
{
    __asm__ volatile("movq $-1, %%rax; movq %%rax, %%rcx; movq %%rax, %%rdx; movq %%rax, %%rsi\n"
                     "movq %%rax, %%rdi; movq %%rax, %%r8; movq %%rax, %%r9; movq %%rax, %%r10\n"
                     "movq %%rax, %%r11; pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm1\n"
                     "movdqa %%xmm0, %%xmm2; movdqa %%xmm0, %%xmm3; movdqa %%xmm0, %%xmm4\n"
                     "movdqa %%xmm0, %%xmm5; movdqa %%xmm0, %%xmm6; movdqa %%xmm0, %%xmm7"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory", "cc");
}

/* Both in registers_x86_64.S: a call eight bytes off the alignment, and a callee that forgives. */
uint64_t misaligned_call(void *function, uint64_t a, double x, uint64_t b, uint64_t c);
uint64_t misaligned_callee(uint64_t a, double b);

#endif
