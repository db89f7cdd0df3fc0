// SPDX-License-Identifier: MIT
/*
 * marshal: what a plan is given that was found in the process: variables that a function sets, and
 * accessors that tell what a handle is.
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <stdlib.h>
#include <string.h>

static struct captured record, other;

static void test_globals(void **state)
{
    static int32_t sign = 1;
    static const char *names[2] = {"CET", "CEST"};
    void *const addresses_of_globals[] = {&sign, names};
    static const struct count_step two_steps[] = {{.kind = COUNT_NUMBER, .number = 2}};
    static const struct config_pointee immortal = {.kind = POINTEE_ADDRESS,
                                                   .lifetime.kind = LIFETIME_IMMORTAL};
    static const struct config_pointee immortal_names = {.kind = POINTEE_ELEMENTS,
                                                         .type = &type_text,
                                                         .element_size = sizeof(char *),
                                                         .count = {two_steps, 1},
                                                         .target = &immortal};
    const struct config_global globals[] = {
        {"signgam",
         {.kind = DESCRIBE_MEMORY, .is_out = true, .element = &type_i32, .element_size = 4}},
        {"tzname",
         {.kind = DESCRIBE_MEMORY,
          .is_out = true,
          .element = &type_text,
          .element_size = sizeof(char *),
          .count = immortal_names.count,
          .writes = &immortal_names}}};
    const struct marshal_bindings bindings = {.globals = addresses_of_globals};
    const char *before_call[2] = {names[0], names[1]}, *text = "abc";
    void *arguments[] = {&text};
    double result = 1.5, given;
    struct subject subject;

    subject_begin(&subject, &type_double);
    subject.bindings = &bindings;
    subject.function.globals = globals;
    subject.function.n_globals = 2;
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    sign = -1;
    assert_int_equal(capture(&subject, arguments, &result, &record), 0);
    sign = 7;
    names[1] = NULL;
    assert_int_equal(capture(&subject, arguments, &result, &other), 0);
    assert_int_equal(difference(&subject, &record, &other, arguments), MARSHAL_PART_GLOBAL);
    assert_int_equal(give(&subject, &record, arguments, &given), 0);
    assert_int_equal(sign, -1);
    assert_ptr_equal(names[0], before_call[0]);
    assert_ptr_equal(names[1], before_call[1]);
    assert_true(given == 1.5);
    /* An argument that lies in a variable that is set. */
    sign = 0x00636261;
    text = (const char *)&sign;
    assert_int_equal(same_key(&subject, arguments, arguments), -ENOTSUP);
    subject_end(&subject);

    subject_begin(&subject, &type_double);
    subject.function.globals = globals;
    subject.function.n_globals = 1;
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason, "a variable that it sets is not in the process");
    subject_end(&subject);
}

/* As localtime(&timezone): where what is read lies in what is set there is no key, else there is.
 */
static void test_read_beside_globals(void **state)
{
    static struct {
        uint64_t before, low, between, high, behind, far;
    } memory;
    void *const addresses_of_globals[] = {&memory.high, &memory.low};
    static const struct config_description set = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element = &type_u64, .element_size = 8};
    static const struct config_description read = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element = &type_u32, .element_size = 4};
    const struct config_global globals[] = {{"high", set}, {"low", set}};
    const struct marshal_bindings bindings = {.globals = addresses_of_globals};
    const char *argument = NULL;
    void *arguments[] = {&argument};
    struct subject subject;

    subject_begin(&subject, &type_i32);
    subject.bindings = &bindings;
    subject.function.globals = globals;
    subject.function.n_globals = 2;
    subject_add(&subject, &type_pointer, read);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, arguments, arguments), 1);
    for (argument = (char *)&memory.before; argument < (char *)&memory.far; argument++) {
        bool meets_low = argument > (char *)&memory.low - 4 && argument < (char *)&memory.between;
        bool meets_high = argument > (char *)&memory.high - 4 && argument < (char *)&memory.behind;

        assert_int_equal(same_key(&subject, arguments, arguments),
                         meets_low || meets_high ? -ENOTSUP : 1);
    }
    subject_end(&subject);
}

static const char *name_of(const void *handle)
{
    return *(const char *const *)handle;
}

static void test_handles(void **state)
{
    const char *(*const accessors[])(const void *) = {name_of};
    const struct marshal_bindings bindings = {.accessors = accessors};
    const struct config_description via = {.kind = DESCRIBE_VIA, .accessor = "name_of"};
    const char *a = "sha1", *b = strdup("sha1"), *c = "md5", *d = NULL, *e = "";
    const char *const *handles[] = {&a, &b, &c, &d, &e, NULL};
    struct subject subject;

    subject_begin(&subject, &type_i32);
    subject.bindings = &bindings;
    subject_add(&subject, &type_pointer, via);
    subject_finish(&subject);
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            assert_int_equal(same_key_of(&subject, handles[i], handles[k]), i == k || i + k == 1);
        }
    }
    free((char *)b);
    subject_end(&subject);

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_pointer, via);
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_read_beside_globals),
        cmocka_unit_test(test_handles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
