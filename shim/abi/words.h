// SPDX-License-Identifier: MIT
/* Internal to abi: calls that need registers of eight bytes and nothing else. */
#ifndef ABI_WORDS_H
#define ABI_WORDS_H

#include "abi/abi.h"

/* Sets is_typed and, if it is true, all that goes with it. */
void words_describe(const struct prototype *prototype, struct abi_call *call);

/* abi_call_real of such a call. */
void words_call(const struct abi_call *call, void *function, void *result, void *const *arguments);

#endif
