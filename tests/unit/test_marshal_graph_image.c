// SPDX-License-Identifier: MIT
/*
 * marshal, records that lie as they will lie in memory: of a function whose result is static and
 * that sets variables, as localtime does. What is given is what was captured, and nothing else is
 * written, whatever bytes the record has.
 *
 *     struct chain *f(void)    and the variables `sign`, `names` and `current`
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <stdlib.h>
#include <string.h>

#define WATCHED 0x5a

static struct {
    unsigned char before[16];
    int32_t sign;
    unsigned char behind_sign[12];
    const char *names[2];
    unsigned char behind_names[16];
    struct chain current; /* what hangs on it is static, as the result is */
    unsigned char behind[16];
} memory;

static struct subject subject;
static struct captured record, other;

static const struct config_pointee immortal = {.kind = POINTEE_ADDRESS,
                                               .lifetime.kind = LIFETIME_IMMORTAL};
static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
static const struct config_pointee names_pointee = {.kind = POINTEE_ELEMENTS,
                                                    .type = &type_text,
                                                    .element_size = sizeof(char *),
                                                    .count = {two, 1},
                                                    .target = &immortal};
static const struct config_field current_field_list[] = {
    TEST_FIELD(struct chain, name, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_STATIC),
    TEST_FIELD(struct chain, next, .kind = POINTEE_ELEMENTS, .type = &type_chain,
               .element_size = sizeof(struct chain), .fields = &held_chain_fields,
               .lifetime.kind = LIFETIME_STATIC)};
TEST_FIELDS(current_fields, type_chain, current_field_list);
static const struct config_pointee current_pointee = {.kind = POINTEE_ELEMENTS,
                                                      .type = &type_chain,
                                                      .element_size = sizeof(struct chain),
                                                      .fields = &current_fields};

/* names is only set where the call set errno to 0. */
static int begin(void **state)
{
    static const struct condition_comparison set = {
        .left = {.kind = OPERAND_ERRNO}, .op = CONDITION_EQ, .right = {.kind = OPERAND_INTEGER}};
    static void *const addresses[] = {&memory.sign, memory.names, &memory.current};
    static const struct marshal_bindings bindings = {.globals = addresses};
    static struct config_global globals[] = {
        {"sign",
         {.kind = DESCRIBE_MEMORY, .is_out = true, .element = &type_i32, .element_size = 4}},
        {"names",
         {.kind = DESCRIBE_MEMORY,
          .is_out = true,
          .element = &type_text,
          .element_size = sizeof(char *),
          .count = {two, 1},
          .writes = &names_pointee}},
        {"current",
         {.kind = DESCRIBE_MEMORY,
          .is_out = true,
          .element = &type_chain,
          .element_size = sizeof(struct chain),
          .writes = &current_pointee}}};

    globals[1].description.when = (struct config_condition){&set, 1, ""};
    subject_begin(&subject, &type_chain_pointer);
    subject.bindings = &bindings;
    subject.function.globals = globals;
    subject.function.n_globals = 3;
    subject.function.captures_errno = true;
    subject.function.result = result_chain(LIFETIME_STATIC);
    subject_finish(&subject);
    return 0;
}

static int end(void **state)
{
    subject_end(&subject);
    return 0;
}

/* A real call, whose memory is gone afterwards. */
static void call(bool has_result, int32_t set_errno, struct captured *ret)
{
    char name[] = "first", kept[] = "kept";
    struct chain second = {2, NULL, NULL}, first = {1, name, &second}, third = {3, "", NULL};
    struct chain *result = has_result ? &first : NULL;
    struct marshal_call before_it;

    memory.sign = -1;
    memory.names[0] = "CET";
    memory.names[1] = NULL;
    memory.current = (struct chain){7, kept, &third};
    before(&subject, NULL, &before_it);
    assert_int_equal(after(&subject, NULL, &result, &before_it, set_errno, ret), 0);
    memset(name, 'x', sizeof(name) - 1);
    memset(kept, 'x', sizeof(kept) - 1);
}

static int give_copy(const void *bytes, size_t n_bytes, struct chain **ret_given)
{
    unsigned char *copy = malloc(n_bytes > 0 ? n_bytes : 1);
    int32_t set_errno;
    int error;

    memset(&memory, WATCHED, sizeof(memory));
    memset(ret_given, WATCHED, sizeof(*ret_given));
    memcpy(copy, bytes, n_bytes);
    error =
        marshal_replay(subject.plan, (struct bytes){copy, n_bytes}, NULL, ret_given, &set_errno);
    free(copy);
    return error;
}

static bool is_watched(const void *bytes, size_t n_bytes)
{
    const unsigned char *at = bytes;

    while (n_bytes > 0 && *at == WATCHED) {
        at++;
        n_bytes--;
    }
    return n_bytes == 0;
}

static void assert_nothing_beside(void)
{
    assert_true(is_watched(memory.before, sizeof(memory.before)));
    assert_true(is_watched(memory.behind_sign, sizeof(memory.behind_sign)));
    assert_true(is_watched(memory.behind_names, sizeof(memory.behind_names)));
    assert_true(is_watched(memory.behind, sizeof(memory.behind)));
    /* Padding of memory that is not ours. */
    assert_true(is_watched((char *)&memory.current + sizeof(int32_t), 4));
}

static void test_whole(void **state)
{
    struct chain *given, *again;

    call(true, 0, &record);
    assert_int_equal(give_copy(record.bytes, record.n_bytes, &given), 0);
    assert_nothing_beside();
    assert_int_equal(given->value, 1);
    assert_string_equal(given->name, "first");
    assert_int_equal(given->next->value, 2);
    assert_null(given->next->name);
    assert_null(given->next->next);
    assert_int_equal(memory.sign, -1);
    assert_string_equal(memory.names[0], "CET");
    assert_null(memory.names[1]);
    assert_int_equal(memory.current.value, 7);
    assert_string_equal(memory.current.name, "kept");
    assert_int_equal(memory.current.next->value, 3);
    assert_string_equal(memory.current.next->name, "");
    assert_null(memory.current.next->next);
    given->value = 17; /* the program writes to what is its until the next call */
    assert_int_equal(give_copy(record.bytes, record.n_bytes, &again), 0);
    assert_ptr_equal(again, given);
    assert_int_equal(given->value, 1);
}

/* No result, and a variable that was not set. */
static void test_not_there(void **state)
{
    struct chain *given;

    call(false, 5, &record);
    assert_int_equal(give_copy(record.bytes, record.n_bytes, &given), 0);
    assert_null(given);
    assert_nothing_beside();
    assert_true(is_watched(memory.names, sizeof(memory.names)));
    assert_string_equal(memory.current.name, "kept");
}

/* What is made is the same wherever on the stack it was made. */
__attribute__((noinline)) static void call_further_down(struct captured *ret)
{
    volatile char room[1000];

    room[0] = 0;
    call(true, 0, ret);
    room[1] = room[0];
}

static void test_difference(void **state)
{
    call(true, 0, &record);
    call_further_down(&other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_NONE);
    call(false, 0, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_RESULT);
    call(true, 5, &other);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_ERRNO);
}

/* Which variable differs, whether one before it was set or not. */
static void test_difference_of_variables(void **state)
{
    static const int32_t seven = 7, eight = 8;

    for (int32_t set_errno = 0; set_errno < 2; set_errno++) {
        struct marshal_difference found;
        unsigned char *at;

        call(true, set_errno, &record);
        call(true, set_errno, &other);
        at = memmem(other.bytes, other.n_bytes, &seven, sizeof(seven));
        assert_non_null(at);
        memcpy(at, &eight, sizeof(eight));
        found = marshal_compare(subject.plan, (struct bytes){record.bytes, record.n_bytes},
                                (struct bytes){other.bytes, other.n_bytes}, NULL);
        assert_int_equal(found.part, MARSHAL_PART_GLOBAL);
        assert_int_equal(found.index, 2);
    }
}

/* Refused, and then nothing was touched; or all that was written lies where it may. */
static int give_any(const void *bytes, size_t n_bytes)
{
    struct chain *given;
    int error = give_copy(bytes, n_bytes, &given);

    if (error != 0) {
        assert_true(is_watched(&memory, sizeof(memory)));
        assert_true(is_watched(&given, sizeof(given)));
    } else {
        memset((char *)&memory.current + sizeof(int32_t), WATCHED, 4);
        assert_nothing_beside();
    }
    return error;
}

static void test_garbage(void **state)
{
    static const unsigned char others[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, 'C', 'P', '-'};
    static unsigned char noise[RECORD_ROOM];
    uint64_t draw = 0x5eed;
    unsigned n_refused = 0;

    call(true, 0, &record);
    for (size_t n = 0; n < record.n_bytes; n++) {
        assert_int_not_equal(give_any(record.bytes, n), 0);
    }
    record.bytes[record.n_bytes] = 0;
    assert_int_equal(give_any(record.bytes, record.n_bytes + 1), -EBADMSG);
    for (size_t i = 0; i < record.n_bytes; i++) {
        unsigned char before_change = record.bytes[i];

        for (size_t k = 0; k < sizeof(others); k++) {
            record.bytes[i] = others[k];
            n_refused += give_any(record.bytes, record.n_bytes) != 0;
        }
        record.bytes[i] = before_change;
    }
    assert_true(n_refused > record.n_bytes);
    for (int round = 0; round < 20000; round++) {
        memcpy(noise, record.bytes, record.n_bytes);
        for (int i = 0; i < 4; i++) {
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            noise[(draw >> 40) % record.n_bytes] = (unsigned char)(draw >> 32);
        }
        give_any(noise, record.n_bytes);
    }
}

/* int32_t *f(int32_t n), of n static elements: a pointer to none of them is one all the same. */
static void test_no_elements(void **state)
{
    static const struct count_step by_argument[] = {{.kind = COUNT_PARAMETER}};
    static const struct config_pointee elements = {.kind = POINTEE_ELEMENTS,
                                                   .type = &type_i32,
                                                   .element_size = sizeof(int32_t),
                                                   .count = {by_argument, 1}};
    int32_t n = 0, behind = 3, set_errno;
    int32_t *result = &behind, *given = NULL, *again = NULL;
    void *arguments[] = {&n};

    subject_begin(&subject, &type_i32_pointer);
    subject_add(&subject, &type_i32, as_value);
    subject.function.result = (struct config_description){.kind = DESCRIBE_MEMORY,
                                                          .is_out = true,
                                                          .element = &type_i32,
                                                          .element_size = sizeof(int32_t),
                                                          .count = {by_argument, 1},
                                                          .writes = &elements,
                                                          .lifetime.kind = LIFETIME_STATIC};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, arguments, &result, &record), 0);
    assert_int_equal(replay(&subject, &record, arguments, &given, &set_errno), 0);
    assert_non_null(given);
    n = 1;
    assert_int_equal(capture(&subject, arguments, &result, &record), 0);
    assert_int_equal(replay(&subject, &record, arguments, &again, &set_errno), 0);
    assert_ptr_equal(again, given);
    assert_int_equal(*again, behind);
    subject_end(&subject);
}

/* Of a secret that was captured nothing stays where the buffer was. */
static void test_secret(void **state)
{
    static char secret[sizeof(((struct marshal_buffer *)0)->room)];
    struct chain found = {1, secret, NULL}, *result = &found;
    struct marshal_buffer buffer;
    struct marshal_call before_it;

    subject_begin(&subject, &type_chain_pointer);
    subject.function.has_secret_out = true;
    subject.function.result = result_chain(LIFETIME_STATIC);
    subject_finish(&subject);
    for (size_t n = 4; n < sizeof(secret); n++) {
        memset(secret, 's', n);
        memset(&buffer, 0, sizeof(buffer));
        before(&subject, NULL, &before_it);
        marshal_buffer_init(&buffer, true);
        assert_int_equal(marshal_capture(subject.plan, NULL, &result, &before_it,
                                         MARSHAL_ERRNO_UNTOUCHED, &buffer),
                         0);
        marshal_buffer_fini(&buffer);
        assert_null(memmem(buffer.room, sizeof(buffer.room), "ssss", 4));
    }
    subject_end(&subject);
}

/* Of a variable of very many pointers there is none: it would take too long to make. */
static void test_many_pointers(void **state)
{
    static char *many[65535];
    static void *const addresses[] = {many};
    static const struct marshal_bindings bindings = {.globals = addresses};
    static const struct config_pointee text = {
        .kind = POINTEE_TEXT, .element_size = 1, .lifetime.kind = LIFETIME_STATIC};
    struct count_step number = {.kind = COUNT_NUMBER};
    struct config_pointee texts = {.kind = POINTEE_ELEMENTS,
                                   .type = &type_text,
                                   .element_size = sizeof(char *),
                                   .count = {&number, 1},
                                   .target = &text};
    struct config_global global = {"many",
                                   {.kind = DESCRIBE_MEMORY,
                                    .is_out = true,
                                    .element = &type_text,
                                    .element_size = sizeof(char *),
                                    .count = {&number, 1},
                                    .writes = &texts}};

    for (number.number = 1000; number.number < 65536; number.number += 64535) {
        subject_begin(&subject, &type_void);
        subject.bindings = &bindings;
        subject.function.globals = &global;
        subject.function.n_globals = 1;
        subject_finish(&subject);
        assert_true(marshal_replays_alone(subject.plan) == (number.number == 1000));
        subject_end(&subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_not_there, begin, end),
        cmocka_unit_test_setup_teardown(test_difference, begin, end),
        cmocka_unit_test_setup_teardown(test_difference_of_variables, begin, end),
        cmocka_unit_test_setup_teardown(test_garbage, begin, end),
        cmocka_unit_test(test_no_elements),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_many_pointers),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
