// SPDX-License-Identifier: MIT
/*
 * A caller that fills every register but x16, x17 and x30, and eight words of stack, from struct
 * registers, and a callee that writes down what it finds. registers_aarch64.h has the struct.
 */
#define GP(n)     (8 * (n))
#define STACK(n)  (256 + 8 * (n))
#define VECTOR(n) (320 + 16 * (n))

    .arch   armv8-a
    .text

/* void registers_call(void *function, const struct registers *wanted) */
    .globl  registers_call
    .type   registers_call, %function
registers_call:
    hint    #34
    stp     x29, x30, [sp, #-160]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    sub     sp, sp, #64
    mov     x16, x0
    mov     x17, x1
    .set    n, 0
    .rept   8
    ldr     x0, [x17, #STACK(n)]
    str     x0, [sp, #(8 * n)]
    .set    n, n + 1
    .endr
    .altmacro
    .macro  load_pair first, second
    ldr     q\first, [x17, #VECTOR(\first)]
    ldr     q\second, [x17, #VECTOR(\second)]
    .endm
    .set    n, 0
    .rept   16
    load_pair %n, %(n + 1)
    .set    n, n + 2
    .endr
    ldp     x0, x1, [x17, #GP(0)]
    ldp     x2, x3, [x17, #GP(2)]
    ldp     x4, x5, [x17, #GP(4)]
    ldp     x6, x7, [x17, #GP(6)]
    ldp     x8, x9, [x17, #GP(8)]
    ldp     x10, x11, [x17, #GP(10)]
    ldp     x12, x13, [x17, #GP(12)]
    ldp     x14, x15, [x17, #GP(14)]
    ldp     x18, x19, [x17, #GP(18)]
    ldp     x20, x21, [x17, #GP(20)]
    ldp     x22, x23, [x17, #GP(22)]
    ldp     x24, x25, [x17, #GP(24)]
    ldp     x26, x27, [x17, #GP(26)]
    ldp     x28, x29, [x17, #GP(28)]
    blr     x16
    add     sp, sp, #64
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldp     x29, x30, [sp], #160
    ret
    .size   registers_call, . - registers_call

/* Never called from C. x16 and x17, which are free between a call and its target, stay as they are
 * in the record; x31 is the stack pointer. */
    .globl  registers_callee
    .type   registers_callee, %function
registers_callee:
    hint    #34
    adrp    x16, registers_found
    add     x16, x16, #:lo12:registers_found
    stp     x0, x1, [x16, #GP(0)]
    stp     x2, x3, [x16, #GP(2)]
    stp     x4, x5, [x16, #GP(4)]
    stp     x6, x7, [x16, #GP(6)]
    stp     x8, x9, [x16, #GP(8)]
    stp     x10, x11, [x16, #GP(10)]
    stp     x12, x13, [x16, #GP(12)]
    stp     x14, x15, [x16, #GP(14)]
    stp     x18, x19, [x16, #GP(18)]
    stp     x20, x21, [x16, #GP(20)]
    stp     x22, x23, [x16, #GP(22)]
    stp     x24, x25, [x16, #GP(24)]
    stp     x26, x27, [x16, #GP(26)]
    stp     x28, x29, [x16, #GP(28)]
    mov     x17, sp
    stp     x30, x17, [x16, #GP(30)]
    .set    n, 0
    .rept   8
    ldr     x17, [sp, #(8 * n)]
    str     x17, [x16, #STACK(n)]
    .set    n, n + 1
    .endr
    .macro  store_pair first, second
    str     q\first, [x16, #VECTOR(\first)]
    str     q\second, [x16, #VECTOR(\second)]
    .endm
    .set    n, 0
    .rept   16
    store_pair %n, %(n + 1)
    .set    n, n + 2
    .endr
    ret
    .size   registers_callee, . - registers_callee

#include "entry/marks_aarch64.S"
