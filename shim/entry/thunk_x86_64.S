// SPDX-License-Identifier: MIT
/*
 * x86-64 System V. Two families of code:
 *
 *   memoshim_thunks          one per memoized function. Until it is decided whether the call is
 *                            ours, only r11 and the flags change: not an argument register, not al
 *                            (variadic count), not r10 (static chain), not the stack. Calls on
 *                            a misaligned stack, which many functions forgive, are not ours.
 *   memoshim_notice_thunks   announce a call (of _exit, execve ...), then jump on with every
 *                            argument register as it was.
 *
 * All jumps are tail jumps: the shadow stack stays balanced. Every address that may be reached by
 * an indirect jump begins with endbr64.
 */
#include "entry/layout.h"

    .text

/* ---- memoized functions ---- */

    .p2align 6
    .globl  memoshim_thunks
    .hidden memoshim_thunks
    .type   memoshim_thunks, @function
memoshim_thunks:
    .set    k, 0
    .altmacro
    .macro  thunk number
    .p2align 6
    .type   memoshim_thunk_\number, @function
memoshim_thunk_\number:
    .cfi_startproc
    endbr64
    movq    memoshim_guard@gottpoff(%rip), %r11
    cmpl    $0, %fs:(%r11)
    leaq    (memoshim_entry_sealed + \number * ENTRY_RECORD_BYTES)(%rip), %r11
    jne     1f
    cmpb    $0, (memoshim_entry_on + \number)(%rip)
    je      1f
    testb   $8, %spl /* clear: the caller's stack is misaligned, and we store with movdqa */
    je      1f
    leaq    ENTRY_RECORD_CLOSURE(%r11), %r10
    jmp     *ENTRY_RECORD_CODE(%r11)
1:  lock incq (memoshim_entry_passed + \number * 8)(%rip)
    jmp     *ENTRY_RECORD_ORIGINAL(%r11)
    .cfi_endproc
    .size   memoshim_thunk_\number, . - memoshim_thunk_\number
    .endm
    .rept   ENTRY_MAX_THUNKS
    thunk   %k
    .set    k, k + 1
    .endr
    .p2align 6
    /* Refuses to move backwards: an assembly error if a thunk outgrew its room. */
    .org    memoshim_thunks + ENTRY_MAX_THUNKS * ENTRY_THUNK_BYTES
    /* No .size: debuggers name an address after the thunk that it lies in. */

/* ---- announced functions ---- */

    .p2align 6
    .globl  memoshim_notice_thunks
    .hidden memoshim_notice_thunks
    .type   memoshim_notice_thunks, @function
memoshim_notice_thunks:
    .set    k, 0
    .macro  notice_thunk number
    .p2align 5
    .type   memoshim_notice_\number, @function
memoshim_notice_\number:
    .cfi_startproc
    endbr64
    movl    $\number, %r11d
    jmp     memoshim_notice_common
    .cfi_endproc
    .size   memoshim_notice_\number, . - memoshim_notice_\number
    .endm
    .rept   ENTRY_MAX_NOTICES
    notice_thunk %k
    .set    k, k + 1
    .endr
    .p2align 5
    .org    memoshim_notice_thunks + ENTRY_MAX_NOTICES * ENTRY_NOTICE_THUNK_BYTES

/* r11: number of the notice. */
    .type   memoshim_notice_common, @function
memoshim_notice_common:
    .cfi_startproc
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    andq    $-16, %rsp
    subq    $208, %rsp
    movq    %rdi, (%rsp)
    movq    %rsi, 8(%rsp)
    movq    %rdx, 16(%rsp)
    movq    %rcx, 24(%rsp)
    movq    %r8, 32(%rsp)
    movq    %r9, 40(%rsp)
    movq    %rax, 48(%rsp)
    movq    %r10, 56(%rsp)
    movq    %r11, 64(%rsp)
    movaps  %xmm0, 80(%rsp)
    movaps  %xmm1, 96(%rsp)
    movaps  %xmm2, 112(%rsp)
    movaps  %xmm3, 128(%rsp)
    movaps  %xmm4, 144(%rsp)
    movaps  %xmm5, 160(%rsp)
    movaps  %xmm6, 176(%rsp)
    movaps  %xmm7, 192(%rsp)
    movq    memoshim_guard@gottpoff(%rip), %rdi
    cmpl    $0, %fs:(%rdi)
    jne     1f
    movq    %r11, %rdi
    movq    %rsp, %rsi
    call    memoshim_notice
1:  movq    (%rsp), %rdi
    movq    8(%rsp), %rsi
    movq    16(%rsp), %rdx
    movq    24(%rsp), %rcx
    movq    32(%rsp), %r8
    movq    40(%rsp), %r9
    movq    48(%rsp), %rax
    movq    56(%rsp), %r10
    movq    64(%rsp), %r11
    movaps  80(%rsp), %xmm0
    movaps  96(%rsp), %xmm1
    movaps  112(%rsp), %xmm2
    movaps  128(%rsp), %xmm3
    movaps  144(%rsp), %xmm4
    movaps  160(%rsp), %xmm5
    movaps  176(%rsp), %xmm6
    movaps  192(%rsp), %xmm7
    movq    %rbp, %rsp
    .cfi_def_cfa_register %rsp
    popq    %rbp
    .cfi_def_cfa_offset 8
    .cfi_restore %rbp
    shlq    $ENTRY_NOTICE_SHIFT, %r11
    addq    memoshim_notice_records(%rip), %r11
    jmp     *ENTRY_NOTICE_ORIGINAL(%r11)
    .cfi_endproc
    .size   memoshim_notice_common, . - memoshim_notice_common

    .section .data.rel.ro, "aw", @progbits
    .p2align 3
    .type   memoshim_notice_records, @object
memoshim_notice_records:
    .quad   memoshim_entry_sealed + ENTRY_MAX_THUNKS * ENTRY_RECORD_BYTES
    .size   memoshim_notice_records, . - memoshim_notice_records
    .text

#include "entry/marks_x86_64.S"
