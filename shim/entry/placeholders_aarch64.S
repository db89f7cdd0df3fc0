// SPDX-License-Identifier: MIT
/* As placeholders_x86_64.S, which says what they are for. */
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
    hint    #34 /* bti c */
    mov     x0, #0
    ret
    .cfi_endproc

#include "entry/marks_aarch64.S"
