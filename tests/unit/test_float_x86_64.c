// SPDX-License-Identifier: MIT
/* abi: the floating-point environment of x86-64, with its two units. */
#include "unit.h"

#include "abi/float_state.h"

#include <fenv.h>
#include <string.h>

static void x87_write_control(uint16_t control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}

static bool is_noted_as_default(void)
{
    struct float_mode mode;

    float_mode_note(&mode);
    return float_mode_was_default(&mode);
}

static void test_rounding_mode(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint32_t mxcsr = mxcsr_read();

    assert_true(float_mode_is_default());
    for (int i = 0; i < 3; i++) {
        bool is_default;

        fesetround(modes[i]);
        is_default = float_mode_is_default();
        fesetround(FE_TONEAREST);
        assert_false(is_default);
    }
    for (int bit = 6; bit <= 15; bit += 9) { /* denormals are zero, flush to zero */
        bool is_default;

        mxcsr_write(mxcsr | 1u << bit);
        is_default = float_mode_is_default();
        mxcsr_write(mxcsr);
        assert_false(is_default);
    }
    /* Flags are no mode, nor are masks, apart from that of inexact: hits do not raise it. */
    mxcsr_write((mxcsr & ~0x0f80u) | 0x20u);
    assert_true(float_mode_is_default());
    mxcsr_write(mxcsr & ~0x103fu);
    assert_false(float_mode_is_default());
    mxcsr_write(mxcsr);
}

/* What a function of doubles may compute with as well, whichever way it is looked at. */
static void test_x87_mode(void **state)
{
    static const struct {
        uint16_t control;
        bool is_default, traps;
    } cases[] = {
        {0x037f, true, false},  /* all 64 bits, to the nearest, nothing traps */
        {0x027f, false, false}, /* 53 bits */
        {0x007f, false, false}, /* 24 */
        {0x077f, false, false}, /* down */
        {0x0b7f, false, false}, /* up */
        {0x0f7f, false, false}, /* towards zero */
        {0x035f, false, true},  /* inexact traps */
        {0x0360, true, false},  /* all others do, which nothing remembered raises */
    };

    __asm__ volatile("fnclex");
    float_probe_init();
    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            bool is_default, is_noted, traps;

            x87_write_control(cases[i].control);
            is_default = float_mode_is_default();
            is_noted = is_noted_as_default();
            traps = float_mode_traps();
            x87_write_control(0x037f);
            assert_int_equal(is_default, cases[i].is_default);
            assert_int_equal(is_noted, cases[i].is_default);
            assert_int_equal(traps, cases[i].traps);
        }
        float_probe_stop(); /* the second time MXCSR is read */
    }
}

/* The two ways of noting a mode give the same answer in each, touch no flag and do not trap. */
static void test_noted_mode(void **state)
{
    uint32_t mxcsr = mxcsr_read() & ~0x3fu;

    float_probe_init();
    for (int way = 0; way < 2; way++) {
        for (uint32_t number = 0; number < 16; number++) {
            for (uint32_t masks = 0x1000; masks <= 0x1f80; masks += 0x0f80) {
                uint32_t mode =
                    (number & 3) << 13 | (number >> 2 & 1) << 15 | (number >> 3 & 1) << 6 | masks;
                uint32_t after;
                bool is_default;

                mxcsr_write(mode);
                is_default = is_noted_as_default();
                after = mxcsr_read();
                mxcsr_write(mxcsr);
                assert_int_equal(is_default, number == 0);
                assert_int_equal(after, mode);
            }
        }
        float_probe_stop(); /* the second time MXCSR is read */
    }
}

static void test_noted_traps(void **state)
{
    uint32_t mxcsr = mxcsr_read() & ~0x3fu;
    bool is_default;

    float_probe_init();
    for (int way = 0; way < 2; way++) {
        feenableexcept(FE_INEXACT);
        is_default = is_noted_as_default();
        fedisableexcept(FE_INEXACT);
        assert_false(is_default);
        float_probe_stop();
    }
    /* Unmasked in MXCSR alone: told once it was read there, which ends the probe. */
    float_probe_init();
    mxcsr_write(mxcsr & ~0x1000u);
    is_default = float_mode_is_default();
    mxcsr_write(mxcsr);
    assert_false(is_default);
    assert_false(float_probe_tells);
    assert_true(is_noted_as_default());
    mxcsr_write(mxcsr & ~0x1000u);
    is_default = is_noted_as_default();
    mxcsr_write(mxcsr);
    assert_false(is_default);
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
        cmocka_unit_test(test_rounding_mode),
        cmocka_unit_test(test_x87_mode),
        cmocka_unit_test(test_noted_mode),
        cmocka_unit_test(test_noted_traps),
        cmocka_unit_test(test_watch_sees_what_is_raised_and_keeps_what_stood),
        cmocka_unit_test(test_watch_on_arithmetic),
        cmocka_unit_test(test_watch_keeps_modes),
        cmocka_unit_test(test_shield_leaves_no_flag_and_traps_nothing),
        cmocka_unit_test(test_x87_shield_leaves_no_flag_and_traps_nothing),
    };

    return cmocka_run_group_tests_name("float", tests, NULL, NULL);
}
