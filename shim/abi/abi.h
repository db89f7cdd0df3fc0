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

/* The registers that arguments travel in, and the most arguments of a call that does without
 * libffi.
 */
#if defined(__x86_64__)
#define ABI_N_INTEGERS 6 /* rdi, rsi, rdx, rcx, r8, r9 */
#else
#define ABI_N_INTEGERS 8 /* x0 to x7 */
#endif
#define ABI_N_VECTORS 8 /* xmm0 to xmm7, d0 to d7 */
#define ABI_MAX_WORDS (ABI_N_INTEGERS + ABI_N_VECTORS)

/* And the words of the stack that they take besides, at most. */
#define ABI_MAX_STACK_WORDS 16

/* What is in them; of the vector registers the lower eight bytes. */
struct abi_words {
    uint64_t integers[ABI_N_INTEGERS];
    uint64_t vectors[ABI_N_VECTORS];
};

/* How far behind the beginning of an entry's abi_words its caller's arguments on the stack begin.
 */
#define ABI_STACK_AT 128

/* Those of a call that was put together here, as entries have them. */
struct abi_image {
    union {
        struct abi_words words;
        uint64_t room[ABI_STACK_AT / sizeof(uint64_t)];
    };
    uint64_t stack[ABI_MAX_STACK_WORDS];
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

/* The others of x86-64: as C types they come back in the registers that they are named after. */
struct abi_rax_rdx {
    uint64_t low, high;
};
struct abi_xmm0_xmm1 {
    double low, high;
};
struct abi_xmm0_rax {
    double low;
    uint64_t high;
};

/* How a result comes back. Its value's first eight bytes are in the register that is named first.
 */
enum abi_result {
    ABI_RESULT_WORD, /* at most eight bytes, in the one of struct abi_both where they belong */
    ABI_RESULT_RAX_RDX,
    ABI_RESULT_XMM0_XMM1,
    ABI_RESULT_RAX_XMM0, /* in both of struct abi_both */
    ABI_RESULT_XMM0_RAX,
    ABI_RESULT_X87,    /* a long double, in st(0) */
    ABI_RESULT_MEMORY, /* whose address came in the first integer register, and comes back in rax */
};

/*
 * One call. words: the registers of its arguments, which may be changed; those that there are not
 * are anything. What is on the stack stands ABI_STACK_AT behind them. Results other than
 * ABI_RESULT_WORD come from a function of another type, which only its caller knows of.
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

    /*
     * It is known where each argument is, and that is in registers or among the first words of the
     * stack; the same of the result: such calls do without libffi. Whoever sets it to false gets
     * the way by libffi, which is the same in every result.
     */
    bool is_typed;
    bool is_scalar; /* and each is an integer, a pointer, a float or a double in one register */
    bool is_apart;  /* an argument's halves lie apart */
    bool result_is_vector;
    uint8_t n_integers, n_vectors; /* registers, that of ABI_RESULT_MEMORY's address included */
    uint8_t n_stack_words;
    uint8_t result; /* enum abi_result */
    /* for abi only */
    uint8_t result_kind, result_bytes, word_kinds[ABI_MAX_WORDS], sizes[ABI_MAX_WORDS];
    /* Where each argument is, in bytes from the beginning of abi_words: the first eight bytes of
     * its value, and what is behind them. */
    uint8_t word_at[ABI_MAX_WORDS], rest_at[ABI_MAX_WORDS];
};

/* Typed, and each argument a word of its own, and so is the result, if there is one. */
static inline bool abi_is_in_words(const struct abi_call *call)
{
    return call->is_typed && call->is_scalar;
}

/* Typed, whatever arguments are, so long as none is on the stack, with a result of one word. */
static inline bool abi_is_in_registers(const struct abi_call *call)
{
    return call->is_typed && call->n_stack_words == 0 && call->result == ABI_RESULT_WORD;
}

/* Where the word of an argument is that begins so many bytes behind its beginning. Typed. */
static inline uint8_t abi_word_of(const struct abi_call *call, uint32_t argument, uint32_t at)
{
    return (uint8_t)(at < 8 ? call->word_at[argument] : call->rest_at[argument] + at - 8);
}

/* Room for arguments whose halves lie apart, as they lie in memory. */
struct abi_joined {
    uint64_t words[ABI_N_INTEGERS][2];
};

void abi_join_arguments(const struct abi_call *call, const struct abi_words *words,
                        struct abi_joined *room, void **arguments);

/* Has arguments[i] point to the value of each: arguments of a handler. room: only if is_apart. */
static inline void abi_point_arguments(const struct abi_call *call, struct abi_words *words,
                                       struct abi_joined *room, void **ret_arguments)
{
    for (uint32_t i = 0; i < call->n_arguments; i++) {
        ret_arguments[i] = (char *)words + call->word_at[i];
    }
    if (__builtin_expect(call->is_apart, 0)) {
        abi_join_arguments(call, words, room, ret_arguments);
    }
}

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
 * The same of a typed call with a result of ABI_RESULT_WORD, with its arguments as their caller
 * left them: words and what is behind them. Returns the register of its result, of which what
 * belongs to no result is anything.
 */
uint64_t abi_call_words(const struct abi_call *call, void *function, const struct abi_words *words);

/* The same with any result but in memory: its value as it lies in memory, and anything behind it.
 */
void abi_call_words_for(const struct abi_call *call, void *function, const struct abi_words *words,
                        uint64_t ret_value[2]);

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

/* A part of a value that lies within one of its words, in bytes from the value's beginning. */
struct abi_piece {
    uint8_t at, n_bytes;
};

/*
 * The runs of a value, joined where they touch and cut where words begin, in the order of their
 * places: how many; 0: more than n_max, or such as an abi_piece cannot tell.
 */
uint32_t abi_value_pieces(const struct ctype *type, struct abi_piece *ret_pieces, uint32_t n_max);

/* Of a type itself, of its members and elements; pointers are not followed. The former sets what it
 * finds. */
void abi_note_float(const struct ctype *type, bool *uses_float);
bool abi_holds_long_double(const struct ctype *type);

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
