// SPDX-License-Identifier: MIT
/*
 * What the assembly and the C of this module agree on. Included by both; offsets are asserted in
 * entry.c.
 */
#ifndef ENTRY_LAYOUT_H
#define ENTRY_LAYOUT_H

/* Thunks of memoized functions, and of functions whose call is only announced (_exit, execve). */
#define ENTRY_MAX_THUNKS  1024
#define ENTRY_MAX_NOTICES 32

/* And of functions that are seen before and after each call. */
#define ENTRY_MAX_AROUNDS 256

#define ENTRY_RECORD_BYTES    64
#define ENTRY_RECORD_ORIGINAL 0
#define ENTRY_RECORD_CODE     8
#define ENTRY_RECORD_CLOSURE  16
#define ENTRY_RECORD_QUICK    16
#define ENTRY_RECORD_PLAN     48
#define ENTRY_RECORD_HANDED   56

/* What libffi's closure entry for AArch64 takes to stand before the closure: generated code. */
#define ENTRY_CLOSURE_OFFSET 24

#define ENTRY_NOTICE_SHIFT    4
#define ENTRY_NOTICE_BYTES    (1 << ENTRY_NOTICE_SHIFT)
#define ENTRY_NOTICE_ORIGINAL 0

/* The largest page size of the architecture: what is sealed must share no page with what is not. */
#if defined(__x86_64__)
#define ENTRY_PAGE_MAX 4096
#else
#define ENTRY_PAGE_MAX 65536
#endif

/* Code of one thunk, so that C can compute its address. */
#if defined(__x86_64__)
#define ENTRY_THUNK_BYTES 64
#else
#define ENTRY_THUNK_BYTES 128
#endif
#define ENTRY_NOTICE_THUNK_BYTES 32
#define ENTRY_AROUND_THUNK_BYTES 32

/*
 * Typed entries: the number of the one for so many registers of either kind, room for the code of
 * one, and for a struct abi_words. Quick ones: the number by the register that they put the plan
 * into, and whether the result is a floating-point number.
 */
#if defined(__x86_64__)
#define TYPED_MAX_INTEGERS                  6
#define TYPED_MAX_VECTORS                   8
#define TYPED_NUMBER(n_integers, n_vectors) ((n_integers) * (TYPED_MAX_VECTORS + 1u) + (n_vectors))
#define TYPED_BYTES                         192
#define TYPED_FRAME_WORDS                   0
#define TYPED_VECTORS                       48  /* of struct abi_words */
#define TYPED_FRAME_BYTES                   120 /* and the stack is aligned to 16 again */
#define TYPED_RETURN_BYTES                  8   /* between it and arguments on the stack */
#define QUICK_MAX_INTEGERS                  5
#define QUICK_NUMBER(n_integers, is_vector) (n_integers)
#define QUICK_BYTES                         16
#else
#define TYPED_NUMBER(n_integers, n_vectors) ((n_vectors) > 0)
#define TYPED_BYTES                         128
#define TYPED_FRAME_WORDS                   16 /* behind the frame record */
#define TYPED_VECTORS                       64
#define TYPED_FRAME_BYTES                   144
#define TYPED_RETURN_BYTES                  0
#define QUICK_MAX_INTEGERS                  7
#define QUICK_NUMBER(n_integers, is_vector) ((n_integers) + (is_vector) * (QUICK_MAX_INTEGERS + 1u))
#define QUICK_BYTES                         64
#endif

/* struct around_call: a call that has not returned yet. */
#define AROUND_CALL_WORD   0
#define AROUND_CALL_RETURN 8
#define AROUND_CALL_RBX    16

/* struct abi_registers. */
#define REGISTERS_INTEGERS 0
#define REGISTERS_STACK    48
#define REGISTERS_VECTORS  64
#define REGISTERS_BYTES    576

/* How wide vector registers are: memoshim_around_width. */
#define AROUND_WIDTH_SSE    0
#define AROUND_WIDTH_AVX    1
#define AROUND_WIDTH_AVX512 2

#endif
