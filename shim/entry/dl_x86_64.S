// SPDX-License-Identifier: MIT
/*
 * x86-64 System V: dlsym(handle, symbol) and dlvsym(handle, symbol, version). They ask C whether
 * the answer is ours; if not they jump on, so that the real function sees the program's own return
 * address: RTLD_NEXT and RTLD_DEFAULT depend on who calls.
 */
    .text

    .macro  dl_entry name, versioned
    .p2align 4
    .globl  \name
    .type   \name, @function
\name:
    .cfi_startproc
    endbr64
    pushq   %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq    %rsp, %rbp
    .cfi_def_cfa_register %rbp
    andq    $-16, %rsp
    subq    $32, %rsp /* 0: answer, 8: handle, 16: symbol, 24: version */
    movq    %rdi, 8(%rsp)
    movq    %rsi, 16(%rsp)
    movq    %rdx, 24(%rsp)
    .if     \versioned == 0
    xorl    %edx, %edx
    .endif
    movq    8(%rbp), %rcx
    movq    %rsp, %r8
    call    memoshim_dl_answer
    testb   %al, %al
    je      1f
    movq    (%rsp), %rax
    leave
    .cfi_remember_state
    .cfi_def_cfa %rsp, 8
    .cfi_restore %rbp
    ret
    .cfi_restore_state
1:  movl    $\versioned, %edi
    call    memoshim_dl_real
    movq    8(%rsp), %rdi
    movq    16(%rsp), %rsi
    movq    24(%rsp), %rdx
    movq    %rax, %r11
    leave
    .cfi_def_cfa %rsp, 8
    .cfi_restore %rbp
    testq   %r11, %r11
    je      2f
    jmp     *%r11
2:  xorl    %eax, %eax
    ret
    .cfi_endproc
    .size   \name, . - \name
    .endm

    dl_entry dlsym, 0
    dl_entry dlvsym, 1

#include "entry/marks_x86_64.S"
