// SPDX-License-Identifier: MIT
/*
 * abi: every scalar kind through a prepared call, against the same call made by the compiler; the
 * bytes of values; the floating-point environment against fegetround and fetestexcept.
 */
#include "unit.h"

#include "abi/abi.h"
#include "types.h"

#include <errno.h>
#include <fenv.h>
#include <string.h>

static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return 0;
}

static struct abi_call *prepare(const struct ctype *result, const struct ctype *const *types,
                                uint32_t n_types)
{
    static struct prototype_parameter parameters[PROTOTYPE_MAX_PARAMETERS];
    struct prototype prototype = {"f", result, parameters, n_types};
    struct abi_call *call = NULL;

    for (uint32_t i = 0; i < n_types; i++) {
        parameters[i] = (struct prototype_parameter){"x", types[i]};
    }
    assert_int_equal(abi_call_create(&prototype, &arena, &call), 0);
    assert_int_equal(call->n_arguments, n_types);
    return call;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* x -> something that depends on every bit of x and y, so that a wrong width shows. */
#define DEFINE_SCALAR(name, type, expression) \
    static type name##_real(type x, type y)   \
    {                                         \
        return (type)(expression);            \
    }

DEFINE_SCALAR(bool, _Bool, x != y)
DEFINE_SCALAR(i8, int8_t, x - y)
DEFINE_SCALAR(i16, int16_t, x - y)
DEFINE_SCALAR(i32, int32_t, (uint32_t)x - (uint32_t)y)
DEFINE_SCALAR(i64, int64_t, (uint64_t)x - (uint64_t)y)
DEFINE_SCALAR(u8, uint8_t, x - y)
DEFINE_SCALAR(u16, uint16_t, x - y)
DEFINE_SCALAR(u32, uint32_t, x - y)
DEFINE_SCALAR(u64, uint64_t, x - y)
DEFINE_SCALAR(float, float, x - y)
DEFINE_SCALAR(double, double, x - y)
DEFINE_SCALAR(long_double, long double, x - y)
DEFINE_SCALAR(complex_float, float complex, x - y)
DEFINE_SCALAR(complex_double, double complex, x - y)
DEFINE_SCALAR(complex_long_double, long double complex, x - y)

/* The result's own bytes, and the packed ones, agree with the compiler's call. */
#define CHECK_SCALAR(name, type, first, second)                                             \
    do {                                                                                    \
        const struct ctype *types[] = {&type_##name, &type_##name};                         \
        struct abi_call *call = prepare(&type_##name, types, 2);                            \
        type x = (type)(first), y = (type)(second), expected = name##_real(x, y), restored; \
        void *arguments[] = {&x, &y};                                                       \
        _Alignas(16) unsigned char result[32], packed[32], packed_expected[32];             \
        assert_true(call->result_room_bytes <= sizeof(result));                             \
        memset(result, 0x5a, sizeof(result));                                               \
        abi_call_real(call, (void *)name##_real, result, arguments);                        \
        assert_true(abi_value_bytes(&type_##name) <= sizeof(type));                         \
        abi_copy_value(&type_##name, result, packed);                                       \
        abi_copy_value(&type_##name, &expected, packed_expected);                           \
        assert_memory_equal(packed, packed_expected, abi_value_bytes(&type_##name));        \
        memset(&restored, 0xff, sizeof(restored));                                          \
        abi_restore_value(&type_##name, packed, &restored);                                 \
        assert_true(restored == expected);                                                  \
    } while (0)

static void test_every_scalar_kind(void **state)
{
    CHECK_SCALAR(bool, _Bool, 1, 0);
    CHECK_SCALAR(bool, _Bool, 1, 1);
    CHECK_SCALAR(i8, int8_t, -128, 1);
    CHECK_SCALAR(i8, int8_t, 3, 5);
    CHECK_SCALAR(i16, int16_t, -32768, 3);
    CHECK_SCALAR(i32, int32_t, INT32_MIN, 7);
    CHECK_SCALAR(i32, int32_t, 5, 7);
    CHECK_SCALAR(i64, int64_t, INT64_MIN, 7);
    CHECK_SCALAR(u8, uint8_t, 3, 5);
    CHECK_SCALAR(u16, uint16_t, 3, 5);
    CHECK_SCALAR(u32, uint32_t, 3, 5);
    CHECK_SCALAR(u64, uint64_t, 3, 5);
    CHECK_SCALAR(float, float, 0.1f, 3e30f);
    CHECK_SCALAR(double, double, 0.1, 3e300);
    CHECK_SCALAR(long_double, long double, 0.1L, 3e-4000L);
    CHECK_SCALAR(complex_float, float complex, 1.5f + 2.25f * I, 0.1f - 3.0f * I);
    CHECK_SCALAR(complex_double, double complex, 1.5 + 2.25 * I, 0.1 - 3.0 * I);
    CHECK_SCALAR(complex_long_double, long double complex, 1.5L + 2.25L * I, 0.1L - 3.0L * I);
}

#define CHECK_WIDENED(name, type, x_value, y_value, expected)         \
    do {                                                              \
        const struct ctype *types[] = {&type_##name, &type_##name};   \
        struct abi_call *call = prepare(&type_##name, types, 2);      \
        type x = (type)(x_value), y = (type)(y_value);                \
        void *arguments[] = {&x, &y};                                 \
        uint64_t result = 0x5a5a5a5a5a5a5a5a;                         \
        assert_int_equal(call->result_room_bytes, 8);                 \
        abi_call_real(call, (void *)name##_real, &result, arguments); \
        assert_true(result == (uint64_t)(expected));                  \
    } while (0)

static void test_narrow_integers_arrive_widened(void **state)
{
    CHECK_WIDENED(i8, int8_t, 3, 5, INT64_C(-2));
    CHECK_WIDENED(i16, int16_t, 3, 5, INT64_C(-2));
    CHECK_WIDENED(i32, int32_t, 3, 5, INT64_C(-2));
    CHECK_WIDENED(u8, uint8_t, 3, 5, 0xfe);
    CHECK_WIDENED(u16, uint16_t, 3, 5, 0xfffe);
    CHECK_WIDENED(u32, uint32_t, 3, 5, 0xfffffffe);
    CHECK_WIDENED(bool, _Bool, 1, 0, 1);
}

static int n_void_calls;

static void void_real(const char *text, int64_t *ret)
{
    n_void_calls++;
    *ret = text[0];
}

static void test_void_and_pointers(void **state)
{
    const struct ctype *types[] = {&type_text, &type_i64_pointer};
    struct abi_call *call = prepare(&type_void, types, 2);
    const char *text = "x";
    int64_t out = 0, *ret = &out;
    void *arguments[] = {&text, &ret};
    uint64_t room[4];

    abi_call_real(call, (void *)void_real, room, arguments);
    assert_int_equal(n_void_calls, 1);
    assert_int_equal(out, 'x');
}

struct big {
    int64_t words[3];
};

static int64_t big_real(struct big big, int64_t x)
{
    return big.words[0] + big.words[2] * x;
}

/* What reads arguments after the call finds them where they were. */
static void test_arguments_stay_after_the_call(void **state)
{
    static const struct ctype_member members[] = {
        {.name = "a", .type = &type_i64, .offset_bytes = 0},
        {.name = "b", .type = &type_i64, .offset_bytes = 8},
        {.name = "c", .type = &type_i64, .offset_bytes = 16}};
    static const struct ctype type_big = {.kind = CTYPE_STRUCT,
                                          .size_bytes = sizeof(struct big),
                                          .alignment_bytes = 8,
                                          .members = members,
                                          .n_members = 3,
                                          .text = "struct big"};
    const struct ctype *types[] = {&type_big, &type_i64};
    struct abi_call *call = prepare(&type_i64, types, 2);
    struct big big = {{1, 2, 3}};
    int64_t x = 5, result = 0;
    void *arguments[] = {&big, &x};

    for (int i = 0; i < 3; i++) {
        abi_call_real(call, (void *)big_real, &result, arguments);
        assert_int_equal(result, 16);
        assert_ptr_equal(arguments[0], &big);
        assert_ptr_equal(arguments[1], &x);
    }
}

static void test_refuses_what_cannot_travel(void **state)
{
    static const struct ctype opaque = {CTYPE_OPAQUE, .text = "struct s"};
    static const struct ctype wide = {CTYPE_SIGNED, 16, 16, .text = "__int128"};
    const struct ctype *const bad[] = {&opaque, &wide, &type_void};
    struct abi_call *call = (void *)1;

    for (size_t i = 0; i < 3; i++) {
        struct prototype_parameter parameter = {"x", bad[i]};
        struct prototype takes = {"f", &type_i32, &parameter, 1};
        struct prototype gives = {"f", bad[i], NULL, 0};

        assert_int_equal(abi_call_create(&takes, &arena, &call), -ENOTSUP);
        if (bad[i] != &type_void) {
            assert_int_equal(abi_call_create(&gives, &arena, &call), -ENOTSUP);
        }
        assert_ptr_equal(call, (void *)1);
    }
}

static void test_no_memory(void **state)
{
    struct prototype prototype = {"f", &type_i32, NULL, 0};
    struct arena empty;
    struct abi_call *call = (void *)1;

    arena_init(&empty, 0);
    assert_int_equal(abi_call_create(&prototype, &empty, &call), -ENOMEM);
    assert_ptr_equal(call, (void *)1);
}

static void test_which_prototypes_use_floating_point(void **state)
{
    const struct ctype *types[2] = {&type_i32, &type_text};

    assert_false(prepare(&type_i32, types, 2)->uses_float);
    assert_true(prepare(&type_double, types, 2)->uses_float);
    assert_true(prepare(&type_complex_long_double, types, 2)->uses_float);
    types[1] = &type_float;
    assert_true(prepare(&type_void, types, 2)->uses_float);
    /* int geo_distance(int, double *km): the result leaves through a pointer */
    types[1] = &type_double_pointer;
    assert_true(prepare(&type_i32, types, 2)->uses_float);
    types[1] = &type_long_double_pointer;
    assert_true(prepare(&type_i32, types, 2)->uses_float);
}

/* ---- bytes of values ------------------------------------------------------------------------- */

static void test_padding_is_neither_read_nor_kept(void **state)
{
    union {
        long double complex value;
        unsigned char bytes[2 * sizeof(long double)];
    } a, b, back;
    unsigned char packed_a[2 * LONG_DOUBLE_BYTES], packed_b[2 * LONG_DOUBLE_BYTES];

    memset(&a, 0x11, sizeof(a));
    memset(&b, 0x22, sizeof(b));
    for (int i = 0; i < 2; i++) {
        long double part = i == 0 ? 1.1L : -2.2L;

        memcpy(a.bytes + i * 16, &part, LONG_DOUBLE_BYTES);
        memcpy(b.bytes + i * 16, &part, LONG_DOUBLE_BYTES);
    }
    assert_int_equal(abi_value_bytes(&type_long_double), LONG_DOUBLE_BYTES);
    assert_int_equal(abi_value_bytes(&type_complex_long_double), 2 * LONG_DOUBLE_BYTES);
    abi_copy_value(&type_complex_long_double, &a, packed_a);
    abi_copy_value(&type_complex_long_double, &b, packed_b);
    assert_memory_equal(packed_a, packed_b, sizeof(packed_a));
    memset(&back, 0x33, sizeof(back));
    abi_restore_value(&type_complex_long_double, packed_a, &back);
    assert_true(creall(back.value) == 1.1L && cimagl(back.value) == -2.2L);
    for (uint32_t i = LONG_DOUBLE_BYTES; i < 16; i++) {
        assert_int_equal(back.bytes[i], 0);
        assert_int_equal(back.bytes[16 + i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scalar_kind),
        cmocka_unit_test(test_narrow_integers_arrive_widened),
        cmocka_unit_test(test_void_and_pointers),
        cmocka_unit_test(test_arguments_stay_after_the_call),
        cmocka_unit_test(test_refuses_what_cannot_travel),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_which_prototypes_use_floating_point),
        cmocka_unit_test(test_padding_is_neither_read_nor_kept),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
