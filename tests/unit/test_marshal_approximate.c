// SPDX-License-Identifier: MIT
/*
 * marshal: floating-point inputs that are near enough to be one key.
 */
#include "inputs_subject.h"

#include <fenv.h>
#include <float.h>
#include <math.h>

TEST_POINTER(double_pointer, type_double);

static void begin_value(const struct ctype *type, double round, uint32_t drop_bits)
{
    subject_begin(&subject, &type_i32);
    subject_add(&subject, type,
                (struct config_description){
                    .kind = DESCRIBE_VALUE, .is_in = true, .round = round, .drop_bits = drop_bits});
    subject_finish(&subject);
}

#define SAME(type, a, b)                                           \
    ({                                                             \
        type x_ = (a), y_ = (b);                                   \
        same_key(&subject, (void *[]){&x_}, (void *[]){&y_}) == 1; \
    })

static void test_rounding_doubles(void **state)
{
    begin_value(&type_double, 0.25, 0);
    assert_true(SAME(double, 1.0, 1.1));
    assert_true(SAME(double, 1.0, 0.9));
    assert_false(SAME(double, 1.0, 1.13));
    assert_true(SAME(double, 1.13, 1.25));
    assert_true(SAME(double, 1.125, 1.0)); /* a tie goes to the even multiple */
    assert_true(SAME(double, 1.375, 1.5));
    assert_true(SAME(double, -1.1, -1.0));
    assert_false(SAME(double, -1.0, 1.0));
    assert_true(SAME(double, -0.0, 0.0));
    assert_true(SAME(double, -0.1, 0.1));
    assert_true(SAME(double, 5e-324, 0.0));
    assert_false(SAME(double, INFINITY, -INFINITY));
    assert_false(SAME(double, INFINITY, 1.7e308));
    assert_false(SAME(double, 1.7e308, 1.6e308));
    assert_true(SAME(double, NAN, NAN));
    assert_false(SAME(double, NAN, INFINITY));
    assert_false(SAME(double, 0x1p60, 0x1.0000000000001p60)); /* nothing below the multiple */
    subject_end(&subject);
    begin_value(&type_double, 1e300, 0);
    assert_true(SAME(double, 1, 2e299));
    assert_false(SAME(double, 1, 9e299));
    subject_end(&subject);
    begin_value(&type_double, 1e308, 0);
    assert_true(SAME(double, 1.4e308, 0.9e308));
    assert_false(SAME(double, 1.7e308, INFINITY)); /* twice that is no number */
    assert_false(SAME(double, -1.7e308, -INFINITY));
    assert_false(SAME(double, 1.7e308, 1e308));
    subject_end(&subject);
    begin_value(&type_double, 1e-300, 0);
    assert_false(SAME(double, 1e300, 2e300)); /* the quotient overflows */
    subject_end(&subject);
    begin_value(&type_double, 0.1, 0);
    assert_true(SAME(double, 0.3, 0.1 + 0.2));
    {
        double x = 0.3049;

        assert_memory_equal(show_key_of((void *[]){&x}), "x=0.3000000000000000", 20);
    }
    subject_end(&subject);
}

static void test_rounding_other_types(void **state)
{
    begin_value(&type_float, 0.5, 0);
    assert_true(SAME(float, 1.1f, 0.9f));
    assert_false(SAME(float, 1.1f, 1.3f));
    assert_false(SAME(float, 3e38f, 2e38f));
    subject_end(&subject);
    begin_value(&type_float, 1e38, 0);
    assert_true(SAME(float, 1.1e38f, 0.9e38f));
    assert_false(SAME(float, FLT_MAX, INFINITY));
    subject_end(&subject);
    begin_value(&type_float, 1.2e38, 0);
    assert_false(SAME(float, FLT_MAX, INFINITY)); /* three times that is a double */
    assert_false(SAME(float, -FLT_MAX, -INFINITY));
    subject_end(&subject);
    begin_value(&type_float, 1e300, 0);
    assert_true(SAME(float, FLT_MAX, 0.0f));
    assert_false(SAME(float, FLT_MAX, INFINITY));
    subject_end(&subject);
    begin_value(&type_long_double, 0.5, 0);
    assert_true(SAME(long double, 1.1L, 0.9L));
    assert_false(SAME(long double, 1.1L, 1.3L));
    assert_true(SAME(long double, -0.1L, 0.0L));
    assert_false(SAME(long double, 1e4000L, 2e4000L));
    subject_end(&subject);
    begin_value(&type_complex_double, 0.5, 0);
    assert_true(SAME(double complex, 1.1 + 2.1 * I, 0.9 + 1.9 * I));
    assert_false(SAME(double complex, 1.1 + 2.1 * I, 0.9 + 1.7 * I));
    assert_false(SAME(double complex, 1 + 2 * I, 2 + 1 * I));
    subject_end(&subject);
    begin_value(&type_complex_long_double, 0.5, 0);
    assert_true(SAME(long double complex, 1.1L + 2.1L * I, 0.9L + 1.9L * I));
    assert_false(SAME(long double complex, 1.1L + 2.1L * I, 0.9L + 1.7L * I));
    subject_end(&subject);
}

static void test_dropping_bits(void **state)
{
    begin_value(&type_double, 0, 44); /* 8 bits of the significand stay */
    assert_true(SAME(double, 1.0, 1.0 + 0x1p-9));
    assert_false(SAME(double, 1.0, 1.0 + 0x1p-8));
    assert_true(SAME(double, 0x1p900, 0x1.001p900));
    assert_false(SAME(double, -1.0, 1.0));
    assert_false(SAME(double, -0.0, 0.0));
    assert_false(SAME(double, NAN, INFINITY));
    assert_true(SAME(double, 5e-324, 0.0));
    subject_end(&subject);
    begin_value(&type_double, 0, 52);
    assert_true(SAME(double, 1.0, 1.999));
    assert_false(SAME(double, 1.0, 2.0));
    assert_false(SAME(double, NAN, INFINITY));
    subject_end(&subject);
    begin_value(&type_float, 0, 23);
    assert_true(SAME(float, 1.0f, 1.999f));
    assert_false(SAME(float, NAN, INFINITY));
    subject_end(&subject);
    begin_value(&type_long_double, 0, __LDBL_MANT_DIG__ - 1);
    assert_true(SAME(long double, 1.0L, 1.999L));
    assert_false(SAME(long double, 1.0L, 2.0L));
    assert_false(SAME(long double, NAN, INFINITY));
    subject_end(&subject);
    begin_value(&type_double, 0, 3);
    assert_true(SAME(double, 1.0, 1.0 + 7 * 0x1p-52));
    assert_false(SAME(double, 1.0, 1.0 + 8 * 0x1p-52));
    subject_end(&subject);
}

static void test_elements(void **state)
{
    static const struct count_step three[] = {{.kind = COUNT_NUMBER, .number = 3}};
    double a[] = {1.0, 2.0, 3.0}, b[] = {1.1, 1.9, 3.05}, c[] = {1.1, 1.9, 3.3};
    double *x = a, *y = b, *z = c;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &double_pointer,
                (struct config_description){.kind = DESCRIBE_MEMORY,
                                            .is_in = true,
                                            .element_size = 8,
                                            .element = &type_double,
                                            .count = {three, 1},
                                            .round = 0.25});
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&x}, (void *[]){&y}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&x}, (void *[]){&z}), 0);
    assert_float_equal(b[0], 1.1, 0); /* the caller's own stay as they are */
    subject_end(&subject);
}

static void test_no_flag_is_raised(void **state)
{
    double x = 1.7e308, y = 0.1;
    long double z = 0.1L;
    struct key key;

    begin_value(&type_double, 1e-300, 0);
    feclearexcept(FE_ALL_EXCEPT);
    assert_int_equal(take_key_of((void *[]){&x}, &key), 0);
    assert_int_equal(take_key_of((void *[]){&y}, &key), 0);
    assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
    subject_end(&subject);
    begin_value(&type_long_double, 0.3, 0);
    feclearexcept(FE_ALL_EXCEPT);
    assert_int_equal(take_key_of((void *[]){&z}, &key), 0);
    assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_doubles),  cmocka_unit_test(test_rounding_other_types),
        cmocka_unit_test(test_dropping_bits),     cmocka_unit_test(test_elements),
        cmocka_unit_test(test_no_flag_is_raised),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
