// SPDX-License-Identifier: MIT
/*
 * AArch64 procedure call standard: dlsym(handle, symbol) and dlvsym(handle, symbol, version). They
 * ask C whether the answer is ours; if not they jump on, so that the real function sees the
 * program's own return address: RTLD_NEXT and RTLD_DEFAULT depend on who calls.
 */
    .arch   armv8-a
    .text

    .macro  dl_entry name, versioned
    .p2align 4
    .globl  \name
    .type   \name, %function
\name:
    .cfi_startproc
    hint    #34 /* bti c */
    stp     x29, x30, [sp, #-48]! /* 16: handle, 24: symbol, 32: version, 40: answer */
    .cfi_def_cfa_offset 48
    .cfi_offset x29, -48
    .cfi_offset x30, -40
    mov     x29, sp
    stp     x0, x1, [sp, #16]
    str     x2, [sp, #32]
    .if     \versioned == 0
    mov     x2, #0
    .endif
    mov     x3, x30
    add     x4, sp, #40
    bl      memoshim_dl_answer
    tbz     w0, #0, 1f
    ldr     x0, [sp, #40]
    ldp     x29, x30, [sp], #48
    .cfi_remember_state
    .cfi_restore x29
    .cfi_restore x30
    .cfi_def_cfa_offset 0
    ret
    .cfi_restore_state
1:  mov     w0, #\versioned
    bl      memoshim_dl_real
    mov     x16, x0
    ldp     x0, x1, [sp, #16]
    ldr     x2, [sp, #32]
    ldp     x29, x30, [sp], #48
    .cfi_restore x29
    .cfi_restore x30
    .cfi_def_cfa_offset 0
    cbz     x16, 2f
    br      x16
2:  mov     x0, #0
    ret
    .cfi_endproc
    .size   \name, . - \name
    .endm

    dl_entry dlsym, 0
    dl_entry dlvsym, 1

#include "entry/marks_aarch64.S"
