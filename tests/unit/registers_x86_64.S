// SPDX-License-Identifier: MIT
/*
 * A caller that fills every register and eight words of stack from struct registers, and a callee
 * that writes down what it finds. For test_entry.c, which has the struct.
 */
#define GP(n)    (8 * (n))
#define STACK(n) (128 + 8 * (n))
#define YMM(n)   (192 + 32 * (n))

    .text

/* void registers_call(void *function, const struct registers *wanted) */
    .globl  registers_call
    .type   registers_call, @function
registers_call:
    endbr64
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $72, %rsp /* 64 of arguments; aligned: 8 + 48 + 72 = 128 */
    movq    %rdi, %r11
    movq    %rsi, %rax
    .set    n, 0
    .rept   8
    movq    STACK(n)(%rax), %rbx
    movq    %rbx, (8 * n)(%rsp)
    .set    n, n + 1
    .endr
    cmpb    $0, registers_have_avx(%rip)
    je      1f
    .altmacro
    .macro  load_ymm number
    vmovdqu YMM(\number)(%rax), %ymm\number
    .endm
    .macro  load_xmm number
    movdqu  YMM(\number)(%rax), %xmm\number
    .endm
    .set    n, 0
    .rept   16
    load_ymm %n
    .set    n, n + 1
    .endr
    jmp     2f
1:  .set    n, 0
    .rept   16
    load_xmm %n
    .set    n, n + 1
    .endr
2:  movq    GP(1)(%rax), %rbx
    movq    GP(2)(%rax), %rcx
    movq    GP(3)(%rax), %rdx
    movq    GP(4)(%rax), %rsi
    movq    GP(5)(%rax), %rdi
    movq    GP(6)(%rax), %rbp
    movq    GP(8)(%rax), %r8
    movq    GP(9)(%rax), %r9
    movq    GP(10)(%rax), %r10
    movq    GP(12)(%rax), %r12
    movq    GP(13)(%rax), %r13
    movq    GP(14)(%rax), %r14
    movq    GP(15)(%rax), %r15
    movq    GP(0)(%rax), %rax
    call    *%r11
    addq    $72, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    cmpb    $0, registers_have_avx(%rip)
    je      3f
    vzeroupper
3:  ret
    .size   registers_call, . - registers_call

/* Never called from C. GP(7) is the stack pointer, GP(11) (r11, free to change) where to return. */
    .globl  registers_callee
    .type   registers_callee, @function
registers_callee:
    endbr64
    movq    %rax, registers_found + GP(0)(%rip)
    movq    %rbx, registers_found + GP(1)(%rip)
    movq    %rcx, registers_found + GP(2)(%rip)
    movq    %rdx, registers_found + GP(3)(%rip)
    movq    %rsi, registers_found + GP(4)(%rip)
    movq    %rdi, registers_found + GP(5)(%rip)
    movq    %rbp, registers_found + GP(6)(%rip)
    movq    %rsp, registers_found + GP(7)(%rip)
    movq    %r8, registers_found + GP(8)(%rip)
    movq    %r9, registers_found + GP(9)(%rip)
    movq    %r10, registers_found + GP(10)(%rip)
    movq    (%rsp), %rax
    movq    %rax, registers_found + GP(11)(%rip)
    movq    %r12, registers_found + GP(12)(%rip)
    movq    %r13, registers_found + GP(13)(%rip)
    movq    %r14, registers_found + GP(14)(%rip)
    movq    %r15, registers_found + GP(15)(%rip)
    .set    n, 0
    .rept   8
    movq    (8 * n + 8)(%rsp), %rax
    movq    %rax, registers_found + STACK(n)(%rip)
    .set    n, n + 1
    .endr
    cmpb    $0, registers_have_avx(%rip)
    je      1f
    .macro  store_ymm number
    vmovdqu %ymm\number, registers_found + YMM(\number)(%rip)
    .endm
    .macro  store_xmm number
    movdqu  %xmm\number, registers_found + YMM(\number)(%rip)
    .endm
    .set    n, 0
    .rept   16
    store_ymm %n
    .set    n, n + 1
    .endr
    ret
1:  .set    n, 0
    .rept   16
    store_xmm %n
    .set    n, n + 1
    .endr
    ret
    .size   registers_callee, . - registers_callee

/*
 * uint64_t misaligned_call(void *function, uint64_t a, double x, uint64_t b, uint64_t c):
 * function(a, b, c) with x in xmm0, eight bytes off the alignment
 */
    .globl  misaligned_call
    .type   misaligned_call, @function
misaligned_call:
    endbr64
    movq    %rdi, %r11
    movq    %rsi, %rdi
    movq    %rdx, %rsi
    movq    %rcx, %rdx
    call    *%r11
    ret
    .size   misaligned_call, . - misaligned_call

/* uint64_t misaligned_callee(uint64_t a, double b): forgives; a + 256 * the low bits of rsp */
    .globl  misaligned_callee
    .type   misaligned_callee, @function
misaligned_callee:
    endbr64
    movq    %rsp, %rax
    andl    $15, %eax
    shll    $8, %eax
    addq    %rdi, %rax
    ret
    .size   misaligned_callee, . - misaligned_callee

#include "entry/marks_x86_64.S"
