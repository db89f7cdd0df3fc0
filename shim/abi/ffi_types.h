// SPDX-License-Identifier: MIT
/* Internal to abi: the types of the configuration as libffi has them. */
#ifndef ABI_FFI_TYPES_H
#define ABI_FFI_TYPES_H

#include "base/arena.h"
#include "config/config.h"

#include <ffi.h>

/* 0; -ENOTSUP for what libffi cannot carry; -ENOMEM. What is made for structs lies in arena. */
int ffi_types_make(const struct ctype *type, struct arena *arena, ffi_type **ret_type);

#endif
