// SPDX-License-Identifier: MIT
/* The scalar types of C as the model has them, for tests that build descriptions by hand. */
#ifndef TESTS_TYPES_H
#define TESTS_TYPES_H

#include "config/config.h"

#include <complex.h>

/* Of a long double, without padding. */
#if defined(__x86_64__)
#define LONG_DOUBLE_BYTES 10
#else
#define LONG_DOUBLE_BYTES 16
#endif

#define TEST_TYPE(name, ctype_kind, type) \
    static const struct ctype name        \
        __attribute__((unused)) = {ctype_kind, sizeof(type), _Alignof(type), .text = #type}

static const struct ctype type_void __attribute__((unused)) = {CTYPE_VOID, .text = "void"};
TEST_TYPE(type_bool, CTYPE_BOOL, _Bool);
TEST_TYPE(type_i8, CTYPE_SIGNED, int8_t);
TEST_TYPE(type_i16, CTYPE_SIGNED, int16_t);
TEST_TYPE(type_i32, CTYPE_SIGNED, int32_t);
TEST_TYPE(type_i64, CTYPE_SIGNED, int64_t);
TEST_TYPE(type_u8, CTYPE_UNSIGNED, uint8_t);
TEST_TYPE(type_u16, CTYPE_UNSIGNED, uint16_t);
TEST_TYPE(type_u32, CTYPE_UNSIGNED, uint32_t);
TEST_TYPE(type_u64, CTYPE_UNSIGNED, uint64_t);
TEST_TYPE(type_float, CTYPE_FLOAT, float);
TEST_TYPE(type_double, CTYPE_DOUBLE, double);
TEST_TYPE(type_long_double, CTYPE_LONG_DOUBLE, long double);
TEST_TYPE(type_complex_float, CTYPE_COMPLEX_FLOAT, float complex);
TEST_TYPE(type_complex_double, CTYPE_COMPLEX_DOUBLE, double complex);
TEST_TYPE(type_complex_long_double, CTYPE_COMPLEX_LONG_DOUBLE, long double complex);

#define TEST_POINTER(name, to)                                 \
    static const struct ctype name __attribute__((unused)) = { \
        CTYPE_POINTER, sizeof(void *), _Alignof(void *), .target = &(to), .text = #to " *"}

TEST_POINTER(type_pointer, type_void);
TEST_POINTER(type_text, type_i8);
TEST_POINTER(type_i32_pointer, type_i32);
TEST_POINTER(type_i64_pointer, type_i64);
TEST_POINTER(type_u64_pointer, type_u64);
TEST_POINTER(type_double_pointer, type_double);
TEST_POINTER(type_long_double_pointer, type_long_double);

#endif
