// SPDX-License-Identifier: MIT
/*
 * Where abi says that arguments are, held against a call that the compiler made, as a thunk sees
 * it.
 */
#include "unit.h"

#include "entry/entry.h"
#include "registers.h"

#include <errno.h>
#include <string.h>

static struct abi_registers seen;
static _Alignas(16) uint64_t stack_words[32];

static void before(void *context, const struct abi_registers *registers, bool is_inside, void *note)
{
    seen = *registers;
    copy_words(stack_words, registers->stack, 32);
    seen.stack = stack_words;
}

static void after(void *context, bool is_inside, const void *note)
{
}

static int take_many(signed char a, double b, void *c, float d, unsigned short e, long double f,
                     long g, _Bool h, double i, int j, unsigned char k, double l, double m,
                     double n, double o, double p, double q, long double r, short s)
{
    return a + (int)f + s;
}

#define N_TAKEN 19

/* Each argument of a call is found where abi says, in registers and on the stack. */
static void test_arguments_are_found(void **state)
{
    static const struct ctype types[] = {
        {.kind = CTYPE_SIGNED, .size_bytes = 1},   {.kind = CTYPE_DOUBLE, .size_bytes = 8},
        {.kind = CTYPE_POINTER, .size_bytes = 8},  {.kind = CTYPE_FLOAT, .size_bytes = 4},
        {.kind = CTYPE_UNSIGNED, .size_bytes = 2}, {.kind = CTYPE_LONG_DOUBLE, .size_bytes = 16},
        {.kind = CTYPE_SIGNED, .size_bytes = 8},   {.kind = CTYPE_BOOL, .size_bytes = 1},
        {.kind = CTYPE_DOUBLE, .size_bytes = 8},   {.kind = CTYPE_SIGNED, .size_bytes = 4},
        {.kind = CTYPE_UNSIGNED, .size_bytes = 1}, {.kind = CTYPE_DOUBLE, .size_bytes = 8},
        {.kind = CTYPE_DOUBLE, .size_bytes = 8},   {.kind = CTYPE_DOUBLE, .size_bytes = 8},
        {.kind = CTYPE_DOUBLE, .size_bytes = 8},   {.kind = CTYPE_DOUBLE, .size_bytes = 8},
        {.kind = CTYPE_DOUBLE, .size_bytes = 8},   {.kind = CTYPE_LONG_DOUBLE, .size_bytes = 16},
        {.kind = CTYPE_SIGNED, .size_bytes = 2},
    };
    struct prototype_parameter parameters[N_TAKEN];
    struct prototype prototype = {"f", &types[9], parameters, N_TAKEN};
    int (*volatile take)(signed char, double, void *, float, unsigned short, long double, long,
                         _Bool, double, int, unsigned char, double, double, double, double, double,
                         double, long double, short) =
        entry_around_thunk(entry_open_around((void *)take_many, NULL));
    signed char a = -3;
    double b = 1.5, i = 2.5, l = 3.5, m = 4.5, n = 5.5, o = 6.5, p = 7.5, q = 8.5;
    void *c = &a;
    float d = 0.25f;
    unsigned short e = 60000;
    long double f = 1e300L, r = -7.125L;
    long g = -5000000000;
    _Bool h = true;
    int j = -70000;
    unsigned char k = 200;
    short s = -300;
    const void *values[N_TAKEN] = {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j,
                                   &k, &l, &m, &n, &o, &p, &q, &r, &s};

    f = 100.0L;
    assert_int_equal(take(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s), -3 + 100 - 300);
    for (uint32_t at = 0; at < N_TAKEN; at++) {
        parameters[at] = (struct prototype_parameter){"x", &types[at]};
    }
    for (uint32_t at = 0; at < N_TAKEN; at++) {
        struct abi_place place;

        assert_int_equal(abi_find_argument(&prototype, at, &place), 0);
        assert_memory_equal(abi_argument(&seen, place), values[at], abi_value_bytes(&types[at]));
    }
}

/* ---- structs --------------------------------------------------------------------------------- */

struct mixed {
    long i;
    double d;
};

struct large {
    char bytes[40];
};

static struct large take_structs(struct mixed a, int b, struct large c, double d, struct mixed e,
                                 long f, struct mixed g, struct mixed h, short i, double j)
{
    return c;
}

static const struct ctype type_long = {.kind = CTYPE_SIGNED, .size_bytes = 8};
static const struct ctype type_int = {.kind = CTYPE_SIGNED, .size_bytes = 4};
static const struct ctype type_short = {.kind = CTYPE_SIGNED, .size_bytes = 2};
static const struct ctype type_byte = {.kind = CTYPE_SIGNED, .size_bytes = 1};
static const struct ctype type_double = {.kind = CTYPE_DOUBLE, .size_bytes = 8};
static const struct ctype_member mixed_members[] = {{"i", &type_long, 0}, {"d", &type_double, 8}};
static const struct ctype type_mixed = {.kind = CTYPE_STRUCT,
                                        .size_bytes = 16,
                                        .alignment_bytes = 8,
                                        .members = mixed_members,
                                        .n_members = 2};
static const struct ctype type_bytes = {
    .kind = CTYPE_ARRAY, .size_bytes = 40, .target = &type_byte};
static const struct ctype_member large_members[] = {{"bytes", &type_bytes, 0}};
static const struct ctype type_large = {.kind = CTYPE_STRUCT,
                                        .size_bytes = 40,
                                        .alignment_bytes = 1,
                                        .members = large_members,
                                        .n_members = 1};

/* Scalars between structs, of which the last that fits takes the last integer register. */
static void test_arguments_between_structs_are_found(void **state)
{
    static const struct prototype_parameter parameters[] = {
        {"a", &type_mixed}, {"b", &type_int},   {"c", &type_large}, {"d", &type_double},
        {"e", &type_mixed}, {"f", &type_long},  {"g", &type_mixed}, {"h", &type_mixed},
        {"i", &type_short}, {"j", &type_double}};
    const struct prototype prototype = {"f", &type_large, parameters, 10};
    struct large (*volatile take)(struct mixed, int, struct large, double, struct mixed, long,
                                  struct mixed, struct mixed, short, double) =
        entry_around_thunk(entry_open_around((void *)take_structs, NULL));
    struct mixed a = {1, 2.5}, e = {3, 4.5}, g = {5, 6.5}, h = {7, 8.5};
    struct large c = {"forty bytes"};
    int b = -70000;
    double d = 9.5, j = 10.5;
    long f = -5000000000;
    short i = -300;
    const struct {
        uint32_t parameter;
        const void *value;
    } scalars[] = {{1, &b}, {3, &d}, {5, &f}, {8, &i}, {9, &j}};
    struct large result = take(a, b, c, d, e, f, g, h, i, j);

    assert_memory_equal(&result, &c, sizeof(c));
    for (size_t k = 0; k < sizeof(scalars) / sizeof(scalars[0]); k++) {
        uint32_t at = scalars[k].parameter;
        struct abi_place place;

        assert_int_equal(abi_find_argument(&prototype, at, &place), 0);
        assert_memory_equal(abi_argument(&seen, place), scalars[k].value,
                            parameters[at].type->size_bytes);
    }
}

/* What might come back through memory, or travels in ways of its own, is refused. */
static void test_what_cannot_be_told(void **state)
{
    static const struct ctype integer = {.kind = CTYPE_SIGNED, .size_bytes = 4};
    static const struct ctype nothing = {.kind = CTYPE_VOID};
    static const struct ctype opaque = {.kind = CTYPE_OPAQUE};
    const struct prototype_parameter parameters[] = {{"a", &opaque}, {"b", &integer}};
    struct prototype prototype = {"f", &opaque, parameters + 1, 1};
    struct abi_place place;

    assert_int_equal(abi_find_argument(&prototype, 0, &place), -ENOTSUP);
    prototype.result = &nothing;
    assert_int_equal(abi_find_argument(&prototype, 0, &place), 0);
    prototype = (struct prototype){"f", &nothing, parameters, 2};
    assert_int_equal(abi_find_argument(&prototype, 1, &place), -ENOTSUP);
}

int main(void)
{
    static const struct entry_around hooks = {before, after};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_found),
        cmocka_unit_test(test_arguments_between_structs_are_found),
        cmocka_unit_test(test_what_cannot_be_told),
    };

    entry_around_init(&hooks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
