// SPDX-License-Identifier: MIT
/*
 * AArch64 procedure call standard. Two families of code:
 *
 *   memoshim_thunks          one per memoized function. Until it is decided whether the call is
 *                            ours, only x16 and x17 change, which are free between a call and its
 *                            target: not an argument register, not x18 (the platform's), not x30.
 *   memoshim_notice_thunks   announce a call (of _exit, execve ...), then jump on with every
 *                            argument register as it was.
 *
 * All jumps are tail jumps through x16 or x17, from which a branch may land on "bti c". hint #34 is
 * that instruction, and nothing where processors do not know it.
 *
 * Memory: a slot is written with release once the record is complete, but the thunk's reads of the
 * record do not depend on its own read of the slot, which lies in the caller. So the switch is read
 * with acquire, and the way past us has a barrier.
 */
#include "entry/layout.h"

    .arch   armv8-a
    .text

    /* The address of symbol + offset. */
    .macro  address register, symbol
    adrp    \register, \symbol
    add     \register, \register, #:lo12:\symbol
    .endm

/* ---- memoized functions ---- */

    .p2align 7
    .globl  memoshim_thunks
    .hidden memoshim_thunks
    .type   memoshim_thunks, %function
memoshim_thunks:
    .set    k, 0
    .altmacro
    .macro  thunk number
    .p2align 7
    .type   memoshim_thunk_\number, %function
memoshim_thunk_\number:
    .cfi_startproc
    hint    #34
    mrs     x16, tpidr_el0
    adrp    x17, :gottprel:memoshim_guard
    ldr     x17, [x17, #:gottprel_lo12:memoshim_guard]
    ldr     w16, [x16, x17]
    cbnz    w16, 1f
    address x17, (memoshim_entry_on + \number)
    ldarb   w16, [x17]
    cbz     w16, 1f
    address x17, (memoshim_entry_sealed + \number * ENTRY_RECORD_BYTES)
    ldr     x16, [x17, #ENTRY_RECORD_CODE]
    /* As libffi wants it; typed_aarch64.S counts from there as well. */
    sub     x17, x17, #(ENTRY_CLOSURE_OFFSET - ENTRY_RECORD_CLOSURE)
    br      x16
1:  address x17, (memoshim_entry_passed + \number * 8)
    str     x15, [sp, #-16]!
    .cfi_adjust_cfa_offset 16
2:  ldxr    x16, [x17]
    add     x16, x16, #1
    stxr    w15, x16, [x17]
    cbnz    w15, 2b
    ldr     x15, [sp], #16
    .cfi_adjust_cfa_offset -16
    address x17, (memoshim_entry_sealed + \number * ENTRY_RECORD_BYTES)
    dmb     ishld
    ldr     x16, [x17, #ENTRY_RECORD_ORIGINAL]
    br      x16
    .cfi_endproc
    .size   memoshim_thunk_\number, . - memoshim_thunk_\number
    .endm
    .rept   ENTRY_MAX_THUNKS
    thunk   %k
    .set    k, k + 1
    .endr
    .p2align 7
    /* Refuses to move backwards: an assembly error if a thunk outgrew its room. */
    .org    memoshim_thunks + ENTRY_MAX_THUNKS * ENTRY_THUNK_BYTES
    .size   memoshim_thunks, . - memoshim_thunks

/* ---- announced functions ---- */

    .p2align 6
    .globl  memoshim_notice_thunks
    .hidden memoshim_notice_thunks
    .type   memoshim_notice_thunks, %function
memoshim_notice_thunks:
    .set    k, 0
    .macro  notice_thunk number
    .p2align 5
    .type   memoshim_notice_\number, %function
memoshim_notice_\number:
    .cfi_startproc
    hint    #34
    mov     x16, #\number
    b       memoshim_notice_common
    .cfi_endproc
    .size   memoshim_notice_\number, . - memoshim_notice_\number
    .endm
    .rept   ENTRY_MAX_NOTICES
    notice_thunk %k
    .set    k, k + 1
    .endr
    .p2align 5
    .org    memoshim_notice_thunks + ENTRY_MAX_NOTICES * ENTRY_NOTICE_THUNK_BYTES
    .size   memoshim_notice_thunks, . - memoshim_notice_thunks

/* x16: number of the notice. */
    .type   memoshim_notice_common, %function
memoshim_notice_common:
    .cfi_startproc
    stp     x29, x30, [sp, #-224]!
    .cfi_def_cfa_offset 224
    .cfi_offset x29, -224
    .cfi_offset x30, -216
    mov     x29, sp
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x16, [sp, #80]
    stp     q0, q1, [sp, #96]
    stp     q2, q3, [sp, #128]
    stp     q4, q5, [sp, #160]
    stp     q6, q7, [sp, #192]
    mrs     x0, tpidr_el0
    adrp    x1, :gottprel:memoshim_guard
    ldr     x1, [x1, #:gottprel_lo12:memoshim_guard]
    ldr     w0, [x0, x1]
    cbnz    w0, 1f
    mov     x0, x16
    add     x1, sp, #16
    bl      memoshim_notice
1:  ldp     x0, x1, [sp, #16]
    ldp     x2, x3, [sp, #32]
    ldp     x4, x5, [sp, #48]
    ldp     x6, x7, [sp, #64]
    ldp     x8, x16, [sp, #80]
    ldp     q0, q1, [sp, #96]
    ldp     q2, q3, [sp, #128]
    ldp     q4, q5, [sp, #160]
    ldp     q6, q7, [sp, #192]
    ldp     x29, x30, [sp], #224
    .cfi_restore x29
    .cfi_restore x30
    .cfi_def_cfa_offset 0
    address x17, (memoshim_entry_sealed + ENTRY_MAX_THUNKS * ENTRY_RECORD_BYTES)
    add     x17, x17, x16, lsl #ENTRY_NOTICE_SHIFT
    ldr     x16, [x17, #ENTRY_NOTICE_ORIGINAL]
    br      x16
    .cfi_endproc
    .size   memoshim_notice_common, . - memoshim_notice_common

/* There are no thunks that see both ends of a call: around_none.c. */
    .globl  memoshim_around_thunks
    .hidden memoshim_around_thunks
memoshim_around_thunks:

#include "entry/marks_aarch64.S"
