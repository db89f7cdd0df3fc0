// SPDX-License-Identifier: MIT
/* marshal, records: results, as scalars, as errno and as text, captured and given back. */
#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- scalars --------------------------------------------------------------------------------- */

#define DEFINE_REAL(name, type, value) \
    static type name##_real(void)      \
    {                                  \
        return (type)(value);          \
    }

DEFINE_REAL(bool, _Bool, 1)
DEFINE_REAL(i8, int8_t, -2)
DEFINE_REAL(i16, int16_t, -2)
DEFINE_REAL(i32, int32_t, INT32_MIN)
DEFINE_REAL(i64, int64_t, INT64_MIN + 7)
DEFINE_REAL(u8, uint8_t, 0xfe)
DEFINE_REAL(u16, uint16_t, 0xfffe)
DEFINE_REAL(u32, uint32_t, 0xfffffffe)
DEFINE_REAL(u64, uint64_t, 0xfffffffffffffffe)
DEFINE_REAL(float, float, -0.1f)
DEFINE_REAL(double, double, -0.1)
DEFINE_REAL(long_double, long double, -0.1L)
DEFINE_REAL(complex_float, float complex, 0.1f - 2 * I)
DEFINE_REAL(complex_double, double complex, 0.1 - 2 * I)
DEFINE_REAL(complex_long_double, long double complex, 0.1L - 2 * I)
DEFINE_REAL(pointer, void *, 0x7fffffffffffffff)

static void test_scalars_come_back_as_real_calls_leave_them(void **state)
{
    static const struct {
        const struct ctype *type;
        void *real;
    } cases[] = {
        {&type_bool, (void *)bool_real},
        {&type_i8, (void *)i8_real},
        {&type_i16, (void *)i16_real},
        {&type_i32, (void *)i32_real},
        {&type_i64, (void *)i64_real},
        {&type_u8, (void *)u8_real},
        {&type_u16, (void *)u16_real},
        {&type_u32, (void *)u32_real},
        {&type_u64, (void *)u64_real},
        {&type_float, (void *)float_real},
        {&type_double, (void *)double_real},
        {&type_long_double, (void *)long_double_real},
        {&type_complex_float, (void *)complex_float_real},
        {&type_complex_double, (void *)complex_double_real},
        {&type_complex_long_double, (void *)complex_long_double_real},
        {&type_pointer, (void *)pointer_real},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ctype *type = cases[i].type;
        bool is_integer =
            type->kind == CTYPE_BOOL || type->kind == CTYPE_SIGNED || type->kind == CTYPE_UNSIGNED;
        _Alignas(16) unsigned char real[32] = {0}, given[32];
        unsigned char packed_real[32], packed_given[32];
        struct marshal_call call;
        static struct captured record;
        struct subject subject;
        struct abi_call *abi;
        int32_t given_errno;

        subject_begin(&subject, type);
        if (type->kind == CTYPE_POINTER) {
            subject.function.result =
                (struct config_description){.kind = DESCRIBE_ADDRESS, .is_out = true};
        }
        subject_finish(&subject);
        assert_int_equal(abi_call_create(&subject.function.prototype, &subject.arena, &abi), 0);
        abi_call_real(abi, cases[i].real, real, NULL);
        before(&subject, NULL, &call);
        assert_int_equal(after(&subject, NULL, real, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
        assert_int_equal(record.n_bytes, abi_value_bytes(type));
        memset(given, 0x5a, sizeof(given));
        assert_int_equal(replay(&subject, &record, NULL, given, &given_errno), 0);
        assert_int_equal(given_errno, MARSHAL_ERRNO_UNTOUCHED);
        if (is_integer) {
            assert_memory_equal(real, given, 8); /* widened */
        }
        abi_copy_value(type, real, packed_real);
        abi_copy_value(type, given, packed_given);
        assert_memory_equal(packed_real, packed_given, abi_value_bytes(type));
        for (size_t k = abi->result_room_bytes; k < sizeof(given); k++) {
            assert_int_equal(given[k], 0x5a);
        }
        record.n_bytes--;
        memset(given, 0x5a, sizeof(given));
        assert_int_equal(replay(&subject, &record, NULL, given, &given_errno), -EBADMSG);
        record.n_bytes += 2;
        assert_int_equal(replay(&subject, &record, NULL, given, &given_errno), -EBADMSG);
        for (size_t k = 0; k < sizeof(given); k++) {
            assert_int_equal(given[k], 0x5a);
        }
        subject_end(&subject);
    }
}

static void test_nothing_at_all(void **state)
{
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    int32_t given_errno = 0;

    subject_begin(&subject, &type_void);
    subject_finish(&subject);
    before(&subject, NULL, &call);
    assert_int_equal(after(&subject, NULL, NULL, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    assert_int_equal(record.n_bytes, 0);
    assert_int_equal(replay(&subject, &record, NULL, NULL, &given_errno), 0);
    assert_int_equal(given_errno, MARSHAL_ERRNO_UNTOUCHED);
    record.n_bytes = 1;
    assert_int_equal(replay(&subject, &record, NULL, NULL, &given_errno), -EBADMSG);
    subject_end(&subject);
}

static void test_errno(void **state)
{
    static const int32_t values[] = {MARSHAL_ERRNO_UNTOUCHED, ERANGE, EDOM};
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    int32_t given_errno;
    int64_t result = -1, given;

    subject_begin(&subject, &type_i32);
    subject.function.captures_errno = true;
    subject_finish(&subject);
    assert_int_equal(marshal_record_bytes(subject.plan), 16);
    for (int i = 0; i < 3; i++) {
        before(&subject, NULL, &call);
        assert_int_equal(after(&subject, NULL, &result, &call, values[i], &record), 0);
        given_errno = given = 0;
        assert_int_equal(replay(&subject, &record, NULL, &given, &given_errno), 0);
        assert_int_equal(given_errno, values[i]);
        assert_int_equal(given, -1);
    }
    subject_end(&subject);
}

/* ---- results that point ---------------------------------------------------------------------- */

static struct captured *capture_text(struct subject *subject, const char *text)
{
    static struct captured records[4];
    static unsigned next;
    struct captured *record = &records[next++ % 4];
    struct marshal_call call;

    before(subject, NULL, &call);
    assert_int_equal(after(subject, NULL, &text, &call, MARSHAL_ERRNO_UNTOUCHED, record), 0);
    return record;
}

static char *replay_text(struct subject *subject, const struct captured *record)
{
    char *text = (char *)1;
    int32_t given_errno;

    assert_int_equal(replay(subject, record, NULL, &text, &given_errno), 0);
    return text;
}

struct other_thread {
    struct subject *subject;
    const struct captured *record;
    char *text;
};

static void *replay_elsewhere(void *context)
{
    struct other_thread *other = context;

    other->text = replay_text(other->subject, other->record);
    assert_string_equal(other->text, "elsewhere");
    return NULL;
}

static void test_static_text(void **state)
{
    struct subject subject, second;
    struct other_thread other = {&subject, NULL, NULL};
    pthread_t thread;
    char large[9000];
    char *first, *again;

    subject_begin(&subject, &type_text);
    subject.function.result = result_static;
    subject_finish(&subject);
    assert_null(replay_text(&subject, capture_text(&subject, NULL)));
    first = replay_text(&subject, capture_text(&subject, "one"));
    assert_string_equal(first, "one");
    again = replay_text(&subject, capture_text(&subject, ""));
    assert_ptr_equal(again, first); /* as with the real one: the same buffer, overwritten */
    assert_string_equal(again, "");
    strcpy(again, "the program may write here");

    /* A thread of its own has a buffer of its own. */
    replay_text(&subject, capture_text(&subject, "here"));
    other.record = capture_text(&subject, "elsewhere");
    assert_int_equal(pthread_create(&thread, NULL, replay_elsewhere, &other), 0);
    pthread_join(thread, NULL);
    assert_ptr_not_equal(other.text, first);
    assert_string_equal(first, "here");

    /* So has another function. */
    subject_begin(&second, &type_text);
    second.function.result = result_static;
    subject_finish(&second);
    again = replay_text(&second, capture_text(&second, "second"));
    assert_ptr_not_equal(again, first);
    assert_string_equal(first, "here");

    /* A longer text may move; whoever still looks at the old place reads old text. */
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    again = replay_text(&subject, capture_text(&subject, large));
    assert_string_equal(again, large);
    assert_string_equal(first, "here");
    subject_end(&subject);
    subject_end(&second);
}

/* The program's own destructor, of a younger key, still sees the last result. */
static char *seen_at_the_end;

static void look_at_the_end(void *text)
{
    assert_string_equal(text, "elsewhere");
    seen_at_the_end = text;
}

static void *replay_and_end(void *context)
{
    struct other_thread *other = context;
    pthread_key_t *key = (pthread_key_t *)other->text;

    replay_elsewhere(other);
    pthread_setspecific(*key, other->text);
    return NULL;
}

static void test_static_text_outlives_its_thread(void **state)
{
    struct subject subject;
    struct other_thread other = {.subject = &subject};
    pthread_t thread;
    pthread_key_t key;

    subject_begin(&subject, &type_text);
    subject.function.result = result_static;
    subject_finish(&subject);
    other.record = capture_text(&subject, "elsewhere");
    other.text = (char *)&key;
    assert_int_equal(pthread_key_create(&key, look_at_the_end), 0);
    assert_int_equal(pthread_create(&thread, NULL, replay_and_end, &other), 0);
    pthread_join(thread, NULL);
    assert_non_null(seen_at_the_end);
    assert_ptr_equal(seen_at_the_end, other.text);
    pthread_key_delete(key);
    /* The real function's buffer would still be there. The next thread has it. */
    assert_string_equal(other.text, "elsewhere");
    assert_int_equal(pthread_create(&thread, NULL, replay_elsewhere, &other), 0);
    pthread_join(thread, NULL);
    assert_ptr_equal(seen_at_the_end, other.text);
    subject_end(&subject);
}

static void test_text_too_long_is_not_captured(void **state)
{
    char *text = malloc(MARSHAL_MAX_STRING_BYTES + 1);
    static struct captured record;
    struct marshal_call call;
    struct subject subject;

    subject_begin(&subject, &type_text);
    subject.function.result = result_static;
    subject_finish(&subject);
    memset(text, 'x', MARSHAL_MAX_STRING_BYTES);
    text[MARSHAL_MAX_STRING_BYTES] = '\0';
    before(&subject, NULL, &call);
    assert_int_equal(after(&subject, NULL, &text, &call, MARSHAL_ERRNO_UNTOUCHED, &record), -E2BIG);
    subject_end(&subject);
    subject_begin(&subject, &type_text);
    subject.function.result = result_static;
    subject.function.max_bytes = 8 + 3;
    subject_finish(&subject);
    text[2] = '\0';
    assert_int_equal(after(&subject, NULL, &text, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    text[2] = 'x';
    text[3] = '\0';
    assert_int_equal(after(&subject, NULL, &text, &call, MARSHAL_ERRNO_UNTOUCHED, &record), -E2BIG);
    subject_end(&subject);
    free(text);
}

/* As crypt_r: text within the caller's scratch memory. */
static void test_text_into_an_argument(void **state)
{
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    char first[64], second[64], third[64];
    char *data = first, *other = second, *null = NULL, *result = first + 20;
    int32_t given_errno;

    subject_begin(&subject, &type_text);
    subject_add(&subject, &type_pointer, as_scratch);
    subject.function.result = (struct config_description){
        .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime.kind = LIFETIME_INTO};
    subject_finish(&subject);
    before(&subject, (void *[]){&data}, &call);
    strcpy(first + 20, "output");
    assert_int_equal(
        after(&subject, (void *[]){&data}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    memset(second, '#', sizeof(second));
    memcpy(third, second, sizeof(third));
    memcpy(third + 20, "output", 7);
    assert_int_equal(replay(&subject, &record, (void *[]){&other}, &result, &given_errno), 0);
    assert_ptr_equal(result, second + 20);
    assert_memory_equal(second, third, sizeof(second));
    /* Nowhere to write to. */
    assert_int_equal(replay(&subject, &record, (void *[]){&null}, &result, &given_errno), -EBADMSG);
    /* NULL comes back as NULL. */
    result = NULL;
    assert_int_equal(
        after(&subject, (void *[]){&data}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    result = first;
    assert_int_equal(replay(&subject, &record, (void *[]){&other}, &result, &given_errno), 0);
    assert_null(result);
    /* Results that are not where they are said to be. */
    result = (char *)((uintptr_t)first - 1);
    assert_int_equal(
        after(&subject, (void *[]){&data}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        -EFAULT);
    result = (char *)((uintptr_t)first + MARSHAL_MAX_OFFSET + 1);
    assert_int_equal(
        after(&subject, (void *[]){&data}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        -EFAULT);
    result = first;
    assert_int_equal(
        after(&subject, (void *[]){&null}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
        -EFAULT);
    subject_end(&subject);
}

/* crypt_r(phrase, data->output, data) writes over its own setting: nothing to keep, nor to repeat.
 */
static void test_text_onto_an_input(void **state)
{
    static const struct {
        size_t at; /* of the input in the memory that holds the output from 20 to 27 */
        const char *input;
        bool is_touched;
    } cases[] = {{30, "in", false}, {27, "in", false},           {26, "in", true}, {20, "in", true},
                 {17, "in", false}, {10, "into the next", true}, {18, "in", true}, {19, "", false}};
    static struct captured whole, record;
    struct marshal_call call;
    struct subject subject;
    char memory[64] = "", elsewhere[] = "in", *data = memory, *input = elsewhere, *result;
    int32_t given_errno;

    subject_begin(&subject, &type_text);
    subject_add(&subject, &type_text, as_string);
    subject_add(&subject, &type_pointer, as_scratch);
    subject.function.result = (struct config_description){.kind = DESCRIBE_OUT_STRING,
                                                          .is_out = true,
                                                          .lifetime.kind = LIFETIME_INTO,
                                                          .lifetime.parameter = 1};
    subject_finish(&subject);
    before(&subject, (void *[]){&input, &data}, &call);
    result = strcpy(memory + 20, "output");
    assert_int_equal(
        after(&subject, (void *[]){&input, &data}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &whole),
        0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(memory, 0, sizeof(memory));
        input = strcpy(memory + cases[i].at, cases[i].input);
        before(&subject, (void *[]){&input, &data}, &call);
        assert_int_equal(replay(&subject, &whole, (void *[]){&input, &data}, &result, &given_errno),
                         cases[i].is_touched ? -EBADMSG : 0);
        assert_true(!cases[i].is_touched || strcmp(input, cases[i].input) == 0);
        result = memcpy(memory + 20, "output", 7);
        assert_int_equal(after(&subject, (void *[]){&input, &data}, &result, &call,
                               MARSHAL_ERRNO_UNTOUCHED, &record),
                         cases[i].is_touched ? -EFAULT : 0);
    }
    subject_end(&subject);
}

/* As strchr: only the place counts. */
static void test_offset_into_text(void **state)
{
    static struct captured record;
    struct marshal_call call;
    struct subject subject;
    static const char here[] = "needle in hay", there[] = "needle in hay";
    const char *a = here, *b = there, *result;
    int32_t given_errno;

    subject_begin(&subject, &type_text);
    subject_add(&subject, &type_text, as_string);
    subject.function.result = (struct config_description){
        .kind = DESCRIBE_OFFSET, .is_out = true, .lifetime.kind = LIFETIME_INTO};
    subject_finish(&subject);
    assert_int_equal(marshal_record_bytes(subject.plan), 8);
    before(&subject, (void *[]){&a}, &call);
    for (size_t i = 0; i < sizeof(here); i++) {
        result = here + i;
        assert_int_equal(
            after(&subject, (void *[]){&a}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
        assert_int_equal(replay(&subject, &record, (void *[]){&b}, &result, &given_errno), 0);
        assert_ptr_equal(result, there + i);
    }
    result = here + sizeof(here);
    assert_int_equal(
        after(&subject, (void *[]){&a}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), -EFAULT);
    result = NULL;
    assert_int_equal(
        after(&subject, (void *[]){&a}, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    result = here;
    assert_int_equal(replay(&subject, &record, (void *[]){&b}, &result, &given_errno), 0);
    assert_null(result);
    memset(record.bytes, 0x7f, 8); /* an offset beyond any bound */
    assert_int_equal(replay(&subject, &record, (void *[]){&b}, &result, &given_errno), -EBADMSG);
    subject_end(&subject);
}

/* ---- secrets --------------------------------------------------------------------------------- */

static void test_secret_records_are_wiped(void **state)
{
    struct marshal_buffer record;
    struct marshal_call call;
    struct subject subject;
    const char *text = "a derived secret";

    subject_begin(&subject, &type_text);
    subject.function.result = result_static;
    subject.function.has_secret = true;
    subject_finish(&subject);
    memset(&record, 0, sizeof(record));
    marshal_buffer_init(&record, true);
    assert_int_equal(
        marshal_capture(subject.plan, NULL, &text, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    assert_non_null(memmem(&record, sizeof(record), text, 16));
    marshal_buffer_fini(&record);
    assert_null(memmem(&record, sizeof(record), text, 4));
    subject_end(&subject);
}

static int set_up(void **state)
{
    return marshal_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_come_back_as_real_calls_leave_them),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_static_text),
        cmocka_unit_test(test_static_text_outlives_its_thread),
        cmocka_unit_test(test_text_too_long_is_not_captured),
        cmocka_unit_test(test_text_into_an_argument),
        cmocka_unit_test(test_text_onto_an_input),
        cmocka_unit_test(test_offset_into_text),
        cmocka_unit_test(test_secret_records_are_wiped),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
