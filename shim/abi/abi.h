// SPDX-License-Identifier: MIT
/*
 * How a prototype travels under the platform's calling convention: the bridge from the
 * configuration's C types to libffi, and to registers where libffi is not needed. The rest of the
 * house sees a prepared call and the size of values; libffi's own types stay behind this header and
 * the entry that hands over to it.
 */
#ifndef ABI_ABI_H
#define ABI_ABI_H

#include "abi/float_state.h"
#include "base/arena.h"
#include "config/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The registers that arguments of up to eight bytes travel in, and the most arguments of which each
 * has one. */
#if defined(__x86_64__)
#define ABI_N_INTEGERS 6 /* rdi, rsi, rdx, rcx, r8, r9 */
#else
#define ABI_N_INTEGERS 8 /* x0 to x7 */
#endif
#define ABI_N_VECTORS 8 /* xmm0 to xmm7, d0 to d7 */
#define ABI_MAX_WORDS (ABI_N_INTEGERS + ABI_N_VECTORS)

/* What is in them; of the vector registers the lower eight bytes. */
struct abi_words {
    uint64_t integers[ABI_N_INTEGERS];
    uint64_t vectors[ABI_N_VECTORS];
};

/*
 * What a function leaves where results are: in rax and in xmm0, in x0 and in d0. One of them
 * counts, or none. As a C type it comes back in just these registers on x86-64, on AArch64 in x0
 * and x1: there entries put the second half into d0.
 */
struct abi_both {
    uint64_t integer;
    double vector;
};

/*
 * One call. words: the registers of its arguments, which may be changed; those that there are not
 * are anything.
 */
typedef struct abi_both (*abi_words_fn)(void *plan, struct abi_words *words);

struct abi_call {
    void *cif;               /* an ffi_cif, prepared; for entry and abi only */
    void *real_cif;          /* the one for real calls; the same, but for a split argument */
    uint32_t split_argument; /* passed as two scalars in real calls; n_arguments: none is */
    uint32_t n_arguments;
    bool passes_memory;         /* an argument is a struct that travels in memory */
    uint32_t result_room_bytes; /* what real calls write and handlers must fill; at least 8 */
    bool uses_float;            /* floating point comes in or goes out, also through pointers:
                                   rounding is an input, flags are an output */
    bool uses_x87;              /* long double: the x87 control word counts as well */

    /*
     * Every argument is an integer, a pointer, a float or a double in a register of its own, and so
     * is the result, if there is one: such calls do without libffi. Whoever sets it to false gets
     * the way by libffi, which is the same in every result.
     */
    bool is_typed;
    bool result_is_vector;
    uint8_t n_integers, n_vectors;                  /* registers */
    uint8_t result_kind, word_kinds[ABI_MAX_WORDS]; /* for abi only */
    uint8_t word_at[ABI_MAX_WORDS]; /* of each argument, in bytes from the beginning of abi_words */
};

/*
 * Prepares calls of prototype in memory of arena. 0; -ENOTSUP for a type that libffi cannot carry;
 * -ENOMEM.
 */
int abi_call_create(const struct prototype *prototype, struct arena *arena,
                    struct abi_call **ret_call);

/*
 * Calls function with arguments[i] pointing to the i-th value. result has result_room_bytes;
 * integers narrower than a register arrive widened to eight bytes, as handlers must leave them.
 */
void abi_call_real(const struct abi_call *call, void *function, void *result, void **arguments);

/*
 * The same of a typed call, with its arguments' registers as their caller left them. Returns the
 * register of its result, of which what belongs to no result is anything.
 */
uint64_t abi_call_words(const struct abi_call *call, void *function, const struct abi_words *words);

/*
 * Bytes of a value that carry it: without the padding of structs and of long double (10 of 16). A
 * union is all its bytes.
 */
uint32_t abi_value_bytes(const struct ctype *type);

/* Packs the abi_value_bytes(type) meaningful bytes of *value to ret_bytes. Never reads padding. */
void abi_copy_value(const struct ctype *type, const void *value, void *ret_bytes);

/* Equal but for padding. */
bool abi_equal_values(const struct ctype *type, const void *a, const void *b);

/* A run of bytes that belongs to a value, at this place in memory and packed. */
typedef bool (*abi_run_fn)(void *context, uint32_t offset, uint32_t packed_offset,
                           uint32_t n_bytes);

/* Each run of a value, in the order of their places, until one says false: then returns false. */
bool abi_visit_runs(const struct ctype *type, abi_run_fn run, void *context);

/* Sets what holds of type itself, of its members or elements; pointers are not followed. */
void abi_note_float(const struct ctype *type, bool *uses_float, bool *uses_x87);

/* The argument registers of a call, as its caller left them, and the stack behind them. */
struct abi_registers {
    uint64_t integers[6];
    const void *stack;  /* the first argument that did not fit into registers */
    uint64_t n_vectors; /* what a variadic call says in al */
    _Alignas(64) unsigned char vectors[8][64]; /* what the processor has of them: 16, 32 or 64 */
};

/* Where an argument is, in bytes from the beginning of the registers or of the stack. */
struct abi_place {
    bool is_on_stack;
    uint32_t offset;
};

/*
 * Where calls of prototype have the argument for `parameter`, which is a scalar that is not
 * complex, or a pointer. 0, or -ENOTSUP when that cannot be told.
 */
int abi_find_argument(const struct prototype *prototype, uint32_t parameter,
                      struct abi_place *ret_place);

/* The argument itself: an integer's upper bytes may be anything. */
static inline const void *abi_argument(const struct abi_registers *registers,
                                       struct abi_place place)
{
    return (const char *)(place.is_on_stack ? registers->stack : (const void *)registers) +
           place.offset;
}

/* The inverse: *ret_value from packed bytes, padding zeroed. */
void abi_restore_value(const struct ctype *type, const void *bytes, void *ret_value);

#endif
