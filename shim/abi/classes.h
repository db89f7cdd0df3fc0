// SPDX-License-Identifier: MIT
/* Internal to abi: how a struct or union travels by value on x86-64. */
#ifndef ABI_CLASSES_H
#define ABI_CLASSES_H

#include "config/config.h"

/* Of each eight bytes. psABI for x86-64, 3.2.3; INTEGER and SSE travel in registers. */
enum abi_class {
    CLASS_NONE,
    CLASS_INTEGER,
    CLASS_SSE,
    CLASS_X87,   /* a long double's first half: returned in st(0), passed in memory */
    CLASS_X87UP, /* its second half */
    CLASS_MEMORY,
};

#define CLASSES_MAX 2 /* what is larger travels in memory */

/* The classes of a struct or union; {CLASS_MEMORY} for what travels in memory altogether. */
void classes_of(const struct ctype *type, enum abi_class ret_classes[CLASSES_MAX]);

#endif
