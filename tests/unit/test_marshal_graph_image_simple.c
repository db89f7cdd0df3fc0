// SPDX-License-Identifier: MIT
/*
 * marshal, records that are made straight from what the real function left: of a function whose
 * result is static and leads no further than to text, and that sets a variable, as localtime and
 * getpwuid do. What is given is what was captured, whatever becomes of the real function's memory.
 *
 *     struct user *f(void)    and the variable `zone`
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct user {
    int32_t number; /* and padding */
    const char *name;
    const char *immortal;
    char *shell;
    int16_t kind; /* and padding */
};

static const struct ctype_member user_members[] = {
    TEST_MEMBER(struct user, number, type_i32), TEST_MEMBER(struct user, name, type_text),
    TEST_MEMBER(struct user, immortal, type_text), TEST_MEMBER(struct user, shell, type_text),
    TEST_MEMBER(struct user, kind, type_i16)};
TEST_RECORD(type_user, struct user, user_members);
TEST_POINTER(type_user_pointer, type_user);

static const struct config_field user_field_list[] = {
    TEST_FIELD(struct user, name, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_HOLDER),
    TEST_FIELD(struct user, immortal, .kind = POINTEE_ADDRESS, .lifetime.kind = LIFETIME_IMMORTAL),
    TEST_FIELD(struct user, shell, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_HOLDER)};
TEST_FIELDS(user_fields, type_user, user_field_list);

static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
static const struct config_pointee users = {.kind = POINTEE_ELEMENTS,
                                            .type = &type_user,
                                            .element_size = sizeof(struct user),
                                            .count = {two, 1},
                                            .fields = &user_fields};

static int64_t zone[2];
static struct subject subject;
static struct captured record, other;

/* zone is only set where the call set errno to 0. */
static void describe(void)
{
    static const struct condition_comparison set = {
        .left = {.kind = OPERAND_ERRNO}, .op = CONDITION_EQ, .right = {.kind = OPERAND_INTEGER}};
    static void *const addresses[] = {zone};
    static const struct marshal_bindings bindings = {.globals = addresses};
    static struct config_global global = {"zone",
                                          {.kind = DESCRIBE_MEMORY,
                                           .is_out = true,
                                           .element = &type_i64,
                                           .element_size = sizeof(int64_t),
                                           .count = {two, 1}}};

    global.description.when = (struct config_condition){&set, 1, ""};
    subject_begin(&subject, &type_user_pointer);
    subject.bindings = &bindings;
    subject.function.globals = &global;
    subject.function.n_globals = 1;
    subject.function.captures_errno = true;
    subject.function.result = (struct config_description){.kind = DESCRIBE_MEMORY,
                                                          .is_out = true,
                                                          .element = &type_user,
                                                          .element_size = sizeof(struct user),
                                                          .count = {two, 1},
                                                          .writes = &users,
                                                          .lifetime.kind = LIFETIME_STATIC};
}

static int begin(void **state)
{
    describe();
    subject_finish(&subject);
    return 0;
}

static int end(void **state)
{
    subject_end(&subject);
    return 0;
}

/* A real call, whose memory is gone afterwards. padding: what lies between the members. */
static void call(const char *name, int32_t set_errno, int padding, struct captured *ret)
{
    char named[64], shell[] = "/bin/sh";
    struct user found[2], *result = found;
    struct marshal_call before_it;

    strcpy(named, name);
    memset(found, padding, sizeof(found));
    found[0].number = 7;
    found[0].name = named;
    found[0].immortal = "for good";
    found[0].shell = shell;
    found[0].kind = -1;
    found[1].number = 8;
    found[1].name = NULL;
    found[1].immortal = NULL;
    found[1].shell = named + strlen(named); /* the end of another text */
    found[1].kind = 2;
    zone[0] = 3600;
    zone[1] = -1;
    before(&subject, NULL, &before_it);
    assert_int_equal(after(&subject, NULL, &result, &before_it, set_errno, ret), 0);
    memset(found, 'x', sizeof(found));
    memset(named, 'x', sizeof(named));
    memset(shell, 'x', sizeof(shell));
    zone[0] = zone[1] = 42;
}

static void test_whole(void **state)
{
    struct user *given = NULL, *again = NULL;
    int32_t set_errno;

    call("root", 0, 0x5a, &record);
    assert_int_equal(replay(&subject, &record, NULL, &given, &set_errno), 0);
    assert_int_equal(set_errno, 0);
    assert_int_equal(given[0].number, 7);
    assert_string_equal(given[0].name, "root");
    assert_string_equal(given[0].immortal, "for good");
    assert_string_equal(given[0].shell, "/bin/sh");
    assert_int_equal(given[0].kind, -1);
    assert_int_equal(given[1].number, 8);
    assert_null(given[1].name);
    assert_null(given[1].immortal);
    assert_string_equal(given[1].shell, "");
    assert_int_equal(given[1].kind, 2);
    assert_int_equal(zone[0], 3600);
    assert_int_equal(zone[1], -1);
    /* The program writes to what is its until the next call, texts included. */
    strcpy(given[0].shell, "/bin/no");
    given[0].name = NULL;
    assert_int_equal(replay(&subject, &record, NULL, &again, &set_errno), 0);
    assert_ptr_equal(again, given);
    assert_string_equal(given[0].name, "root");
    assert_string_equal(given[0].shell, "/bin/sh");
}

/* No result, and a variable that was not set. */
static void test_not_there(void **state)
{
    struct user *nobody = NULL, *given = (struct user *)zone;
    struct marshal_call before_it;
    int32_t set_errno;

    before(&subject, NULL, &before_it);
    assert_int_equal(after(&subject, NULL, &nobody, &before_it, 2, &record), 0);
    zone[0] = 42;
    assert_int_equal(replay(&subject, &record, NULL, &given, &set_errno), 0);
    assert_null(given);
    assert_int_equal(set_errno, 2);
    assert_int_equal(zone[0], 42);
}

/* Padding does not count, everything else does. */
static void test_difference(void **state)
{
    int64_t changed = 3601;

    call("root", 0, 0, &record);
    call("root", 0, 0xff, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_NONE);
    call("toor", 0, 0, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_RESULT);
    call("roots", 0, 0, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_RESULT);
    call("root", 5, 0, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_ERRNO);
    call("root", 0, 0, &other);
    for (size_t i = 0; i + sizeof(changed) <= other.n_bytes; i++) {
        static const int64_t as_it_was = 3600;

        if (memcmp(other.bytes + i, &as_it_was, sizeof(as_it_was)) == 0) {
            memcpy(other.bytes + i, &changed, sizeof(changed));
        }
    }
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_GLOBAL);
}

/* What an image has where, and where the three pointers stand in its place: see graph_image.h. */
#define POINTERS_AT 4
#define ABSENT_AT   8
#define WHERES_AT   16
#define WHERES_END  (WHERES_AT + 3 * 4)

static bool is_within(const void *at, const void *memory)
{
    return (uintptr_t)at - (uintptr_t)memory <= record.n_bytes;
}

/* Behind what is taken of the memory, which has a page. */
#define TAKEN_AT 12
#define WATCHED  0x5a

static unsigned char *behind(void *memory)
{
    uint32_t n_taken;

    memcpy(&n_taken, record.bytes + TAKEN_AT, sizeof(n_taken));
    return (unsigned char *)memory + n_taken;
}

/* Refused, and then nothing was touched; or its pointers lead to memory that is for it. */
static bool give_any(void *memory, bool has_wheres)
{
    struct user *given = (struct user *)zone;
    int32_t set_errno;

    zone[0] = 42;
    memset(memory, WATCHED, 1024);
    if (marshal_replay(subject.plan, (struct bytes){record.bytes, record.n_bytes}, NULL, &given,
                       &set_errno) != 0) {
        assert_ptr_equal(given, zone);
        assert_int_equal(zone[0], 42);
        return false;
    }
    for (int i = 0; i < 16; i++) {
        assert_int_equal(behind(memory)[i], WATCHED);
    }
    assert_true(given == NULL || is_within(given, memory));
    if (given == memory && has_wheres) {
        assert_true(is_within(given[0].name, memory));
        assert_true(is_within(given[0].shell, memory));
        assert_true(is_within(given[1].shell, memory));
    }
    return true;
}

static void test_garbage(void **state)
{
    struct user *given;
    int32_t set_errno;
    unsigned n_refused = 0;

    call("root", 0, 0, &record);
    assert_int_equal(replay(&subject, &record, NULL, &given, &set_errno), 0);
    for (size_t n = 0; n < record.n_bytes; n++) {
        struct user *unused;

        assert_int_equal(marshal_replay(subject.plan, (struct bytes){record.bytes, n}, NULL,
                                        &unused, &set_errno),
                         -EBADMSG);
    }
    for (size_t i = 0; i < record.n_bytes; i++) {
        unsigned char before_change = record.bytes[i];

        for (unsigned value = 0; value < 256; value += 5) {
            record.bytes[i] = (unsigned char)value;
            n_refused += !give_any(given, i < WHERES_AT || i >= WHERES_END);
        }
        record.bytes[i] = before_change;
    }
    assert_true(n_refused > 1000);
    assert_true(give_any(given, true));
}

/* What only stands behind the record is no pointer in it. */
static void test_behind(void **state)
{
    static const uint64_t pointer = (uint64_t)1 << 32; /* to the beginning of the place */
    struct user *given;
    int32_t set_errno;
    uint32_t n_taken, where;

    for (uint32_t i = 0; i < 8; i++) {
        call("root", 0, 0, &record);
        memcpy(&n_taken, record.bytes + TAKEN_AT, sizeof(n_taken));
        where = 1u << 24 | (n_taken - i);
        memcpy(record.bytes + WHERES_AT, &where, sizeof(where));
        memcpy(record.bytes + record.n_bytes - i, &pointer, sizeof(pointer));
        assert_int_equal(replay(&subject, &record, NULL, &given, &set_errno), -EBADMSG);
    }
}

static int give_as_it_lies(void)
{
    struct user *given;
    int32_t set_errno;

    return marshal_replay(subject.plan, (struct bytes){record.bytes, record.n_bytes}, NULL, &given,
                          &set_errno);
}

/* A pointer does not stand in a place that is smaller than a pointer, whatever is behind it. */
static void test_too_small(void **state)
{
    static const uint64_t pointer = (uint64_t)1 << 32; /* to the beginning of the place */
    static const uint32_t n_pointers = 1, where = 1u << 24;
    const size_t result_at = WHERES_AT + sizeof(where);
    const size_t place_at = result_at + sizeof(pointer) + sizeof(zone);

    for (uint32_t n_taken = 1; n_taken <= sizeof(pointer); n_taken++) {
        call("root", 0, 0, &record);
        memcpy(record.bytes + POINTERS_AT, &n_pointers, sizeof(n_pointers));
        memcpy(record.bytes + TAKEN_AT, &n_taken, sizeof(n_taken));
        memcpy(record.bytes + WHERES_AT, &where, sizeof(where));
        memcpy(record.bytes + result_at, &pointer, sizeof(pointer));
        memcpy(record.bytes + place_at, &pointer, sizeof(pointer));
        record.n_bytes = place_at + n_taken;
        assert_int_equal(give_as_it_lies(), n_taken < sizeof(pointer) ? -EBADMSG : 0);
    }
}

/* A variable that there is not cannot be absent, in place of one that there is. */
static void test_absent(void **state)
{
    const size_t zone_at = WHERES_END + sizeof(void *);

    for (uint32_t i = 0; i < 32; i++) {
        uint32_t absent = (uint32_t)1 << i;

        call("root", 0, 0, &record);
        memcpy(record.bytes + ABSENT_AT, &absent, sizeof(absent));
        record.n_bytes -= sizeof(zone);
        memmove(record.bytes + zone_at, record.bytes + zone_at + sizeof(zone),
                record.n_bytes - zone_at);
        assert_int_equal(give_as_it_lies(), i == 0 ? 0 : -EBADMSG);
        assert_int_equal(zone[0], 42);
    }
}

/* What does not fit makes no record, whichever part of it that is. */
static void test_limits(void **state)
{
    char name[60];
    struct user found[2] = {{1, name, NULL, NULL, 0}, {2, name, NULL, name, 0}}, *result = found;
    struct marshal_call before_it;
    size_t n_bytes;

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    begin(state);
    before(&subject, NULL, &before_it);
    assert_int_equal(after(&subject, NULL, &result, &before_it, 0, &record), 0);
    n_bytes = record.n_bytes;
    end(state);
    for (size_t limit = 1; limit <= n_bytes; limit++) {
        describe();
        subject.function.max_bytes = limit;
        subject_finish(&subject);
        before(&subject, NULL, &before_it);
        assert_int_equal(after(&subject, NULL, &result, &before_it, 0, &record),
                         limit < n_bytes ? -E2BIG : 0);
        end(state);
    }
}

/* char *f(void), as ctime, whose memory it shares with other functions. */
static void begin_text(uint64_t max_bytes)
{
    subject_begin(&subject, &type_text);
    subject.function.max_bytes = max_bytes;
    subject.function.result =
        (struct config_description){.kind = DESCRIBE_OUT_STRING,
                                    .is_out = true,
                                    .lifetime = {.kind = LIFETIME_STATIC_GROUP, .group = "times"}};
    subject_finish(&subject);
    assert_true(marshal_replays_alone(subject.plan));
}

static void test_text(void **state)
{
    char text[] = "Thu Jan  1", *result = text, *given = NULL, *again = NULL;
    int32_t set_errno;

    begin_text(UINT64_MAX);
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    text[0] = 'x';
    assert_int_equal(replay(&subject, &record, NULL, &given, &set_errno), 0);
    assert_string_equal(given, "Thu Jan  1");
    result = NULL;
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(replay(&subject, &record, NULL, &again, &set_errno), 0);
    assert_null(again);
    assert_string_equal(given, "Thu Jan  1");
    end(state);
}

/* The longest text there may be, and one that is longer. */
static void test_long_text(void **state)
{
    char *text = malloc(MARSHAL_MAX_STRING_BYTES + 2);

    assert_non_null(text);
    begin_text(2 * MARSHAL_MAX_STRING_BYTES);
    for (size_t more = 0; more < 2; more++) {
        struct marshal_buffer buffer;
        struct marshal_call before_it;

        memset(text, 't', MARSHAL_MAX_STRING_BYTES + more);
        text[MARSHAL_MAX_STRING_BYTES + more] = '\0';
        before(&subject, NULL, &before_it);
        marshal_buffer_init(&buffer, false);
        assert_int_equal(marshal_capture(subject.plan, NULL, &text, &before_it,
                                         MARSHAL_ERRNO_UNTOUCHED, &buffer),
                         more == 0 ? 0 : -E2BIG);
        marshal_buffer_fini(&buffer);
    }
    free(text);
    end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_not_there, begin, end),
        cmocka_unit_test_setup_teardown(test_difference, begin, end),
        cmocka_unit_test_setup_teardown(test_garbage, begin, end),
        cmocka_unit_test_setup_teardown(test_behind, begin, end),
        cmocka_unit_test_setup_teardown(test_too_small, begin, end),
        cmocka_unit_test_setup_teardown(test_absent, begin, end),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_long_text),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
