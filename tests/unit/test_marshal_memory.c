// SPDX-License-Identifier: MIT
/*
 * marshal, records: memory that a call wrote is captured and written again for another caller, and
 * a record that is not whole is refused without a byte being written.
 */
#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory that is written ------------------------------------------------------------------ */

/* void f(char *text [8]): what lies behind the text is nobody's business. */
static void test_text_that_is_written(void **state)
{
    static const struct count_step eight[] = {{.kind = COUNT_NUMBER, .number = 8}};
    static const struct {
        const char *written, *given;
    } cases[] = {{"abc\0rrrr", "abc\0gggg"},
                 {"\0rrrrrrr", "\0ggggggg"},
                 {"abcdefg\0", "abcdefg\0"},
                 {"abcdefgh", "abcdefgh"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct captured record;
        struct marshal_call call;
        struct subject subject;
        char *memory = malloc(8); /* a byte more is seen by a sanitizer */
        void *arguments[] = {&memory};
        int64_t result = 0;
        int32_t given_errno;

        subject_begin(&subject, &type_i32);
        subject_add(&subject, &type_text,
                    (struct config_description){.kind = DESCRIBE_MEMORY,
                                                .is_out = true,
                                                .is_text = true,
                                                .element_size = 1,
                                                .count = {eight, 1}});
        subject_finish(&subject);
        before(&subject, arguments, &call);
        memcpy(memory, cases[i].written, 8);
        assert_int_equal(
            after(&subject, arguments, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
        memset(memory, 'g', 8);
        assert_int_equal(replay(&subject, &record, arguments, &result, &given_errno), 0);
        assert_memory_equal(memory, cases[i].given, 8);
        free(memory);
        subject_end(&subject);
    }
}

static const struct count_step returned[] = {{.kind = COUNT_RETURN}};

/* int f(char *buf [*len], uint64_t *len) with len given and taken. */
static void test_length_that_the_call_changes(void **state)
{
    const struct config_description buffer = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {pointee_1, 1}};
    const struct config_description length = {.kind = DESCRIBE_MEMORY,
                                              .is_in = true,
                                              .is_out = true,
                                              .element_size = 8,
                                              .element = &type_u64};
    static const struct {
        uint64_t before, after, captured;
    } cases[] = {{10, 4, 4}, {4, 4, 4}, {4, 10, 4} /* it needed more */, {0, 3, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct captured record;
        struct marshal_call call;
        struct subject subject;
        char *real = malloc(cases[i].before + 1), *given = malloc(cases[i].before + 1);
        uint64_t real_length = cases[i].before, given_length = cases[i].before;
        uint64_t *real_pointer = &real_length, *given_pointer = &given_length;
        void *real_arguments[] = {&real, &real_pointer};
        void *given_arguments[] = {&given, &given_pointer};
        int64_t result = 7, given_result = 0;
        int32_t given_errno;

        subject_begin(&subject, &type_i32);
        subject_add(&subject, &type_text, buffer);
        subject_add(&subject, &type_u64_pointer, length);
        subject_finish(&subject);
        before(&subject, real_arguments, &call);
        memset(real, 'r', cases[i].before + 1);
        real_length = cases[i].after;
        assert_int_equal(
            after(&subject, real_arguments, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
        memset(given, 'g', cases[i].before + 1);
        assert_int_equal(replay(&subject, &record, given_arguments, &given_result, &given_errno),
                         0);
        assert_int_equal(given_result, 7);
        assert_int_equal(given_length, cases[i].after);
        for (uint64_t k = 0; k < cases[i].before + 1; k++) {
            assert_int_equal(given[k], k < cases[i].captured ? 'r' : 'g');
        }
        free(real);
        free(given);
        subject_end(&subject);
    }
}

/* ssize_t f(char *buf [return], size_t size) */
static void test_length_that_is_returned(void **state)
{
    const struct config_description buffer = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {returned, 1}};
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    char real[16], given[16], *a = real, *b = given, *null = NULL;
    uint64_t size = sizeof(real);
    int64_t result = 5, given_result = 0;
    int32_t given_errno;

    subject_begin(&subject, &type_i64);
    subject_add(&subject, &type_text, buffer);
    subject_add(&subject, &type_u64, as_value);
    subject_finish(&subject);
    before(&subject, (void *[]){&a, &size}, &call);
    memset(real, 'r', sizeof(real));
    memset(given, 'g', sizeof(given));
    assert_int_equal(
        after(&subject, (void *[]){&a, &size}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        0);
    assert_int_equal(replay(&subject, &record, (void *[]){&b, &size}, &given_result, &given_errno),
                     0);
    assert_int_equal(given_result, 5);
    assert_memory_equal(given, "rrrrrggggggggggg", 16);
    result = -1;
    assert_int_equal(
        after(&subject, (void *[]){&a, &size}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        -EOVERFLOW);
    before(&subject, (void *[]){&null, &size}, &call);
    assert_int_equal(
        after(&subject, (void *[]){&null, &size}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        0);
    assert_int_equal(
        replay(&subject, &record, (void *[]){&null, &size}, &given_result, &given_errno), 0);
    assert_int_equal(given_result, -1);
    subject_end(&subject);
}

static void test_count_beyond_the_bounds_is_not_captured(void **state)
{
    const struct config_description buffer = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .count = {returned, 1}};
    static const struct {
        int64_t result;
        int expected;
    } cases[] = {{INT64_C(1) << 62, -EOVERFLOW},
                 {INT64_C(1) << 40, -E2BIG},
                 {(INT64_C(16) << 20) / 8 + 1, -E2BIG}};
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    char room[8], *a = room;

    subject_begin(&subject, &type_i64);
    subject_add(&subject, &type_text, buffer);
    subject_finish(&subject);
    before(&subject, (void *[]){&a}, &call);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(after(&subject, (void *[]){&a}, &cases[i].result, &call,
                               MARSHAL_ERRNO_UNTOUCHED, &record),
                         cases[i].expected);
    }
    subject_end(&subject);
}

/* Both pointers to one place: what stands there at the end stands there again. */
static void test_overlapping_outputs(void **state)
{
    const struct config_description out_double = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .element = &type_double};
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    double real = 0, given = 0;
    double *a = &real, *b = &given;
    int32_t given_errno;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_double_pointer, out_double);
    subject_add(&subject, &type_double_pointer, out_double);
    subject_finish(&subject);
    before(&subject, (void *[]){&a, &a}, &call);
    real = 2.5;
    assert_int_equal(
        after(&subject, (void *[]){&a, &a}, NULL, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    assert_int_equal(replay(&subject, &record, (void *[]){&b, &b}, NULL, &given_errno), 0);
    assert_true(given == 2.5);
    subject_end(&subject);
}

/* ---- records that are not whole -------------------------------------------------------------- */

/*
 * char *f(int n, char *a [n], uint32_t *b [2]) with errno: every truncation, every byte changed in
 * several ways, tails added. The rooms are exact, so that a sanitizer sees one byte too many; a
 * refusal leaves everything as it was.
 */
static void test_mutations(void **state)
{
    static const struct count_step n_steps[] = {{.kind = COUNT_PARAMETER, .parameter = 0}};
    static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
    const struct config_description n_bytes = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {n_steps, 1}};
    const struct config_description pair = {.kind = DESCRIBE_MEMORY,
                                            .is_out = true,
                                            .element_size = 4,
                                            .element = &type_u32,
                                            .count = {two, 1}};
    static struct captured whole, bad;
    struct marshal_call call;
    struct subject subject;
    unsigned n_refused = 0, n_taken = 0;
    int32_t n = 6, given_errno;
    char *a = malloc(6);
    uint32_t *b = malloc(8);
    void *arguments[] = {&n, &a, &b};
    const char *text = "result";

    subject_begin(&subject, &type_text);
    subject_add(&subject, &type_i32, as_value);
    subject_add(&subject, &type_text, n_bytes);
    subject_add(&subject, &type_pointer, pair);
    subject.function.result = result_static;
    subject.function.captures_errno = true;
    subject_finish(&subject);
    before(&subject, arguments, &call);
    memset(a, 'r', 6);
    memset(b, 'r', 8);
    assert_int_equal(after(&subject, arguments, &text, &call, ERANGE, &whole), 0);

    for (size_t at = 0; at < whole.n_bytes; at++) {
        for (int way = 0; way < 12; way++) {
            const char *result = (const char *)1;
            int error;

            memcpy(bad.bytes, whole.bytes, whole.n_bytes);
            bad.n_bytes = whole.n_bytes;
            if (way == 0) {
                bad.n_bytes = at;
            } else if (way == 1) {
                bad.n_bytes += at + 1;
            } else if (way < 10) {
                bad.bytes[at] ^= (unsigned char)(1u << (way - 2));
            } else {
                bad.bytes[at] = (unsigned char)(bad.bytes[at] + (way == 10 ? 1 : -1));
            }
            memset(a, 'g', 6);
            memset(b, 'g', 8);
            error = replay(&subject, &bad, arguments, &result, &given_errno);
            if (error == 0) {
                n_taken++; /* the content differs, the shape does not */
                assert_ptr_not_equal(result, (const char *)1);
                continue;
            }
            n_refused++;
            assert_int_equal(error, -EBADMSG);
            assert_ptr_equal(result, (const char *)1);
            assert_memory_equal(a, "gggggg", 6);
            assert_memory_equal(b, "gggggggg", 8);
        }
    }
    assert_true(n_refused > 200 && n_taken > 50);

    /* Lengths that add up, but not to what this caller made room for: one byte over to b. */
    memcpy(bad.bytes, whole.bytes, whole.n_bytes);
    bad.n_bytes = whole.n_bytes;
    assert_int_equal(whole.n_bytes, 4 + 8 + 7 + 8 + 6 + 8 + 8);
    for (int shift = -6; shift <= 8; shift++) {
        uint64_t first = (uint64_t)(6 + shift), second = (uint64_t)(8 - shift);
        const char *result = (const char *)1;

        memcpy(bad.bytes + 19, &first, 8);
        memcpy(bad.bytes + 27 + first, &second, 8);
        assert_int_equal(replay(&subject, &bad, arguments, &result, &given_errno),
                         shift == 0 ? 0 : -EBADMSG);
    }
    free(a);
    free(b);
    subject_end(&subject);
}

static int set_up(void **state)
{
    return marshal_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_that_is_written),
        cmocka_unit_test(test_length_that_the_call_changes),
        cmocka_unit_test(test_length_that_is_returned),
        cmocka_unit_test(test_count_beyond_the_bounds_is_not_captured),
        cmocka_unit_test(test_overlapping_outputs),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
