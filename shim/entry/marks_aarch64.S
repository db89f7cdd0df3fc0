// SPDX-License-Identifier: MIT
/*
 * Included as the last lines of every other assembly file: no executable stack, and the marks that
 * say that the code works with branch targets (BTI) and signed return addresses (PAC). One file
 * without them takes both from the whole object. The note is of type 5 (GNU property), the property
 * 0xc0000000 (AArch64 features).
 */
    .section .note.GNU-stack, "", %progbits
    .section .note.gnu.property, "a"
    .p2align 3
    .long   4
    .long   16
    .long   5
    .asciz  "GNU"
    .long   0xc0000000
    .long   4
    .long   3
    .long   0
