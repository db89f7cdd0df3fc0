// SPDX-License-Identifier: MIT
/*
 * Two kinds of entries for calls that travel in registers only, AArch64 procedure call standard.
 *
 * Typed entries: one for calls without floating-point arguments, and one for all others. It puts
 * the argument registers into a struct abi_words on the stack and calls the C of the record.
 *
 * Quick ones: for code that takes its arguments in registers itself.
 *
 * That C returns a struct abi_both, which comes back in x0 and x1; a floating-point result is
 * expected in d0, where the second half is put.
 *
 * In: x17, as thunks hand it to libffi: THUNK_BEFORE bytes before the record; the arguments. What
 * thunks jump to by x16 begins with "paciasp" (hint #25), which is a landing pad as well, or with
 * "bti c" (hint #34); hint #29 is "autiasp". Older processors take all of them for nothing.
 */
#include "entry/layout.h"

#define THUNK_BEFORE (ENTRY_CLOSURE_OFFSET - ENTRY_RECORD_CLOSURE)

    .arch   armv8-a
    .text

    .macro  enter n_bytes
    hint    #25
    .cfi_negate_ra_state
    stp     x29, x30, [sp, #-\n_bytes]!
    .cfi_def_cfa_offset \n_bytes
    .cfi_offset x29, -\n_bytes
    .cfi_offset x30, -\n_bytes + 8
    mov     x29, sp
    .endm

    .macro  leave n_bytes
    ldp     x29, x30, [sp], #\n_bytes
    .cfi_def_cfa_offset 0
    .cfi_restore x29
    .cfi_restore x30
    hint    #29
    .cfi_negate_ra_state
    ret
    .endm

    .macro  put_integers
    stp     x0, x1, [sp, #TYPED_FRAME_WORDS]
    stp     x2, x3, [sp, #TYPED_FRAME_WORDS + 16]
    stp     x4, x5, [sp, #TYPED_FRAME_WORDS + 32]
    stp     x6, x7, [sp, #TYPED_FRAME_WORDS + 48]
    .endm

    .macro  put_vectors
    stp     d0, d1, [sp, #TYPED_FRAME_WORDS + TYPED_VECTORS]
    stp     d2, d3, [sp, #TYPED_FRAME_WORDS + TYPED_VECTORS + 16]
    stp     d4, d5, [sp, #TYPED_FRAME_WORDS + TYPED_VECTORS + 32]
    stp     d6, d7, [sp, #TYPED_FRAME_WORDS + TYPED_VECTORS + 48]
    .endm

    .macro  call_and_leave
    ldr     x0, [x17, #THUNK_BEFORE + ENTRY_RECORD_HANDED]
    add     x1, sp, #TYPED_FRAME_WORDS
    ldr     x16, [x17, #THUNK_BEFORE + ENTRY_RECORD_QUICK]
    blr     x16
    fmov    d0, x1
    leave   TYPED_FRAME_BYTES
    .endm

    .p2align 7
    .globl  memoshim_typed
    .hidden memoshim_typed
    .type   memoshim_typed, %function
memoshim_typed:
    .type   memoshim_typed_integers, %function
memoshim_typed_integers:
    .cfi_startproc
    enter   TYPED_FRAME_BYTES
    put_integers
    call_and_leave
    .cfi_endproc
    .size   memoshim_typed_integers, . - memoshim_typed_integers
    .org    memoshim_typed + TYPED_BYTES

    .type   memoshim_typed_all, %function
memoshim_typed_all:
    .cfi_startproc
    enter   TYPED_FRAME_BYTES
    put_integers
    put_vectors
    call_and_leave
    .cfi_endproc
    .size   memoshim_typed_all, . - memoshim_typed_all
    .org    memoshim_typed + 2 * TYPED_BYTES

/* The plan into the first integer register that arguments leave free, and on to the code. */
    .p2align 6
    .globl  memoshim_quick
    .hidden memoshim_quick
    .type   memoshim_quick, %function
memoshim_quick:
    .altmacro
    .macro  quick_integer number
    .type   memoshim_quick_integer_\number, %function
memoshim_quick_integer_\number:
    .cfi_startproc
    hint    #34
    ldr     x\number, [x17, #THUNK_BEFORE + ENTRY_RECORD_PLAN]
    ldr     x16, [x17, #THUNK_BEFORE + ENTRY_RECORD_QUICK]
    br      x16
    .cfi_endproc
    .size   memoshim_quick_integer_\number, . - memoshim_quick_integer_\number
    .org    memoshim_quick + (\number + 1) * QUICK_BYTES
    .endm
    .set    k, 0
    .rept   QUICK_MAX_INTEGERS + 1
    quick_integer %k
    .set    k, k + 1
    .endr

    .macro  quick_vector number
    .type   memoshim_quick_vector_\number, %function
memoshim_quick_vector_\number:
    .cfi_startproc
    enter   16
    ldr     x\number, [x17, #THUNK_BEFORE + ENTRY_RECORD_PLAN]
    ldr     x16, [x17, #THUNK_BEFORE + ENTRY_RECORD_QUICK]
    blr     x16
    fmov    d0, x1
    leave   16
    .cfi_endproc
    .size   memoshim_quick_vector_\number, . - memoshim_quick_vector_\number
    .org    memoshim_quick + (QUICK_MAX_INTEGERS + 1 + \number + 1) * QUICK_BYTES
    .endm
    .set    k, 0
    .rept   QUICK_MAX_INTEGERS + 1
    quick_vector %k
    .set    k, k + 1
    .endr

#include "entry/marks_aarch64.S"
