// SPDX-License-Identifier: MIT
/*
 * Functions that are seen before and after each call, x86-64 System V. The thunk tells that the
 * call begins, puts memoshim_around_return where the return address lies, and jumps on with every
 * argument, in registers and on the stack, as it was. The true return address is in a record whose
 * address is in rbx for the length of the call: the function preserves it, and the tables below
 * tell unwinders to look there.
 */
#include "entry/layout.h"

/* Behind struct abi_registers in the frame of the thunk. */
#define KEPT_R10    (REGISTERS_BYTES + 0)
#define KEPT_R11    (REGISTERS_BYTES + 8)
#define KEPT_CALL   (REGISTERS_BYTES + 16)
#define FRAME_BYTES (REGISTERS_BYTES + 64)

/* DW_CFA_expression: the register is saved at rbx + offset. DW_OP_breg3 is 0x73. */
#define SAVED_AT_RBX(register, offset) .cfi_escape 0x10, register, 2, 0x73, offset
#define DWARF_RBX                      3
#define DWARF_RETURN                   16

    .text

    .p2align 6
    .globl  memoshim_around_thunks
    .hidden memoshim_around_thunks
    .type   memoshim_around_thunks, @function
memoshim_around_thunks:
    .set    k, 0
    .altmacro
    .macro  around_thunk number
    .p2align 5
    .type   memoshim_around_\number, @function
memoshim_around_\number:
    .cfi_startproc
    endbr64
    movl    $\number, %r11d
    jmp     memoshim_around_common
    .cfi_endproc
    .size   memoshim_around_\number, . - memoshim_around_\number
    .endm
    .rept   ENTRY_MAX_AROUNDS
    around_thunk %k
    .set    k, k + 1
    .endr
    .p2align 5
    .org    memoshim_around_thunks + ENTRY_MAX_AROUNDS * ENTRY_AROUND_THUNK_BYTES
    .size   memoshim_around_thunks, . - memoshim_around_thunks

    .macro  save_vectors width, last
    .set    k, 0
    .rept   \last + 1
    save_\width %k
    .set    k, k + 1
    .endr
    .endm
    .macro  restore_vectors width, last
    .set    k, 0
    .rept   \last + 1
    restore_\width %k
    .set    k, k + 1
    .endr
    .endm
    .macro  save_xmm number
    movaps  %xmm\number, (REGISTERS_VECTORS + 64 * \number)(%rsp)
    .endm
    .macro  restore_xmm number
    movaps  (REGISTERS_VECTORS + 64 * \number)(%rsp), %xmm\number
    .endm
    .macro  save_ymm number
    vmovaps %ymm\number, (REGISTERS_VECTORS + 64 * \number)(%rsp)
    .endm
    .macro  restore_ymm number
    vmovaps (REGISTERS_VECTORS + 64 * \number)(%rsp), %ymm\number
    .endm
    .macro  save_zmm number
    vmovaps %zmm\number, (REGISTERS_VECTORS + 64 * \number)(%rsp)
    .endm
    .macro  restore_zmm number
    vmovaps (REGISTERS_VECTORS + 64 * \number)(%rsp), %zmm\number
    .endm

    /* Vector registers 0 to last, as wide as they are. */
    .macro  each_vector verb, last
    cmpb    $AROUND_WIDTH_AVX, memoshim_around_width(%rip)
    jb      1f
    ja      2f
    \verb\()_vectors ymm, \last
    jmp     3f
1:  \verb\()_vectors xmm, \last
    jmp     3f
2:  \verb\()_vectors zmm, \last
3:
    .endm

    /* To the real function, on the caller's own frame. */
    .macro  jump_on
    movq    KEPT_R11(%rsp), %r11
    movq    %rbp, %rsp
    .cfi_def_cfa_register %rsp
    popq    %rbp
    .cfi_def_cfa_offset 8
    .cfi_restore %rbp
    shlq    $4, %r11 /* ENTRY_NOTICE_BYTES */
    addq    memoshim_around_records(%rip), %r11
    jmp     *ENTRY_NOTICE_ORIGINAL(%r11)
    .endm

/* r11: number of the thunk. */
    .type   memoshim_around_common, @function
memoshim_around_common:
    .cfi_startproc
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    subq    $FRAME_BYTES, %rsp
    andq    $-64, %rsp
    movq    %rdi, (%rsp)
    movq    %rsi, 8(%rsp)
    movq    %rdx, 16(%rsp)
    movq    %rcx, 24(%rsp)
    movq    %r8, 32(%rsp)
    movq    %r9, 40(%rsp)
    leaq    16(%rbp), %rdi
    movq    %rdi, REGISTERS_STACK(%rsp)
    movq    %rax, (REGISTERS_STACK + 8)(%rsp)
    movq    %r10, KEPT_R10(%rsp)
    movq    %r11, KEPT_R11(%rsp)
    each_vector save, 7
    movq    %r11, %rdi
    movq    %rsp, %rsi
    leaq    8(%rbp), %rdx
    call    memoshim_around_before
    movq    %rax, KEPT_CALL(%rsp)
    each_vector restore, 7
    movq    (%rsp), %rdi
    movq    8(%rsp), %rsi
    movq    16(%rsp), %rdx
    movq    24(%rsp), %rcx
    movq    32(%rsp), %r8
    movq    40(%rsp), %r9
    movq    (REGISTERS_STACK + 8)(%rsp), %rax
    movq    KEPT_R10(%rsp), %r10
    .cfi_remember_state
    movq    KEPT_CALL(%rsp), %r11
    testq   %r11, %r11
    je      9f
    movq    %rbx, AROUND_CALL_RBX(%r11)
    movq    %r11, %rbx
    SAVED_AT_RBX(DWARF_RBX, AROUND_CALL_RBX)
    leaq    memoshim_around_return(%rip), %r11
    movq    %r11, 8(%rbp)
    SAVED_AT_RBX(DWARF_RETURN, AROUND_CALL_RETURN)
    andq    $-2, AROUND_CALL_WORD(%rbx) /* AROUND_BUSY: from here on the stack speaks for it */
    jump_on
9:  .cfi_restore_state
    jump_on
    .cfi_endproc
    .size   memoshim_around_common, . - memoshim_around_common

/*
 * Where such functions return to. An unwinder comes here from within one: the caller's stack
 * pointer is ours. The CFA is made up, four bytes above it: unwinders tell frames by it, and no
 * other frame has that one. The nop is for those who look for the instruction before a return
 * address.
 */
    .p2align 4
    .type   memoshim_around_return_frame, @function
memoshim_around_return_frame:
    .cfi_startproc
    .cfi_def_cfa %rsp, 4
    .cfi_escape 0x16, 7, 2, 0x77, 0 /* DW_CFA_val_expression: rsp is DW_OP_breg7 + 0 */
    SAVED_AT_RBX(DWARF_RETURN, AROUND_CALL_RETURN)
    SAVED_AT_RBX(DWARF_RBX, AROUND_CALL_RBX)
    nop
    .globl  memoshim_around_return
    .hidden memoshim_around_return
memoshim_around_return:
    orq     $1, AROUND_CALL_WORD(%rbx) /* AROUND_BUSY: from here on the stack says nothing */
    movq    %rbx, %rdi
    pushq   AROUND_CALL_RETURN(%rdi)
    .cfi_def_cfa %rsp, 8
    .cfi_offset %rip, -8
    .cfi_restore %rsp
    movq    AROUND_CALL_RBX(%rdi), %rbx
    .cfi_restore %rbx
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    subq    $FRAME_BYTES, %rsp
    andq    $-64, %rsp
    movq    %rax, (%rsp)
    movq    %rdx, 8(%rsp)
    each_vector save, 1
    call    memoshim_around_after
    each_vector restore, 1
    movq    (%rsp), %rax
    movq    8(%rsp), %rdx
    movq    %rbp, %rsp
    .cfi_def_cfa_register %rsp
    popq    %rbp
    .cfi_def_cfa_offset 8
    .cfi_restore %rbp
    ret
    .cfi_endproc
    .size   memoshim_around_return_frame, . - memoshim_around_return_frame

    .section .data.rel.ro, "aw", @progbits
    .p2align 3
    .type   memoshim_around_records, @object
memoshim_around_records:
    .quad   memoshim_entry_sealed + ENTRY_MAX_THUNKS * ENTRY_RECORD_BYTES + \
            ENTRY_MAX_NOTICES * ENTRY_NOTICE_BYTES
    .size   memoshim_around_records, . - memoshim_around_records
    .text

#include "entry/marks_x86_64.S"
