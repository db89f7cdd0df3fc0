// SPDX-License-Identifier: MIT
/*
 * marshal: what shared inputs were found to be stands for them in keys, and is believed for a
 * while: which of it, for how long, and what becomes of keys when there is no more room for it.
 */
#include "inputs_subject.h"

#include "base/clock.h"

#include <stdlib.h>

static struct config_input variable_and_file[] = {{INPUT_VARIABLE, "env:WHERE", "WHERE"},
                                                  {INPUT_FILE, "file:f", file}};

static int begin_driven(void **state)
{
    remove_file();
    driven_ns = 5000000000;
    clock_use_vdso(driven_gettime);
    begin(variable_and_file, 2, 1000000000);
    return 0;
}

static int end_driven(void **state)
{
    subject_end(&subject);
    clock_use_vdso(NULL);
    return unsetenv("WHERE");
}

static struct key key_at(const char *where)
{
    setenv("WHERE", where, 1);
    return key_now();
}

/* A program may go to and fro between two: neither makes the other's look be forgotten. */
static void test_each_is_believed(void **state)
{
    struct key a = key_at("a"), b = key_at("b"), again;

    write_file();
    driven_ns += 900000000;
    for (int i = 0; i < 3; i++) {
        again = key_at("a");
        assert_true(same(&a, &again));
        again = key_at("b");
        assert_true(same(&b, &again));
    }
    assert_false(same(&a, &b));
}

/* Each for so long as it was said to be, and no longer. */
static void test_each_is_looked_at(void **state)
{
    struct key a = key_at("a"), b, there;

    driven_ns += 500000000;
    b = key_at("b");
    write_file();
    settle();
    driven_ns += 600000000; /* a's look is over, not b's */
    there = key_at("b");
    assert_true(same(&b, &there));
    there = key_at("a");
    assert_false(same(&a, &there));
    driven_ns += 500000000;
    there = key_at("b");
    assert_false(same(&b, &there));
}

/* The latest look counts, however lately another one said something else. */
static void test_a_change_back(void **state)
{
    struct key a = key_at("a"), there;

    write_file();
    settle();
    driven_ns += 1100000000;
    there = key_at("a");
    assert_false(same(&a, &there));
    remove_file();
    assert_int_equal(capture_after(change_nothing), -ESTALE); /* which looks */
    key_at("b");
    there = key_at("a");
    assert_true(same(&a, &there));
}

static void test_a_forked_child_looks_itself(void **state)
{
    struct key a = key_at("a"), there;

    write_file();
    settle();
    there = key_at("a");
    assert_true(same(&a, &there));
    marshal_after_fork(subject.plan);
    there = key_at("a");
    assert_false(same(&a, &there));
}

/* More values than there is room for, each with a key of its own, the same whenever it comes. */
static void test_no_room(void **state)
{
    enum {
        N_VALUES = 400
    };
    struct config_input input = {INPUT_VARIABLE, "env:WHERE", "WHERE"};
    static struct key keys[N_VALUES];
    unsigned n_short = 0;
    char value[32], shown[64];

    begin(&input, 1, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N_VALUES; i++) {
            struct key key;

            snprintf(value, sizeof(value), "number %03d", i);
            snprintf(shown, sizeof(shown), "x=7, env:WHERE=\"%s\"", value);
            key = key_at(value);
            expect_shown(shown);
            if (round == 0) {
                keys[i] = key;
                n_short += key.n_bytes == sizeof(int) + 4;
            }
            assert_true(same(&keys[i], &key));
        }
    }
    for (int i = 0; i < N_VALUES; i++) {
        for (int k = 0; k < i; k++) {
            assert_false(same(&keys[i], &keys[k]));
        }
    }
    assert_in_range(n_short, 20, N_VALUES - 20);
    assert_int_equal(capture_after(change_nothing), 0);
    subject_end(&subject);
    unsetenv("WHERE");
}

static struct key key_of(void *const *arguments)
{
    struct marshal_buffer buffer;
    struct marshal_call call;
    struct key key = {0};

    marshal_buffer_init(&buffer, false);
    assert_int_equal(marshal_key(subject.plan, arguments, NULL, &buffer, &call), 0);
    key.n_bytes = buffer.n_bytes;
    memcpy(key.bytes, buffer.data, buffer.n_bytes);
    marshal_buffer_fini(&buffer);
    return key;
}

/*
 * A key that is put together in words is the one that takes a look at the inputs, part by part.
 * f(a, *b, *c) with parts that lie across words.
 */
static void test_in_words(void **state)
{
    static const struct config_input input = {INPUT_VARIABLE, "env:WHERE", "WHERE"};
    static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
    static const struct config_description word = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element = &type_u64, .element_size = 8};
    static const struct config_description pair = {.kind = DESCRIBE_MEMORY,
                                                   .is_in = true,
                                                   .element = &type_u16,
                                                   .element_size = 2,
                                                   .count = {two, 1}};
    const unsigned char wanted[] = {0x11, 'K',  0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
                                    'K',  0x32, 0x33, 0x34, 0x35, 1,    0,    0,    0};
    int8_t a = 0x11;
    uint64_t b = 0x2928272625242322;
    uint16_t c[2] = {0x3332, 0x3534};
    const void *to_b = &b, *to_c = c;
    void *arguments[] = {&a, &to_b, &to_c};
    struct key looked, put, null;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i8, as_value);
    subject_add(&subject, &type_pointer, word);
    subject_add(&subject, &type_pointer, pair);
    subject.function.inputs = &input;
    subject.function.n_inputs = 1;
    subject_finish(&subject);
    setenv("WHERE", "here", 1);
    looked = key_of(arguments);
    put = key_of(arguments);
    assert_true(same(&looked, &put));
    assert_int_equal(put.n_bytes, sizeof(wanted));
    assert_memory_equal(put.bytes, wanted, sizeof(wanted));
    to_b = NULL;
    null = key_of(arguments);
    assert_false(same(&null, &put));
    assert_int_equal(null.n_bytes, sizeof(wanted) - 8);
    subject_end(&subject);
    unsetenv("WHERE");
}

/* Nothing is told by where the environment lies: what is in it may be changed at any time. */
static void test_changed_in_place(void **state)
{
    static const struct config_input input = {INPUT_ZONE, "tz", ""};
    static char zone[] = "TZ=EST5", other[] = "TZ=EST6", folder_text[] = "TZDIR=/a";
    static char *both[] = {folder_text, zone, other, NULL};
    char **environment = environ;
    struct key before, key;

    begin(&input, 1, 3600000000000);
    environ = both;
    before = key_now();
    expect_shown_begin("x=7, tz=\"EST5\" in \"/a\" (");
    zone[3] = 'C';
    key = key_now();
    assert_false(same(&before, &key));
    zone[3] = 'E';
    key = key_now();
    assert_true(same(&before, &key));
    zone[1] = 'X';
    expect_shown_begin("x=7, tz=\"EST6\" in \"/a\" (");
    other[2] = '\0';
    expect_shown_begin("x=7, tz=(not set) in \"/a\" (");
    folder_text[5] = '-';
    expect_shown_begin("x=7, tz=(not set) in (not set) (");
    environ = NULL;
    expect_shown_begin("x=7, tz=(not set) in (not set) (");
    environ = environment;
    subject_end(&subject);
}

/* All that shows of the zone that libc holds, without a word of TZ. */
static void test_what_libc_holds(void **state)
{
    static const struct config_input input = {INPUT_ZONE, "tz", ""};
    static char other[] = "OTH";
    char *names[] = {tzname[0], tzname[1]};
    long west = timezone;
    int summer = daylight;
    struct key before, changed[4], again;

    begin(&input, 1, 3600000000000);
    before = key_now();
    for (int i = 0; i < 4; i++) {
        tzname[0] = i == 0 ? other : names[0];
        tzname[1] = i == 1 ? other : names[1];
        timezone = west + (i == 2);
        daylight = summer + (i == 3);
        changed[i] = key_now();
        assert_false(same(&before, &changed[i]));
        for (int k = 0; k < i; k++) {
            assert_false(same(&changed[k], &changed[i]));
        }
    }
    daylight = summer;
    again = key_now();
    assert_true(same(&before, &again));
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_is_believed, begin_driven, end_driven),
        cmocka_unit_test_setup_teardown(test_each_is_looked_at, begin_driven, end_driven),
        cmocka_unit_test_setup_teardown(test_a_change_back, begin_driven, end_driven),
        cmocka_unit_test_setup_teardown(test_a_forked_child_looks_itself, begin_driven, end_driven),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_in_words),
        cmocka_unit_test(test_changed_in_place),
        cmocka_unit_test(test_what_libc_holds),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
