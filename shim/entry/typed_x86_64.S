// SPDX-License-Identifier: MIT
/*
 * Two kinds of entries for calls that travel in registers only, x86-64 System V.
 *
 * Typed entries: one for each number of integer registers and of vector registers
 * that a call's arguments take. It puts those, and no others, into a struct abi_words on the stack
 * and calls the C of the record, which leaves the result in both registers in which one may be
 * expected.
 *
 * Quick ones: for code that takes its arguments in registers itself.
 *
 * In: r11, the record; the arguments; a stack that is aligned as at a call.
 */
#include "entry/layout.h"

    .text

    .p2align 6
    .globl  memoshim_typed
    .hidden memoshim_typed
    .type   memoshim_typed, @function
memoshim_typed:
    .altmacro
    .macro  typed n_integers, n_vectors
    .p2align 6
    .type   memoshim_typed_\n_integers\()_\n_vectors, @function
memoshim_typed_\n_integers\()_\n_vectors:
    .cfi_startproc
    endbr64
    subq    $TYPED_FRAME_BYTES, %rsp
    .cfi_def_cfa_offset TYPED_FRAME_BYTES + 8
    .if     \n_integers > 0
    movq    %rdi, (TYPED_FRAME_WORDS + 0)(%rsp)
    .endif
    .if     \n_integers > 1
    movq    %rsi, (TYPED_FRAME_WORDS + 8)(%rsp)
    .endif
    .if     \n_integers > 2
    movq    %rdx, (TYPED_FRAME_WORDS + 16)(%rsp)
    .endif
    .if     \n_integers > 3
    movq    %rcx, (TYPED_FRAME_WORDS + 24)(%rsp)
    .endif
    .if     \n_integers > 4
    movq    %r8, (TYPED_FRAME_WORDS + 32)(%rsp)
    .endif
    .if     \n_integers > 5
    movq    %r9, (TYPED_FRAME_WORDS + 40)(%rsp)
    .endif
    .set    v, 0
    .rept   \n_vectors
    put_vector %v
    .set    v, v + 1
    .endr
    movq    ENTRY_RECORD_HANDED(%r11), %rdi
    movq    %rsp, %rsi
    call    *ENTRY_RECORD_QUICK(%r11)
    addq    $TYPED_FRAME_BYTES, %rsp
    .cfi_def_cfa_offset 8
    ret
    .cfi_endproc
    .size   memoshim_typed_\n_integers\()_\n_vectors, . - memoshim_typed_\n_integers\()_\n_vectors
    .endm

    .macro  put_vector number
    movlps  %xmm\number, (TYPED_FRAME_WORDS + TYPED_VECTORS + 8 * \number)(%rsp)
    .endm

    .macro  typed_with n_integers
    .set    k, 0
    .rept   TYPED_MAX_VECTORS + 1
    typed   \n_integers, %k
    .org    memoshim_typed + (\n_integers * (TYPED_MAX_VECTORS + 1) + k + 1) * TYPED_BYTES
    .set    k, k + 1
    .endr
    .endm

    .set    n, 0
    .rept   TYPED_MAX_INTEGERS + 1
    typed_with %n
    .set    n, n + 1
    .endr
    .p2align 6
    /* No .size: debuggers name an address after the entry that it lies in. */

/* The plan into the first integer register that arguments leave free, and on to the code. */
    .globl  memoshim_quick
    .hidden memoshim_quick
    .type   memoshim_quick, @function
    .macro  quick register, number
    .p2align 4
    .type   memoshim_quick_\number, @function
memoshim_quick_\number:
    .cfi_startproc
    endbr64
    movq    ENTRY_RECORD_PLAN(%r11), %\register
    jmp     *ENTRY_RECORD_QUICK(%r11)
    .cfi_endproc
    .size   memoshim_quick_\number, . - memoshim_quick_\number
    .org    memoshim_quick + (\number + 1) * QUICK_BYTES
    .endm
    .p2align 6
memoshim_quick:
    quick   rdi, 0
    quick   rsi, 1
    quick   rdx, 2
    quick   rcx, 3
    quick   r8, 4
    quick   r9, 5

#include "entry/marks_x86_64.S"
