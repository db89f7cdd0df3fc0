// SPDX-License-Identifier: MIT
/*
 * marshal, records: what a call gave is captured and given back to another caller, and a record
 * that is not whole is refused without a byte being written.
 */
#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RECORD_ROOM 65536

/* One captured call: key, record and what a replay needs. */
struct captured {
    size_t n_bytes;
    unsigned char bytes[RECORD_ROOM];
};

/* The part of a call before the real function: counts that are known by then. */
static void before(struct subject *subject, void *const *arguments, struct marshal_call *call)
{
    struct marshal_buffer key;

    marshal_buffer_init(&key, false);
    assert_int_equal(marshal_key(subject->plan, arguments, NULL, &key, call), 0);
    marshal_buffer_fini(&key);
}

static int after(struct subject *subject, void *const *arguments, const void *result,
                 const struct marshal_call *call, int32_t set_errno, struct captured *ret)
{
    struct marshal_buffer record;
    int error;

    marshal_buffer_init(&record, false);
    error = marshal_capture(subject->plan, arguments, result, call, set_errno, &record);
    if (error == 0) {
        assert_true(record.n_bytes <= sizeof(ret->bytes));
        if (marshal_record_bytes(subject->plan) != 0) {
            assert_int_equal(record.n_bytes, marshal_record_bytes(subject->plan));
        }
        memcpy(ret->bytes, record.data, record.n_bytes);
        ret->n_bytes = record.n_bytes;
    }
    marshal_buffer_fini(&record);
    return error;
}

/* A replay from memory of exactly the record's size. */
static int replay(struct subject *subject, const struct captured *record, void *const *arguments,
                  void *result, int32_t *ret_errno)
{
    unsigned char *copy = malloc(record->n_bytes > 0 ? record->n_bytes : 1);
    int error;

    memcpy(copy, record->bytes, record->n_bytes);
    error = marshal_replay(subject->plan, (struct bytes){copy, record->n_bytes}, arguments, result,
                           ret_errno);
    free(copy);
    return error;
}

static const struct config_description as_value = {.kind = DESCRIBE_VALUE};
static const struct config_description as_string = {.kind = DESCRIBE_STRING, .is_in = true};
static const struct config_description as_scratch = {.kind = DESCRIBE_SCRATCH};
static const struct config_description result_static = {
    .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime = LIFETIME_STATIC};

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
    assert_int_equal(marshal_record_bytes(subject.plan), 8);
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

static void test_static_text_lives_as_long_as_the_thread(void **state)
{
    struct subject subject;
    struct other_thread other = {.subject = &subject};
    unsigned char in_memory;
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
    /* And no longer. */
    assert_int_equal(mincore((void *)((uintptr_t)other.text & ~(pages_size() - 1)), 1, &in_memory),
                     -1);
    assert_int_equal(errno, ENOMEM);
    pthread_key_delete(key);
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
        .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime = LIFETIME_INTO};
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
        .kind = DESCRIBE_OFFSET, .is_out = true, .lifetime = LIFETIME_INTO};
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

/* ---- memory that is written ------------------------------------------------------------------ */

static const struct count_step pointee_1[] = {{COUNT_POINTEE, 1, 0}};
static const struct count_step returned[] = {{COUNT_RETURN, 0, 0}};

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
    static const struct count_step n_steps[] = {{COUNT_PARAMETER, 0, 0}};
    static const struct count_step two[] = {{COUNT_NUMBER, 0, 2}};
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
        cmocka_unit_test(test_static_text_lives_as_long_as_the_thread),
        cmocka_unit_test(test_text_too_long_is_not_captured),
        cmocka_unit_test(test_text_into_an_argument),
        cmocka_unit_test(test_offset_into_text),
        cmocka_unit_test(test_length_that_the_call_changes),
        cmocka_unit_test(test_length_that_is_returned),
        cmocka_unit_test(test_count_beyond_the_bounds_is_not_captured),
        cmocka_unit_test(test_overlapping_outputs),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_secret_records_are_wiped),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
