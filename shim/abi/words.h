// SPDX-License-Identifier: MIT
/* Internal to abi: calls whose arguments' and result's places are known, without libffi. */
#ifndef ABI_WORDS_H
#define ABI_WORDS_H

#include "abi/abi.h"

/* What is in the register of an argument, or of a result. */
enum word_kind {
    WORD_NOTHING,
    WORD_WHOLE, /* eight bytes that are taken as they are */
    WORD_FLOAT,
    WORD_SIGNED_1,
    WORD_SIGNED_2,
    WORD_SIGNED_4,
    WORD_UNSIGNED_1,
    WORD_UNSIGNED_2,
    WORD_UNSIGNED_4,
    WORD_RECORD, /* as many bytes as the value has, of which only the first eight are there */
    WORD_OTHER,  /* does not travel so */
};

/* Sets is_typed and, if it is true, all that goes with it. */
void words_describe(const struct prototype *prototype, struct abi_call *call);

/* abi_call_real of such a call. */
void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments);

#endif
