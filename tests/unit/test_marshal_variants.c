// SPDX-License-Identifier: MIT
/*
 * marshal: alternatives. What a parameter or a result means hangs on the arguments: the choice is
 * part of the key, and decides what is captured and how it is given again.
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <string.h>

static struct captured record, other;

/*
 * char *f(const char *path, char *buffer), as realpath: with a buffer the result is that, without
 * one it is the caller's.
 */
static const struct condition_comparison no_buffer = {
    .left = {.kind = OPERAND_PARAMETER, .parameter = 1, .type = &type_text},
    .op = CONDITION_EQ,
    .right = {.kind = OPERAND_NULL}};
static const struct condition_comparison a_buffer = {
    .left = {.kind = OPERAND_PARAMETER, .parameter = 1, .type = &type_text},
    .op = CONDITION_NE,
    .right = {.kind = OPERAND_NULL}};

static void realpath_begin(struct subject *subject)
{
    static const struct config_description results[] = {
        {.kind = DESCRIBE_OUT_STRING,
         .is_out = true,
         .lifetime.kind = LIFETIME_CALLER,
         .condition = {&no_buffer, 1, "buffer == NULL"}},
        {.kind = DESCRIBE_OUT_STRING,
         .is_out = true,
         .lifetime = {.kind = LIFETIME_INTO, .parameter = 1},
         .condition = {&a_buffer, 1, "buffer != NULL"}}};

    heap_reset();
    subject_begin(subject, &type_text);
    subject->bindings = &heap_bindings;
    subject_add(subject, &type_text, as_string);
    subject_add(subject, &type_text, as_scratch);
    subject->function.result = (struct config_description){
        DESCRIBE_ALTERNATIVES, .alternatives = results, .n_alternatives = 2};
    subject_finish(subject);
}

static void test_result_by_argument(void **state)
{
    const char *path = "/a/../b";
    char real[] = "/b", room[64], *buffer = NULL, *result = real, *given = NULL;
    char real_room[64] = "/b", *real_buffer = real_room;
    void *without[] = {&path, &buffer}, *with[] = {&path, &real_buffer};
    struct subject subject;

    realpath_begin(&subject);
    assert_int_equal(same_key(&subject, without, without), 1);
    assert_int_equal(same_key(&subject, without, with), 0);
    assert_int_equal(capture(&subject, without, &result, &record), 0);
    assert_int_equal(give(&subject, &record, without, &given), 0);
    assert_string_equal(given, "/b");
    assert_int_equal(heap.n_allocated, 1);
    free(given);

    result = real_room;
    assert_int_equal(capture(&subject, with, &result, &other), 0);
    memset(room, 'x', sizeof(room));
    real_buffer = room;
    assert_int_equal(give(&subject, &other, with, &given), 0);
    assert_ptr_equal(given, room);
    assert_string_equal(room, "/b");
    assert_int_equal(heap.n_allocated, 1);
    /* A record of the one is none of the other. */
    assert_int_equal(give(&subject, &other, without, &given), -EBADMSG);
    assert_int_equal(give(&subject, &record, with, &given), -EBADMSG);
    assert_int_equal(difference(&subject, &record, &other, with), MARSHAL_PART_RESULT);
    assert_int_equal(difference(&subject, &record, &record, without), MARSHAL_PART_NONE);
    subject_end(&subject);
}

/* int f(int kind, const void *value): an integer, or text. */
static const struct condition_comparison kinds[] = {
    {.left = {.kind = OPERAND_PARAMETER, .parameter = 0, .type = &type_i32},
     .op = CONDITION_EQ,
     .right = {.kind = OPERAND_INTEGER, .integer = 1}},
    {.left = {.kind = OPERAND_PARAMETER, .parameter = 0, .type = &type_i32},
     .op = CONDITION_EQ,
     .right = {.kind = OPERAND_INTEGER, .integer = 2}}};
static const struct config_description values[] = {
    {.kind = DESCRIBE_MEMORY,
     .is_in = true,
     .element = &type_i32,
     .element_size = 4,
     .condition = {&kinds[0], 1, ""}},
    {.kind = DESCRIBE_STRING, .is_in = true, .condition = {&kinds[1], 1, ""}}};
static const struct config_description by_kind = {
    .kind = DESCRIBE_ALTERNATIVES, .alternatives = values, .n_alternatives = 2};

static void test_parameter_by_another(void **state)
{
    int32_t integer = 1, kind = 1, other_kind = 2;
    const char *a = (const char *)&integer, *b = "abc", *c = "abd";
    void *one[] = {&kind, &a}, *two[] = {&other_kind, &b}, *three[] = {&other_kind, &c};
    struct marshal_buffer key;
    struct marshal_call call;
    struct subject subject;
    char text[200];

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32, as_value);
    subject_add(&subject, &type_pointer, by_kind);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, one, one), 1);
    assert_int_equal(same_key(&subject, one, two), 0);
    assert_int_equal(same_key(&subject, two, three), 0);
    marshal_buffer_init(&key, false);
    assert_int_equal(marshal_key(subject.plan, two, NULL, &key, &call), 0);
    assert_int_equal(call.variant, 1);
    marshal_show_key(subject.plan, (struct bytes){key.data, key.n_bytes}, text, sizeof(text));
    assert_string_equal(text, "x=2, x=\"abc\"");
    marshal_buffer_fini(&key);
    kind = 3; /* nothing that is described */
    assert_int_equal(same_key(&subject, one, one), -ENOTSUP);
    subject_end(&subject);
}

/* A record of one way is none of another, though it looks the same. */
static void test_records_of_other_choices(void **state)
{
    struct config_description same[2] = {values[0], values[0]};
    int32_t integer = 1, kind = 1;
    const void *pointer = &integer;
    void *arguments[] = {&kind, &pointer};
    struct subject subject;
    int64_t result = 3;

    same[1].condition = values[1].condition;
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32, as_value);
    subject_add(&subject, &type_pointer,
                (struct config_description){DESCRIBE_ALTERNATIVES, .alternatives = same,
                                            .n_alternatives = 2});
    subject_finish(&subject);
    assert_int_equal(capture(&subject, arguments, &result, &record), 0);
    assert_int_equal(give(&subject, &record, arguments, &result), 0);
    kind = 2;
    assert_int_equal(give(&subject, &record, arguments, &result), -EBADMSG);
    subject_end(&subject);
}

/* After the call the arguments may say something else: what was chosen before it counts. */
static void test_choice_stays(void **state)
{
    static const struct condition_hop hop = {.end_bytes = 4};
    static const struct condition_comparison comparisons[] = {
        {.left = {.kind = OPERAND_PARAMETER,
                  .parameter = 0,
                  .hops = &hop,
                  .n_hops = 1,
                  .type = &type_i32},
         .op = CONDITION_EQ,
         .right = {.kind = OPERAND_INTEGER, .integer = 1}},
        {.left = {.kind = OPERAND_INTEGER, .integer = 0},
         .op = CONDITION_EQ,
         .right = {.kind = OPERAND_INTEGER, .integer = 0}}};
    static const struct config_description outs[] = {
        {.kind = DESCRIBE_MEMORY,
         .is_out = true,
         .element = &type_i32,
         .element_size = 4,
         .condition = {&comparisons[0], 1, ""}},
        {.kind = DESCRIBE_SCRATCH, .condition = {&comparisons[1], 1, ""}}};
    struct config_description mode = {.kind = DESCRIBE_MEMORY,
                                      .is_in = true,
                                      .is_out = true,
                                      .element = &type_i32,
                                      .element_size = 4};
    int32_t real_mode = 1, real_out = 5, given_mode = 1, given_out = 0;
    int32_t *a = &real_mode, *b = &real_out, *c = &given_mode, *d = &given_out;
    void *real[] = {&a, &b}, *given[] = {&c, &d};
    struct marshal_call call;
    struct subject subject;
    int64_t result = 0;
    int32_t set_errno;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32_pointer, mode);
    subject_add(&subject, &type_i32_pointer,
                (struct config_description){DESCRIBE_ALTERNATIVES, .alternatives = outs,
                                            .n_alternatives = 2});
    subject_finish(&subject);
    before(&subject, real, &call);
    real_mode = 9;
    assert_int_equal(after(&subject, real, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record), 0);
    assert_int_equal(give(&subject, &record, given, &result), 0);
    assert_int_equal(given_mode, 9);
    assert_int_equal(given_out, 5);
    given_mode = 8;
    given_out = 0;
    assert_int_equal(marshal_replay_after(subject.plan,
                                          (struct bytes){record.bytes, record.n_bytes}, &call,
                                          given, &result, &set_errno),
                     0);
    assert_int_equal(given_out, 5);
    subject_end(&subject);
}

static void test_secrets_and_rules(void **state)
{
    const struct config_match match = {0, 1};
    const struct config_invalidation rule = {
        .kind = INVALIDATE_ON_CALL, .matches = &match, .n_matches = 1};
    struct config_description choices[2] = {values[0], values[1]};
    int32_t kind = 2;
    const char *a = "abc", *b = "abd";
    void *one[] = {&kind, &a}, *two[] = {&kind, &b};
    struct subject subject;

    subject_begin(&subject, &type_i32);
    subject.function.has_secret = true;
    choices[1].is_secret = true;
    subject_add(&subject, &type_i32, as_value);
    subject_add(&subject, &type_pointer,
                (struct config_description){DESCRIBE_ALTERNATIVES, .alternatives = choices,
                                            .n_alternatives = 2});
    subject_finish(&subject);
    assert_int_equal(marshal_key_bytes(subject.plan), 16);
    assert_int_equal(same_key(&subject, one, two), 0);
    assert_int_equal(same_key(&subject, one, one), 1);
    subject_end(&subject);

    subject_begin(&subject, &type_i32);
    subject.function.invalidations = &rule;
    subject.function.n_invalidations = 1;
    subject_add(&subject, &type_i32, as_value);
    subject_add(&subject, &type_pointer, by_kind);
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason, "a rule of invalidation matches what is no plain value");
    subject_end(&subject);

    subject_begin(&subject, &type_i32);
    for (int i = 0; i < 7; i++) { /* two to the seventh */
        subject_add(&subject, &type_pointer, by_kind);
    }
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason, "its alternatives can fall in more than 64 ways");
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_by_argument),
        cmocka_unit_test(test_parameter_by_another),
        cmocka_unit_test(test_records_of_other_choices),
        cmocka_unit_test(test_choice_stays),
        cmocka_unit_test(test_secrets_and_rules),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
