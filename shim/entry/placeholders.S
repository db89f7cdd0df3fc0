// SPDX-License-Identifier: MIT
/*
 * Function symbols that only reserve room in the shim's dynamic symbol table: interpose/dynslots.c
 * gives some of them other names and values in memory. All stand at one place, which returns zero:
 * nobody calls it, unless somebody looks such a symbol up by its own name. Nothing refers to them,
 * so this file is linked into the shim directly.
 */
#define N_PLACEHOLDERS 512

    .text
    .altmacro
    .macro  placeholder number
    .globl  memoshim_slot_\number
    .type   memoshim_slot_\number, %function
memoshim_slot_\number:
    .endm
    .p2align 4
    .set    k, 0
    .rept   N_PLACEHOLDERS
    placeholder %k
    .set    k, k + 1
    .endr
    .cfi_startproc
#if defined(__x86_64__)
    endbr64
    xorl    %eax, %eax
    ret
    .cfi_endproc
#include "entry/marks_x86_64.S"
#else
    hint    #34 /* bti c */
    mov     x0, #0
    ret
    .cfi_endproc
#include "entry/marks_aarch64.S"
#endif
