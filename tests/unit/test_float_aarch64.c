// SPDX-License-Identifier: MIT
/* abi: the floating-point environment of AArch64. */
#include "unit.h"

#include "abi/float_state.h"

#include <fenv.h>

#define TELLING (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW)

static void test_modes(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint64_t control = fpcr_read();

    assert_true(float_mode_is_default());
    for (int i = 0; i < 3; i++) {
        bool is_default;

        fesetround(modes[i]);
        is_default = float_mode_is_default();
        fesetround(FE_TONEAREST);
        assert_false(is_default);
    }
    for (int bit = 24; bit <= 25; bit++) { /* flush to zero, default NaN */
        bool is_default;

        fpcr_write(control | 1u << bit);
        is_default = float_mode_is_default();
        fpcr_write(control);
        assert_false(is_default);
    }
}

/* Every set of flags before, each flag raised or none. */
static void test_watch_sees_what_is_raised_and_keeps_what_stood(void **state)
{
    static const int raised[] = {0,           FE_INVALID,   FE_DIVBYZERO,
                                 FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};

    for (int before = 0; before <= FE_ALL_EXCEPT; before++) {
        for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++) {
            struct float_watch watch;
            bool seen;
            int after;

            if ((before & ~FE_ALL_EXCEPT) != 0) {
                continue;
            }
            fpsr_write((fpsr_read() & ~(uint64_t)FE_ALL_EXCEPT) | (uint64_t)before);
            float_watch_begin(&watch);
            fpsr_write(fpsr_read() | (uint64_t)raised[i]);
            seen = float_watch_end(&watch);
            after = (int)(fpsr_read() & FE_ALL_EXCEPT);
            feclearexcept(FE_ALL_EXCEPT);
            assert_int_equal(seen, (raised[i] & TELLING) != 0);
            assert_int_equal(after, before | raised[i]);
        }
    }
}

/* What real arithmetic does, that in software included. */
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
    for (int i = 0; i < 5; i++) {
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
        default:
            sink_long = huge_long * huge_long;
            break;
        }
        assert_true(float_watch_end(&watch));
    }
    (void)sink;
    (void)sink_long;
    feclearexcept(FE_ALL_EXCEPT);
}

static void test_shield_leaves_no_flag(void **state)
{
    static volatile double one = 1, three = 3, zero = 0;
    static volatile long double one_long = 1, sink_long;
    static volatile double sink;

    for (int before = 0; before < 2; before++) {
        struct float_x87 long_shield;
        uint32_t shield;

        feclearexcept(FE_ALL_EXCEPT);
        feraiseexcept(before ? FE_OVERFLOW : 0);
        shield = float_shield_begin();
        sink = one / three;
        sink = one / zero;
        float_shield_end(shield);
        assert_int_equal(fetestexcept(FE_ALL_EXCEPT) & ~FE_INEXACT, before ? FE_OVERFLOW : 0);
        float_x87_shield_begin(&long_shield);
        sink_long = one_long / three;
        float_x87_shield_end(&long_shield);
        assert_int_equal(fetestexcept(FE_ALL_EXCEPT) & ~FE_INEXACT, before ? FE_OVERFLOW : 0);
        assert_true(before || fetestexcept(FE_INEXACT) == 0);
    }
    (void)sink;
    (void)sink_long;
    feclearexcept(FE_ALL_EXCEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_watch_sees_what_is_raised_and_keeps_what_stood),
        cmocka_unit_test(test_watch_on_arithmetic),
        cmocka_unit_test(test_shield_leaves_no_flag),
    };

    return cmocka_run_group_tests_name("float", tests, NULL, NULL);
}
