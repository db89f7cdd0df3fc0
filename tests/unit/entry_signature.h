// SPDX-License-Identifier: MIT
/* What gen_signatures.py says of each signature, and which of them do without libffi. */
#ifndef TESTS_ENTRY_SIGNATURE_H
#define TESTS_ENTRY_SIGNATURE_H

#include "abi/abi.h"

struct signature {
    const struct ctype *result;
    const struct ctype *const *types;
    uint32_t n_arguments;
    void *const *values;      /* what the caller passes */
    const void *result_value; /* what the real function gives */
    const void *hit_value;    /* what a hit gives */
    void *real;
    void (*call)(void *function, void *ret); /* through a pointer of the true type */
    int n_integers;                          /* registers; -1: it needs more than words */
    int n_stack_words;                       /* on x86-64; -1: it needs libffi */
};

/* One word for each argument and for the result. */
static inline bool is_in_words(const struct signature *signature)
{
    return signature->n_integers >= 0 && signature->n_integers <= ABI_N_INTEGERS;
}

static inline bool needs_no_libffi(const struct signature *signature)
{
#if defined(__x86_64__)
    return signature->n_stack_words >= 0 && signature->n_stack_words <= ABI_MAX_STACK_WORDS &&
           signature->n_arguments <= ABI_MAX_WORDS;
#else
    return is_in_words(signature);
#endif
}

#endif
