// SPDX-License-Identifier: MIT
/* marshal, bounds: counts, texts and keys that are too large or make no sense; buffers; refusals.
 */
#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bounds(void **state)
{
    static const struct count_step product[] = {{.kind = COUNT_PARAMETER, .parameter = 1},
                                                {.kind = COUNT_PARAMETER, .parameter = 1},
                                                {.kind = COUNT_MULTIPLY}};
    static const struct count_step difference[] = {{.kind = COUNT_PARAMETER, .parameter = 1},
                                                   {.kind = COUNT_NUMBER, .number = 5},
                                                   {.kind = COUNT_SUBTRACT}};
    static const struct count_step sum[] = {{.kind = COUNT_PARAMETER, .parameter = 1},
                                            {.kind = COUNT_NUMBER, .number = 1},
                                            {.kind = COUNT_ADD}};
    static const struct {
        struct config_count count;
        int64_t n;
        int expected;
    } cases[] = {
        {{product, 3}, 2, 0},
        {{product, 3}, INT64_C(1) << 32, -EOVERFLOW},
        {{product, 3}, INT64_C(1) << 31, -EOVERFLOW}, /* times eight it leaves 64 bits */
        {{product, 3}, 4096, -E2BIG},                 /* 128 MiB */
        {{difference, 3}, 4, -EOVERFLOW},
        {{difference, 3}, 5, 0},
        {{difference, 3}, INT64_MIN, -EOVERFLOW},
        {{sum, 3}, INT64_MAX, -EOVERFLOW},
        {{sum, 3}, -1, 0},
        {{sum, 3}, -2, -EOVERFLOW},
    };
    uint64_t memory[8] = {0}, *pointer = memory, *null = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_description elements = {.kind = DESCRIBE_MEMORY,
                                              .is_in = true,
                                              .element_size = 8,
                                              .element = &type_u64,
                                              .count = cases[i].count};
        int64_t n = cases[i].n;
        void *arguments[] = {&pointer, &n};
        struct subject subject;
        int result;

        subject_begin(&subject, &type_void);
        subject_add(&subject, &type_u64_pointer, elements);
        subject_add(&subject, &type_i64, as_value);
        subject_finish(&subject);
        result = same_key(&subject, arguments, arguments);
        assert_int_equal(result == 1 ? 0 : result, cases[i].expected);
        arguments[0] = &null; /* NULL is never followed, whatever the count */
        assert_int_equal(same_key(&subject, arguments, arguments), 1);
        subject_end(&subject);
    }
}

/* "len or string": up to the zero when len is -1, which an element need not be reached for else. */
static void test_counts_that_may_stand_for_text(void **state)
{
    static const struct count_step steps[] = {{.kind = COUNT_PARAMETER, .parameter = 1},
                                              {.kind = COUNT_OR_STRING}};
    static const struct {
        uint32_t element_size;
        const void *a, *b;
        int64_t n;
        int expected; /* 1: the same key */
    } cases[] = {
        {1, "abc\0x", "abc\0y", -1, 1},    {1, "abc\0x", "abc\0y", 5, 0},
        {1, "abc", "abd", -1, 0},          {1, "abc", "abd", 2, 1},
        {1, "abc", "abc", -2, -EOVERFLOW}, {4, L"ab\0x", L"ab\0y", -1, 1},
        {4, L"ab", L"ac", -1, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_description elements = {.kind = DESCRIBE_MEMORY,
                                              .is_in = true,
                                              .element_size = cases[i].element_size,
                                              .count = {steps, 2}};
        int64_t n = cases[i].n;
        void *a[] = {(void *)&cases[i].a, &n}, *b[] = {(void *)&cases[i].b, &n};
        struct subject subject;

        subject_begin(&subject, &type_void);
        subject_add(&subject, &type_pointer, elements);
        subject_add(&subject, &type_i64, as_value);
        subject_finish(&subject);
        assert_int_equal(same_key(&subject, a, b), cases[i].expected);
        subject_end(&subject);
    }
}

static void test_counts_of_every_integer_type(void **state)
{
    static const struct count_step steps[] = {{.kind = COUNT_PARAMETER, .parameter = 1}};
    static const struct config_description elements = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element_size = 1, .count = {steps, 1}};
    static const struct {
        const struct ctype *type;
        uint64_t bits;
        int expected; /* -1: refused, else the count */
    } cases[] = {
        {&type_bool, 1, 1},
        {&type_i8, 0xffffffffffffff03, 3},
        {&type_i8, 0x80, -1},
        {&type_u8, 0xffffffffffffffc8, 200},
        {&type_i16, 0xffffffffffff0102, 258},
        {&type_i16, 0x8000, -1},
        {&type_u16, 0xffffffffffff0101, 257},
        {&type_i32, 0xffffffff00000003, 3},
        {&type_i32, 0x80000000, -1},
        {&type_u32, 0xffffffff00000003, 3},
        {&type_i64, 0x8000000000000000, -1},
        {&type_u64, 0x8000000000000000, -1},
        {&type_u64, 300, 300},
    };
    char memory[512] = {0}, *pointer = memory;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        struct marshal_buffer key;
        struct marshal_call call;
        uint64_t bits = cases[i].bits, count;
        int error;

        subject_begin(&subject, &type_void);
        subject_add(&subject, &type_text, elements);
        subject_add(&subject, cases[i].type, as_value);
        subject_finish(&subject);
        marshal_buffer_init(&key, false);
        error = marshal_key(subject.plan, (void *[]){&pointer, &bits}, NULL, &key, &call);
        if (cases[i].expected < 0) {
            assert_int_equal(error, -EOVERFLOW);
        } else {
            assert_int_equal(error, 0);
            assert_int_equal(key.data[0], 'M');
            memcpy(&count, key.data + 1, sizeof(count));
            assert_int_equal(count, cases[i].expected);
        }
        marshal_buffer_fini(&key);
        subject_end(&subject);
    }
}

static void test_count_through_null(void **state)
{
    struct subject subject;
    char memory[8], *pointer = memory;
    uint64_t *null = NULL;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, out_bytes_of_1);
    subject_add(&subject, &type_u64_pointer, (struct config_description){.kind = DESCRIBE_IGNORE});
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&pointer, &null}, (void *[]){&pointer, &null}),
                     -EFAULT);
    subject_end(&subject);
}

static void test_long_and_unterminated_strings(void **state)
{
    const size_t n_bytes = MARSHAL_MAX_STRING_BYTES + 4096;
    struct subject subject;
    char *text =
        mmap(NULL, n_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *short_text;

    assert_true(text != MAP_FAILED);
    mprotect(text + n_bytes, 4096, PROT_NONE);
    memset(text, 'x', n_bytes);
    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&text}, (void *[]){&text}), -E2BIG);
    text[MARSHAL_MAX_STRING_BYTES] = '\0';
    assert_int_equal(same_key(&subject, (void *[]){&text}, (void *[]){&text}), 1);
    /* Up to the last byte before a page that is not there. */
    short_text = text + n_bytes - 3;
    text[n_bytes - 1] = '\0';
    assert_int_equal(same_key(&subject, (void *[]){&short_text}, (void *[]){&short_text}), 1);
    subject_end(&subject);
    munmap(text, n_bytes + 4096);
}

static void test_max_bytes_bounds_keys(void **state)
{
    struct subject subject;
    const char *seven = "1234567", *eight = "12345678";

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject.function.max_bytes = 4 + 7;
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&seven}, (void *[]){&seven}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&eight}, (void *[]){&eight}), -E2BIG);
    subject_end(&subject);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static void *make_many_keys(void *context)
{
    struct subject *subject = context;
    char text[20000], *pointer = text;

    for (int i = 0; i < 300; i++) {
        size_t n_bytes = (size_t)(i * 61) % sizeof(text);
        struct marshal_buffer key;
        struct marshal_call call;

        memset(text, 'a' + i % 26, n_bytes);
        text[n_bytes] = '\0';
        marshal_buffer_init(&key, false);
        assert_int_equal(marshal_key(subject->plan, (void *[]){&pointer}, NULL, &key, &call), 0);
        assert_int_equal(key.n_bytes, 4 + n_bytes);
        assert_memory_equal(key.data + 4, text, n_bytes);
        assert_int_equal(key.data == key.room, 4 + n_bytes <= sizeof(key.room));
        marshal_buffer_fini(&key);
    }
    return NULL;
}

static void test_blocks_are_reused_and_not_shared(void **state)
{
    struct subject subject;
    pthread_t threads[4];
    struct marshal_buffer a, b;
    struct marshal_call call;
    static char text[5000], *pointer = text;
    void *first;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    memset(text, 'x', sizeof(text) - 1);
    marshal_buffer_init(&a, false);
    marshal_buffer_init(&b, false);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &a, &call), 0);
    first = a.data;
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &b, &call), 0);
    assert_ptr_not_equal(b.data, first);
    marshal_buffer_fini(&b);
    marshal_buffer_fini(&a);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &a, &call), 0);
    assert_ptr_equal(a.data, first); /* the one that was given back last */
    marshal_buffer_fini(&a);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_many_keys, &subject), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    subject_end(&subject);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    const struct config_description out_byte = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1};
    const struct config_description length_out = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .element = &type_u64};
    struct config_description in_of_1 = out_bytes_of_1;
    struct subject subject;

    subject_begin(&subject, &type_void);
    for (int i = 0; i < MARSHAL_MAX_OUTS + 1; i++) {
        subject_add(&subject, &type_text, out_byte);
    }
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_non_null(strstr(subject.reason, "16"));
    subject_end(&subject);

    in_of_1.is_in = true; /* read before the call, but the count is written by it */
    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, in_of_1);
    subject_add(&subject, &type_u64_pointer, length_out);
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_non_null(strstr(subject.reason, "after the call"));
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counts_that_may_stand_for_text),
        cmocka_unit_test(test_counts_of_every_integer_type),
        cmocka_unit_test(test_count_through_null),
        cmocka_unit_test(test_long_and_unterminated_strings),
        cmocka_unit_test(test_max_bytes_bounds_keys),
        cmocka_unit_test(test_blocks_are_reused_and_not_shared),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
