/* SPDX-License-Identifier: MIT */
/*
 * A program of 32 bits that needs neither headers nor start files of 32 bits to be built: puts a
 * line by way of a dynamically linked libc, and ends with status 3.
 */
        .globl _start
_start:
        pushl   $text
        call    puts
        pushl   $3
        call    exit

        .section .rodata
text:
        .asciz  "of 32 bits"

        .section .note.GNU-stack, "", @progbits
