// SPDX-License-Identifier: MIT
/*
 * call, with structs and unions from a configuration's `types`: which bytes of them are the key,
 * what comes back through pointers, and conditions on their members.
 */
#include "call_subject.h"

#include "types.h"

#include <fenv.h>

struct padded {
    char c;
    int32_t i;
    long double ld;
};

union number {
    int64_t i;
    double d;
    char bytes[8];
};

#define TYPES                                                 \
    "struct padded { char c; int32_t i; long double ld; };"   \
    "union number { int64_t i; double d; char bytes[8]; };"   \
    "struct pair { int a; int b[2]; }; enum { LIMIT = 100 };" \
    "struct nested { char tag; struct padded in[2]; };"

struct pair {
    int a;
    int b[2];
};

struct nested {
    char tag;
    struct padded in[2];
};

/* ---- keys ------------------------------------------------------------------------------------ */

static int real_padded(struct padded value)
{
    n_real++;
    return value.c + value.i + (int)value.ld;
}

static int call_padded(struct call_plan *plan, const struct padded *value)
{
    void *arguments[] = {(void *)value};
    uint64_t result;

    call_handle(plan, &result, arguments);
    return (int)result;
}

static struct padded make_padded(int filler, char c, int32_t i, long double ld)
{
    struct padded value;

    memset(&value, filler, sizeof(value));
    value.c = c;
    value.i = i;
    memcpy(&value.ld, &ld, LONG_DOUBLE_BYTES);
    return value;
}

static void test_padding_is_no_part_of_the_key(void **state)
{
    struct call_plan *plan =
        make_typed_plan(TYPES, "f", "{\"prototype\":\"int f(struct padded value)\"}", real_padded);
    struct padded a = make_padded(0x11, 1, 2, 3), b = make_padded(0x22, 1, 2, 3);
    struct padded others[] = {make_padded(0x11, 2, 2, 3), make_padded(0x11, 1, 3, 3),
                              make_padded(0x11, 1, 2, 3.5L)};

    assert_int_not_equal(memcmp(&a, &b, sizeof(a)), 0);
    assert_int_equal(call_padded(plan, &a), 6);
    assert_int_equal(call_padded(plan, &b), 6);
    expect_counts(plan, 2, 1, 1);
    for (int i = 0; i < 3; i++) {
        call_padded(plan, &others[i]);
        expect_counts(plan, 3 + (uint64_t)i, 2 + (uint64_t)i, 2 + i);
    }
}

static int real_number(union number value)
{
    n_real++;
    return value.bytes[0];
}

static void test_a_union_is_all_its_bytes(void **state)
{
    struct call_plan *plan =
        make_typed_plan(TYPES, "f", "{\"prototype\":\"int f(union number value)\"}", real_number);
    union number value = {.i = 0};
    void *arguments[] = {&value};
    uint64_t result;

    for (int i = 0; i < 8; i++) {
        value.i = 0;
        value.bytes[i] = 1;
        for (int again = 0; again < 2; again++) {
            call_handle(plan, &result, arguments);
            assert_int_equal((int)result, i == 0);
            expect_counts(plan, 2 * (uint64_t)i + 1 + (uint64_t)again, (uint64_t)i + 1, i + 1);
        }
    }
}

/* ---- floating point -------------------------------------------------------------------------- */

static int real_first(struct pair value)
{
    n_real++;
    return value.a;
}

static void test_a_double_within_makes_it_floating_point(void **state)
{
    struct call_plan *plan =
        make_typed_plan(TYPES, "f", "{\"prototype\":\"int f(struct padded value)\"}", real_padded);
    struct call_plan *integers =
        make_typed_plan(TYPES, "g", "{\"prototype\":\"int g(struct pair value)\"}", real_first);
    union {
        struct padded padded;
        struct pair pair;
    } value = {{0}};
    void *arguments[] = {&value};
    uint64_t result;

    fesetround(FE_UPWARD);
    for (int i = 0; i < 2; i++) {
        call_handle(plan, &result, arguments);
    }
    assert_int_equal(n_real, 2);
    for (int i = 0; i < 2; i++) {
        call_handle(integers, &result, arguments);
    }
    fesetround(FE_TONEAREST);
    assert_int_equal(n_real, 3);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int n_fillings;

static void real_sum(const struct nested *in, int n, struct padded *out)
{
    n_real++;
    memset(out, ++n_fillings, sizeof(*out)); /* the padding is another one in each call */
    out->c = in->tag;
    out->i = 0;
    out->ld = n;
    for (int i = 0; i < n; i++) {
        out->i += in[i].in[0].i + in[i].in[1].i;
    }
}

static void call_sum(struct call_plan *plan, const struct nested *in, int n, struct padded *out)
{
    void *arguments[] = {&in, &n, &out};
    uint64_t result;

    call_handle(plan, &result, arguments);
}

static struct nested make_nested(int filler, int32_t last)
{
    struct nested value;

    memset(&value, filler, sizeof(value));
    value.tag = 'x';
    value.in[0] = make_padded(filler, 1, 10, 1);
    value.in[1] = make_padded(filler, 2, last, 2);
    return value;
}

static void test_elements_that_are_structs(void **state)
{
    struct call_plan *plan =
        make_typed_plan(TYPES, "f",
                        "{\"prototype\":\"void f(const struct nested *in, int n, struct padded "
                        "*out)\",\"args\":{\"in\":{\"in\":\"struct nested\",\"count\":\"n\"},"
                        "\"out\":{\"out\":\"struct padded\"}}}",
                        real_sum);
    struct nested a[2] = {make_nested(1, 20), make_nested(1, 30)};
    struct nested b[2] = {make_nested(2, 20), make_nested(3, 30)};
    struct nested c[2] = {make_nested(1, 20), make_nested(1, 31)};
    struct padded out = {0};

    call_sum(plan, a, 2, &out);
    assert_true(out.c == 'x' && out.i == 70 && out.ld == 2);
    memset(&out, 0, sizeof(out));
    call_sum(plan, b, 2, &out);
    assert_true(out.c == 'x' && out.i == 70 && out.ld == 2);
    expect_counts(plan, 2, 1, 1);
    call_sum(plan, c, 2, &out);
    assert_int_equal(out.i, 71);
    expect_counts(plan, 3, 2, 2);
    call_sum(plan, c, 1, &out);
    assert_int_equal(out.i, 30);
    expect_counts(plan, 4, 3, 3);
}

static struct padded real_make(int x)
{
    n_real++;
    return make_padded(++n_fillings, 'c', x, x);
}

static struct padded call_make(struct call_plan *plan, int x)
{
    void *arguments[] = {&x};
    struct padded result;

    call_handle(plan, &result, arguments);
    return result;
}

static void test_padding_of_results_is_no_mismatch(void **state)
{
    struct call_plan *plan = make_typed_plan(
        TYPES, "f", "{\"prototype\":\"struct padded f(int x)\",\"mode\":\"verify\"}", real_make);
    struct stats_function read;

    for (int i = 0; i < 4; i++) {
        struct padded result = call_make(plan, 5);

        assert_true(result.c == 'c' && result.i == 5 && result.ld == 5);
    }
    call_plan_read(plan, &read);
    assert_int_equal(n_real, 4);
    assert_int_equal(stats_counted(read.counters, STATS_verified), 3);
    assert_int_equal(stats_counted(read.counters, STATS_mismatches), 0);
}

static void test_padding_of_what_is_written_is_no_mismatch(void **state)
{
    struct call_plan *plan =
        make_typed_plan(TYPES, "f",
                        "{\"prototype\":\"void f(const struct nested *in, int n, struct padded "
                        "*out)\",\"args\":{\"in\":{\"in\":\"struct nested\",\"count\":\"n\"},"
                        "\"out\":{\"out\":\"struct padded\"}},\"mode\":\"verify\"}",
                        real_sum);
    struct nested in = make_nested(1, 20);
    struct stats_function read;
    struct padded out;

    for (int i = 0; i < 4; i++) {
        call_sum(plan, &in, 1, &out);
    }
    call_plan_read(plan, &read);
    assert_int_equal(n_real, 4);
    assert_int_equal(stats_counted(read.counters, STATS_verified), 3);
    assert_int_equal(stats_counted(read.counters, STATS_mismatches), 0);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static struct pair real_pair(struct pair in, struct pair *out)
{
    n_real++;
    out[0].a = in.a;
    out[1].b[1] = in.b[1];
    return (struct pair){in.a, {in.b[0], in.b[1]}};
}

/* The real calls that three equal calls take: 1 if the result is kept, 3 if it is not. */
static int real_calls(const char *condition, struct pair in)
{
    char entry[512];
    struct pair out[2], *pointer = out, result;
    struct call_plan *plan;
    void *arguments[] = {&in, &pointer};

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"struct pair f(struct pair in, struct pair *out)\",\"args\":{\"out\":"
             "{\"out\":\"struct pair\",\"count\":2}},\"store_if\":\"%s\"}",
             condition);
    plan = make_typed_plan(TYPES, "f", entry, real_pair);
    n_real = 0;
    for (int i = 0; i < 3; i++) {
        memset(out, 0, sizeof(out));
        memset(&result, 0, sizeof(result));
        call_handle(plan, &result, arguments);
        assert_memory_equal(&result, &in, sizeof(in));
        assert_int_equal(out[0].a, in.a);
        assert_int_equal(out[1].b[1], in.b[1]);
    }
    return n_real;
}

static void test_conditions_on_members(void **state)
{
    static const struct {
        const char *kept, *not_kept;
    } conditions[] = {
        {"return.a == 7", "return.a == 8"},
        {"return.b[1] == -9", "return.b[0] == -9"},
        {"in.b[0] < LIMIT", "in.b[0] >= LIMIT"},
        {"out->a == 7", "out->a != 7"},
        {"out[0].a == return.a", "out[0].a == return.b[0]"},
        {"out[1].b[1] == in.b[1]", "out[1].b[1] == in.b[0]"},
    };
    struct pair in = {7, {8, -9}};

    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        assert_int_equal(real_calls(conditions[i].kept, in), 1);
        assert_int_equal(real_calls(conditions[i].not_kept, in), 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_padding_is_no_part_of_the_key, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_a_union_is_all_its_bytes, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_a_double_within_makes_it_floating_point, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_elements_that_are_structs, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_padding_of_results_is_no_mismatch, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_padding_of_what_is_written_is_no_mismatch, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_conditions_on_members, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
