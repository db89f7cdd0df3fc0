// SPDX-License-Identifier: MIT
/*
 * marshal: conditions on a call, over every scalar kind and operator against the compiler's own
 * comparison.
 */
#include "unit.h"

#include "marshal/marshal.h"
#include "types.h"

#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

static const enum condition_operator operators[] = {CONDITION_EQ, CONDITION_NE, CONDITION_LT,
                                                    CONDITION_LE, CONDITION_GT, CONDITION_GE};

#define COMPARE(op, a, b)                \
    ((op) == CONDITION_EQ   ? (a) == (b) \
     : (op) == CONDITION_NE ? (a) != (b) \
     : (op) == CONDITION_LT ? (a) < (b)  \
     : (op) == CONDITION_LE ? (a) <= (b) \
     : (op) == CONDITION_GT ? (a) > (b)  \
                            : (a) >= (b))

/* f of up to three parameters. */
struct subject {
    struct config_function function;
    struct prototype_parameter parameters[3];
};

static void set_types(struct subject *subject, const struct ctype *result,
                      const struct ctype *first, const struct ctype *second)
{
    *subject = (struct subject){.parameters = {{"x", first}, {"y", second}, {"z", &type_i32}}};
    subject->function.prototype = (struct prototype){"f", result, subject->parameters, 3};
}

/* With the type of the whole that it reads, where it names none. */
static struct condition_operand typed(const struct subject *subject,
                                      struct condition_operand operand)
{
    const struct prototype *prototype = &subject->function.prototype;

    if (operand.type == NULL &&
        (operand.kind == OPERAND_RETURN || operand.kind == OPERAND_PARAMETER)) {
        operand.type = operand.kind == OPERAND_RETURN
                           ? prototype->result
                           : prototype->parameters[operand.parameter].type;
        for (uint32_t i = 0; i < operand.n_hops; i++) {
            operand.type = operand.type->target;
        }
    }
    return operand;
}

static bool holds(const struct subject *subject, struct condition_operand left,
                  enum condition_operator op, struct condition_operand right, bool by_content,
                  void *const *arguments, const void *result)
{
    struct condition_comparison comparison = {typed(subject, left), op, typed(subject, right),
                                              by_content};
    struct config_condition condition = {.comparisons = &comparison, .n_comparisons = 1};

    return marshal_condition_holds(&condition, &subject->function, arguments, result,
                                   MARSHAL_ERRNO_UNTOUCHED);
}

static const struct condition_operand the_return = {.kind = OPERAND_RETURN};
static const struct condition_hop one_hop[] = {{.offset_bytes = 0}};
static const struct condition_operand null_word = {.kind = OPERAND_NULL};

static struct condition_operand parameter(uint32_t i)
{
    return (struct condition_operand){.kind = OPERAND_PARAMETER, .parameter = i};
}

static struct condition_operand pointee(uint32_t i)
{
    return (struct condition_operand){
        .kind = OPERAND_PARAMETER, .parameter = i, .hops = one_hop, .n_hops = 1};
}

static struct condition_operand integer(int64_t value)
{
    return (struct condition_operand){.kind = OPERAND_INTEGER, .integer = value};
}

static struct condition_operand number(double value)
{
    return (struct condition_operand){.kind = OPERAND_NUMBER, .number = value};
}

static struct condition_operand string(const char *text)
{
    return (struct condition_operand){.kind = OPERAND_STRING, .string = text};
}

/* ---- numbers --------------------------------------------------------------------------------- */

/*
 * All operators on return against a constant, a parameter and what a parameter points to. Bytes
 * beyond the value are junk, as a register's may be.
 */
#define CHECK_KIND(name, type, ...)                                                               \
    do {                                                                                          \
        static const type values[] = {__VA_ARGS__};                                               \
        struct ctype pointer = type_pointer;                                                      \
        struct subject of_kind;                                                                   \
        pointer.target = &type_##name;                                                            \
        set_types(&of_kind, &type_##name, &type_##name, &pointer);                                \
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {                         \
            for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {                     \
                _Alignas(16) unsigned char result[32], argument[32];                              \
                const void *target = argument;                                                    \
                void *arguments[] = {argument, &target, NULL};                                    \
                memset(result, 0xa5, sizeof(result));                                             \
                memset(argument, 0x5a, sizeof(argument));                                         \
                memcpy(result, &values[i], sizeof(type));                                         \
                memcpy(argument, &values[j], sizeof(type));                                       \
                for (size_t o = 0; o < 6; o++) {                                                  \
                    bool expected = COMPARE(operators[o], values[i], values[j]);                  \
                    assert_int_equal(holds(&of_kind, the_return, operators[o], parameter(0),      \
                                           false, arguments, result),                             \
                                     expected);                                                   \
                    assert_int_equal(holds(&of_kind, the_return, operators[o], pointee(1), false, \
                                           arguments, result),                                    \
                                     expected);                                                   \
                    if ((long double)values[j] >= -0x1p63L && (long double)values[j] < 0x1p63L && \
                        (type)(int64_t)values[j] == values[j]) {                                  \
                        assert_int_equal(holds(&of_kind, the_return, operators[o],                \
                                               integer((int64_t)values[j]), false, arguments,     \
                                               result),                                           \
                                         expected);                                               \
                    }                                                                             \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    } while (0)

static void test_every_integer_kind(void **state)
{
    struct subject subject;
    uint8_t yes = 1;

    CHECK_KIND(i8, int8_t, INT8_MIN, -1, 0, 1, INT8_MAX);
    CHECK_KIND(i16, int16_t, INT16_MIN, -1, 0, 1, INT16_MAX);
    CHECK_KIND(i32, int32_t, INT32_MIN, -1, 0, 1, INT32_MAX);
    CHECK_KIND(i64, int64_t, INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX);
    CHECK_KIND(u8, uint8_t, 0, 1, UINT8_MAX);
    CHECK_KIND(u16, uint16_t, 0, 1, UINT16_MAX);
    CHECK_KIND(u32, uint32_t, 0, 1, UINT32_MAX);
    CHECK_KIND(u64, uint64_t, 0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX);
    set_types(&subject, &type_bool, &type_i32, &type_i32);
    assert_true(holds(&subject, the_return, CONDITION_EQ, integer(1), false, NULL, &yes));
    assert_false(holds(&subject, the_return, CONDITION_EQ, integer(0), false, NULL, &yes));
}

static void test_every_real_kind(void **state)
{
    CHECK_KIND(float, float, -3e38f, -0.1f, 0, 0.1f, 1, 3e38f);
    CHECK_KIND(double, double, -1e308, -0.1, 0, 5e-324, 0.1, 1, 1e15);
    CHECK_KIND(long_double, long double, -0.1L, 0, 1e-4940L, 0.1L, 0.1L + 1e-18L, 1, 1e15L);
}

/* Signed against unsigned by value, not by C's conversions. */
static void test_mixed_signs(void **state)
{
    struct subject subject;
    int64_t minus_one = -1;
    uint64_t most = UINT64_MAX;
    void *arguments[] = {&most, NULL, NULL};

    set_types(&subject, &type_i64, &type_u64, &type_i32);
    assert_false(
        holds(&subject, the_return, CONDITION_EQ, parameter(0), false, arguments, &minus_one));
    assert_true(
        holds(&subject, the_return, CONDITION_LT, parameter(0), false, arguments, &minus_one));
}

static void test_nan_and_infinity(void **state)
{
    struct subject subject;
    double values[] = {NAN, INFINITY, -INFINITY, 1};

    set_types(&subject, &type_double, &type_i32, &type_i32);
    for (int i = 0; i < 4; i++) {
        for (size_t o = 0; o < 6; o++) {
            enum condition_operator op = operators[o];
            bool is_nan = i == 0;

            assert_int_equal(holds(&subject, the_return, op, number(NAN), false, NULL, &values[i]),
                             op == CONDITION_EQ ? is_nan : op == CONDITION_NE && !is_nan);
            assert_int_equal(
                holds(&subject, the_return, op, number(INFINITY), false, NULL, &values[i]),
                COMPARE(op, values[i], (double)INFINITY));
            assert_int_equal(
                holds(&subject, the_return, op, number(-INFINITY), false, NULL, &values[i]),
                COMPARE(op, values[i], (double)-INFINITY));
        }
    }
}

static void test_what_is_no_number_never_holds(void **state)
{
    struct subject subject;
    double complex value = 0;

    set_types(&subject, &type_complex_double, &type_i32, &type_i32);
    for (size_t o = 0; o < 6; o++) {
        assert_false(holds(&subject, the_return, operators[o], integer(0), false, NULL, &value));
        assert_false(holds(&subject, the_return, operators[o], the_return, false, NULL, &value));
    }
}

/* ---- pointers and text ----------------------------------------------------------------------- */

static void test_null(void **state)
{
    struct subject subject;
    const char *text = "x", *null = NULL;

    set_types(&subject, &type_text, &type_text, &type_text);
    assert_true(holds(&subject, the_return, CONDITION_EQ, null_word, false, NULL, &null));
    assert_false(holds(&subject, the_return, CONDITION_NE, null_word, false, NULL, &null));
    assert_false(holds(&subject, the_return, CONDITION_EQ, null_word, false, NULL, &text));
    assert_true(holds(&subject, the_return, CONDITION_NE, null_word, false, NULL, &text));
}

static void test_text_by_content(void **state)
{
    struct subject subject;
    char a[] = "$2b$10$abc", b[] = "$2b$10$abc", c[] = "$2b$10$abd";
    char *pa = a, *pb = b, *pc = c, *null = NULL;
    void *arguments[] = {&pb, &pc, NULL};
    void *nulls[] = {&null, &null, NULL};

    set_types(&subject, &type_text, &type_text, &type_text);
    assert_true(holds(&subject, the_return, CONDITION_EQ, parameter(0), true, arguments, &pa));
    assert_false(holds(&subject, the_return, CONDITION_EQ, parameter(0), false, arguments, &pa));
    assert_false(holds(&subject, the_return, CONDITION_EQ, parameter(1), true, arguments, &pa));
    assert_true(holds(&subject, the_return, CONDITION_NE, parameter(1), true, arguments, &pa));
    assert_true(
        holds(&subject, the_return, CONDITION_EQ, string("$2b$10$abc"), true, arguments, &pa));
    assert_false(
        holds(&subject, the_return, CONDITION_EQ, string("$2b$10$ab"), true, arguments, &pa));
    assert_false(holds(&subject, the_return, CONDITION_EQ, string(""), true, arguments, &null));
    /* NULL equals nothing, not even NULL. */
    for (size_t o = 0; o < 6; o++) {
        bool expected = operators[o] == CONDITION_NE;

        assert_int_equal(holds(&subject, the_return, operators[o], parameter(0), true, nulls, &pa),
                         expected);
        assert_int_equal(
            holds(&subject, the_return, operators[o], parameter(0), true, arguments, &null),
            expected);
        assert_int_equal(
            holds(&subject, the_return, operators[o], parameter(0), true, nulls, &null), expected);
    }
}

/* However far their difference is behind what a key may hold. */
static void test_text_that_is_long(void **state)
{
    const size_t n_bytes = 2 * MARSHAL_MAX_STRING_BYTES;
    struct subject subject;
    char *a = malloc(n_bytes + 1), *b = malloc(n_bytes + 1);
    void *arguments[] = {&a, &b, NULL};

    assert_non_null(a);
    assert_non_null(b);
    memset(a, 'x', n_bytes);
    memset(b, 'x', n_bytes);
    a[n_bytes] = b[n_bytes] = '\0';
    set_types(&subject, &type_text, &type_text, &type_text);
    assert_true(holds(&subject, the_return, CONDITION_EQ, parameter(0), true, arguments, &b));
    a[n_bytes - 1] = 'y';
    assert_false(holds(&subject, the_return, CONDITION_EQ, parameter(0), true, arguments, &b));
    assert_true(holds(&subject, the_return, CONDITION_NE, parameter(0), true, arguments, &b));
    a[n_bytes - 1] = '\0';
    assert_false(holds(&subject, the_return, CONDITION_EQ, parameter(0), true, arguments, &b));
    free(a);
    free(b);
}

static void test_through_null(void **state)
{
    struct subject subject;
    int32_t *null = NULL;
    void *arguments[] = {&null, &null, NULL};

    set_types(&subject, &type_i32, &type_i32_pointer, &type_i32_pointer);
    for (size_t o = 0; o < 6; o++) {
        assert_false(holds(&subject, pointee(0), operators[o], integer(0), false, arguments, NULL));
        assert_false(holds(&subject, pointee(0), operators[o], pointee(1), false, arguments, NULL));
    }
}

static void test_all_must_hold(void **state)
{
    const struct condition_operand whole = {.kind = OPERAND_RETURN, .type = &type_i32};
    struct condition_comparison two[] = {{whole, CONDITION_GE, integer(0), false},
                                         {whole, CONDITION_LT, integer(10), false}};
    struct config_condition both = {.comparisons = two, .n_comparisons = 2}, none = {0};
    struct subject subject;
    int64_t values[] = {-1, 0, 9, 10};

    set_types(&subject, &type_i32, &type_i32, &type_i32);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(marshal_condition_holds(&both, &subject.function, NULL, &values[i], 0),
                         values[i] >= 0 && values[i] < 10);
        assert_true(marshal_condition_holds(&none, &subject.function, NULL, &values[i], 0));
    }
}

/* ---- moments --------------------------------------------------------------------------------- */

static const struct condition_operand the_errno = {.kind = OPERAND_ERRNO};

static void test_errno_is_what_the_call_set(void **state)
{
    static const int32_t set[] = {MARSHAL_ERRNO_UNTOUCHED, ENOENT, -1};
    static const int64_t seen[] = {0, ENOENT, -1};
    struct subject subject;
    int64_t result = 0;

    set_types(&subject, &type_i32, &type_i32, &type_i32);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            struct condition_comparison comparison = {the_errno, CONDITION_EQ, integer(seen[k]),
                                                      false};
            struct config_condition condition = {.comparisons = &comparison, .n_comparisons = 1};
            long double number;

            assert_int_equal(
                marshal_condition_holds(&condition, &subject.function, NULL, &result, set[i]),
                i == k);
            assert_true(marshal_condition_number(&the_errno, &subject.function, NULL, &result,
                                                 set[k], &number));
            assert_true(number == (long double)seen[k]);
        }
    }
}

/* Before the call there is no result: nothing holds of it. Arguments are there. */
static void test_before_the_call(void **state)
{
    struct subject subject;
    int32_t five = 5;
    void *arguments[] = {&five, NULL, NULL};

    set_types(&subject, &type_i32, &type_i32, &type_i32);
    for (size_t o = 0; o < 6; o++) {
        assert_false(holds(&subject, the_return, operators[o], integer(0), false, arguments, NULL));
        assert_int_equal(
            holds(&subject, parameter(0), operators[o], integer(5), false, arguments, NULL),
            COMPARE(operators[o], 5, 5));
    }
}

/* Not even by a signalling NaN, which raises INVALID when it is loaded. */
static void test_no_flag_is_raised(void **state)
{
    static const uint32_t signalling = 0x7f800001;
    static const uint64_t denormal = 1;
    struct subject subject;
    double one = 1;
    void *arguments[] = {(void *)&signalling, (void *)&denormal, NULL};

    set_types(&subject, &type_double, &type_float, &type_double);
    feclearexcept(FE_ALL_EXCEPT);
    for (size_t o = 0; o < 6; o++) {
        holds(&subject, the_return, operators[o], parameter(0), false, arguments, &one);
        holds(&subject, parameter(0), operators[o], number(NAN), false, arguments, &one);
        holds(&subject, the_return, operators[o], parameter(1), false, arguments, &one);
        holds(&subject, the_return, operators[o], integer(INT64_MAX), false, arguments, &one);
    }
    assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_integer_kind),
        cmocka_unit_test(test_every_real_kind),
        cmocka_unit_test(test_mixed_signs),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_what_is_no_number_never_holds),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_text_by_content),
        cmocka_unit_test(test_text_that_is_long),
        cmocka_unit_test(test_through_null),
        cmocka_unit_test(test_all_must_hold),
        cmocka_unit_test(test_errno_is_what_the_call_set),
        cmocka_unit_test(test_before_the_call),
        cmocka_unit_test(test_no_flag_is_raised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
