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
    assert_false(prepare(&type_double, types, 2)->uses_x87);
    assert_true(prepare(&type_complex_long_double, types, 2)->uses_x87);
    types[1] = &type_float;
    assert_true(prepare(&type_void, types, 2)->uses_float);
    /* int geo_distance(int, double *km): the result leaves through a pointer */
    types[1] = &type_double_pointer;
    assert_true(prepare(&type_i32, types, 2)->uses_float);
    assert_false(prepare(&type_i32, types, 2)->uses_x87);
    types[1] = &type_long_double_pointer;
    assert_true(prepare(&type_i32, types, 2)->uses_x87);
}

/* ---- bytes of values ------------------------------------------------------------------------- */

static void test_padding_is_neither_read_nor_kept(void **state)
{
    union {
        long double complex value;
        unsigned char bytes[2 * sizeof(long double)];
    } a, b, back;
    unsigned char packed_a[20], packed_b[20];

    memset(&a, 0x11, sizeof(a));
    memset(&b, 0x22, sizeof(b));
    for (int i = 0; i < 2; i++) {
        long double part = i == 0 ? 1.1L : -2.2L;

        memcpy(a.bytes + i * 16, &part, 10);
        memcpy(b.bytes + i * 16, &part, 10);
    }
    assert_int_equal(abi_value_bytes(&type_long_double), 10);
    assert_int_equal(abi_value_bytes(&type_complex_long_double), 20);
    abi_copy_value(&type_complex_long_double, &a, packed_a);
    abi_copy_value(&type_complex_long_double, &b, packed_b);
    assert_memory_equal(packed_a, packed_b, 20);
    memset(&back, 0x33, sizeof(back));
    abi_restore_value(&type_complex_long_double, packed_a, &back);
    assert_true(creall(back.value) == 1.1L && cimagl(back.value) == -2.2L);
    for (int i = 10; i < 16; i++) {
        assert_int_equal(back.bytes[i], 0);
        assert_int_equal(back.bytes[16 + i], 0);
    }
}

/* ---- the floating-point environment ---------------------------------------------------------- */

static void x87_write_control(uint16_t control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}

static void test_rounding_mode(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint32_t mxcsr = mxcsr_read();

    assert_true(float_mode_is_default(false));
    assert_true(float_mode_is_default(true));
    for (int i = 0; i < 3; i++) {
        bool sse, both;

        fesetround(modes[i]);
        sse = float_mode_is_default(false);
        both = float_mode_is_default(true);
        fesetround(FE_TONEAREST);
        assert_false(sse);
        assert_false(both);
    }
    for (int bit = 6; bit <= 15; bit += 9) { /* denormals are zero, flush to zero */
        bool is_default;

        mxcsr_write(mxcsr | 1u << bit);
        is_default = float_mode_is_default(false);
        mxcsr_write(mxcsr);
        assert_false(is_default);
    }
    /* Flags are no mode, nor are masks, apart from that of inexact: hits do not raise it. */
    mxcsr_write((mxcsr & ~0x0f80u) | 0x20u);
    assert_true(float_mode_is_default(false));
    mxcsr_write(mxcsr & ~0x103fu);
    assert_false(float_mode_is_default(false));
    mxcsr_write(mxcsr);
    __asm__ volatile("fnclex");
    x87_write_control(0x035f);
    assert_true(float_mode_is_default(false));
    assert_false(float_mode_is_default(true));
    /* Precision of 53 bits: of no concern without long double. */
    x87_write_control(0x027f);
    assert_true(float_mode_is_default(false));
    assert_false(float_mode_is_default(true));
    x87_write_control(0x037f);
}

static void raise_sse(int exception)
{
    mxcsr_write(mxcsr_read() | (uint32_t)exception);
}

static void raise_x87(int exception)
{
    uint32_t environment[7];

    __asm__ volatile("fnstenv %0" : "=m"(environment));
    environment[1] |= (uint32_t)exception;
    __asm__ volatile("fldenv %0" : : "m"(environment));
}

static int x87_flags(void)
{
    uint16_t status;

    __asm__ volatile("fnstsw %0" : "=am"(status));
    return status & FE_ALL_EXCEPT;
}

#define TELLING (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW)

/* Every set of flags before, each flag raised or none, in either unit: 4 x 32 x 6 cases. */
static void test_watch_sees_what_is_raised_and_keeps_what_stood(void **state)
{
    static const int raised[] = {0,           FE_INVALID,   FE_DIVBYZERO,
                                 FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};

    for (int units = 0; units < 4; units++) {
        for (int before = 0; before <= FE_ALL_EXCEPT; before++) {
            if ((before & ~FE_ALL_EXCEPT) != 0) {
                continue; /* the denormal flag has no name in C */
            }
            for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++) {
                struct float_watch watch;
                bool seen;
                int sse, x87;

                feclearexcept(FE_ALL_EXCEPT);
                units & 1 ? raise_x87(before) : raise_sse(before);
                float_watch_begin(&watch);
                units & 2 ? raise_x87(raised[i]) : raise_sse(raised[i]);
                seen = float_watch_end(&watch);
                sse = (int)(mxcsr_read() & FE_ALL_EXCEPT);
                x87 = x87_flags();
                feclearexcept(FE_ALL_EXCEPT);
                assert_int_equal(seen, (raised[i] & TELLING) != 0);
                assert_int_equal(sse, (units & 1 ? 0 : before) | (units & 2 ? 0 : raised[i]));
                assert_int_equal(x87 & TELLING,
                                 ((units & 1 ? before : 0) | (units & 2 ? raised[i] : 0)) &
                                     TELLING);
                assert_int_equal(x87, (units & 1 ? before : 0) | (units & 2 ? raised[i] : 0));
            }
        }
    }
}

/* What real arithmetic does, through memory so that the compiler cannot do it first. */
static void test_watch_on_arithmetic(void **state)
{
    static volatile double one = 1, three = 3, zero = 0, huge = 1e308, tiny = 1e-308;
    static volatile long double huge_long = 1e4932L;
    static volatile double sink;
    static volatile long double sink_long;
    struct float_watch watch;

    feclearexcept(FE_ALL_EXCEPT);
    float_watch_begin(&watch);
    sink = one / three;
    assert_false(float_watch_end(&watch));
    assert_true(fetestexcept(FE_INEXACT));
    for (int i = 0; i < 6; i++) {
        bool seen;

        feclearexcept(FE_ALL_EXCEPT);
        float_watch_begin(&watch);
        switch (i) {
        case 0:
            sink = zero / zero;
            break;
        case 1:
            sink = one / zero;
            break;
        case 2:
            sink = huge * huge;
            break;
        case 3:
            sink = tiny * tiny;
            break;
        case 4:
            sink_long = huge_long * huge_long;
            break;
        default:
            feraiseexcept(FE_OVERFLOW);
            break;
        }
        seen = float_watch_end(&watch);
        assert_true(seen);
    }
    (void)sink;
    (void)sink_long;
    feclearexcept(FE_ALL_EXCEPT);
}

/* Mode, masks and the x87's precision survive a watch that has to rewrite the environment. */
static void test_watch_keeps_modes(void **state)
{
    struct float_watch watch;
    uint16_t control;
    uint32_t mxcsr = mxcsr_read();

    x87_write_control(0x0b7f);
    mxcsr_write((mxcsr | 0x4000u) & ~0x3fu);
    raise_x87(FE_INVALID);
    raise_sse(FE_INVALID);
    float_watch_begin(&watch);
    float_watch_end(&watch);
    __asm__ volatile("fnstcw %0" : "=m"(control));
    x87_write_control(0x037f);
    assert_int_equal(control & 0x0f7f, 0x0b7f);
    assert_int_equal(mxcsr_read(), ((mxcsr | 0x4000u) & ~0x3fu) | FE_INVALID);
    mxcsr_write(mxcsr);
    feclearexcept(FE_ALL_EXCEPT);
}

static void test_shield_leaves_no_flag_and_traps_nothing(void **state)
{
    static volatile double one = 1, three = 3, zero = 0;
    static volatile double sink;
    uint32_t mxcsr = mxcsr_read() & ~0x3fu, shield, after;

    mxcsr_write(mxcsr & ~0x1f80u); /* everything traps */
    shield = float_shield_begin();
    sink = one / three;
    sink = one / zero;
    (void)sink;
    float_shield_end(shield);
    after = mxcsr_read();
    mxcsr_write(mxcsr);
    assert_int_equal(after, mxcsr & ~0x1f80u);
}

static void test_x87_shield_leaves_no_flag_and_traps_nothing(void **state)
{
    static const uint64_t bits[] = {0x7ff0000000000001u, 1}; /* a signalling NaN, a denormal */
    static volatile long double sink;
    uint16_t status, control;

    for (int i = 0; i < 2; i++) {
        struct float_x87 shield;
        double number;

        memcpy(&number, &bits[i], sizeof(number));
        __asm__ volatile("fnclex");
        x87_write_control(0x0340); /* everything traps */
        float_x87_shield_begin(&shield);
        sink = *(volatile double *)&number;
        float_x87_shield_end(&shield);
        __asm__ volatile("fnstsw %0" : "=am"(status));
        __asm__ volatile("fnstcw %0" : "=m"(control));
        x87_write_control(0x037f);
        assert_int_equal(status & 0x7f, 0);
        assert_int_equal(control, 0x0340);
    }
    (void)sink;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scalar_kind),
        cmocka_unit_test(test_narrow_integers_arrive_widened),
        cmocka_unit_test(test_void_and_pointers),
        cmocka_unit_test(test_refuses_what_cannot_travel),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_which_prototypes_use_floating_point),
        cmocka_unit_test(test_padding_is_neither_read_nor_kept),
        cmocka_unit_test(test_rounding_mode),
        cmocka_unit_test(test_watch_sees_what_is_raised_and_keeps_what_stood),
        cmocka_unit_test(test_watch_on_arithmetic),
        cmocka_unit_test(test_watch_keeps_modes),
        cmocka_unit_test(test_shield_leaves_no_flag_and_traps_nothing),
        cmocka_unit_test(test_x87_shield_leaves_no_flag_and_traps_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
