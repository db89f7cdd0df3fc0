// SPDX-License-Identifier: MIT
/*
 * marshal: the state of files as a part of keys, how often it is looked at, and which file is that
 * of a time zone.
 */
#include "inputs_subject.h"

#include "base/clock.h"

/* ---- files ----------------------------------------------------------------------------------- */

/* It is the moment of the file's change again, so that one more would leave the same state. */
static void turn_back_the_clock(void)
{
    clock_use_vdso(gettime_of_change);
}

static void test_files(void **state)
{
    static struct config_input input = {INPUT_FILE, "file:f", NULL};
    struct key absent, present, other, again;
    struct marshal_call call;

    input.name = file;
    remove_file();
    begin(&input, 1, 0);
    absent = key_now();
    expect_shown("x=7, file:f=(no file)");
    write_file();
    clock_use_vdso(gettime_of_change);
    assert_int_equal(take_key(&other, &call), -EAGAIN);
    clock_use_vdso(NULL);
    settle();
    present = key_now();
    assert_false(same(&absent, &present));
    expect_shown_begin("x=7, file:f=(inode ");
    again = key_now();
    assert_true(same(&present, &again));
    assert_int_equal(capture_after(change_nothing), 0);
    assert_int_equal(capture_after(turn_back_the_clock), -ESTALE);
    clock_use_vdso(NULL);
    assert_int_equal(capture_after(write_file), -ESTALE);
    settle();
    other = key_now(); /* the same size */
    assert_false(same(&present, &other));
    assert_int_equal(capture_after(remove_file), -ESTALE);
    again = key_now();
    assert_true(same(&absent, &again));
    assert_int_equal(capture_after(write_file), -ESTALE);
    subject_end(&subject);
}

static void test_files_looked_at_now_and_then(void **state)
{
    static struct config_input input = {INPUT_FILE, "file:f", NULL};
    struct key absent, key;
    struct marshal_call call;

    input.name = file;
    remove_file();
    driven_ns = 5000000000;
    clock_use_vdso(driven_gettime);
    begin(&input, 1, 1000000000);
    absent = key_now();
    write_file();
    driven_ns += 900000000;
    key = key_now();
    assert_true(same(&absent, &key));
    /* Computed in sight of the file: not kept under a key that says that there is none. */
    settle();
    assert_int_equal(capture_after(change_nothing), -ESTALE);
    key = key_now(); /* that look counts from then on */
    assert_false(same(&absent, &key));
    assert_int_equal(capture_after(change_nothing), 0);
    remove_file();
    driven_ns += 1100000000;
    key = key_now();
    assert_true(same(&absent, &key));
    write_file();
    driven_ns += 1100000000;
    is_wall_at_change = true;
    assert_int_equal(take_key(&key, &call), -EAGAIN);
    is_wall_at_change = false;
    subject_end(&subject);
    clock_use_vdso(NULL);
}

/* ---- the zone -------------------------------------------------------------------------------- */

/* Whether the key hangs on the state of our file. */
static bool sees_file(void)
{
    struct key before, later;

    remove_file();
    before = key_now();
    write_file();
    settle();
    marshal_init(); /* the process began just now: its zones are not newer */
    later = key_now();
    return !same(&before, &later);
}

static void test_zones(void **state)
{
    static const struct config_input input = {INPUT_ZONE, "tz", ""};
    struct key a, b;
    struct marshal_call call;
    char text[128];

    begin(&input, 1, 0);
    unsetenv("TZ");
    unsetenv("TZDIR");
    expect_shown_begin("x=7, tz=(not set) in (not set) (");
    setenv("TZ", "EST5", 1);
    a = key_now();
    setenv("TZ", ":", 1);
    b = key_now();
    assert_false(same(&a, &b));
    expect_shown("x=7, tz=\":\" in (not set) (no file)");
    setenv("TZ", file, 1);
    assert_true(sees_file());
    snprintf(text, sizeof(text), ":%s", file);
    setenv("TZ", text, 1);
    assert_true(sees_file());
    setenv("TZ", "f", 1);
    assert_false(sees_file());
    setenv("TZDIR", folder, 1);
    assert_true(sees_file());
    setenv("TZ", ":f", 1);
    assert_true(sees_file());
    setenv("TZ", "g", 1);
    assert_false(sees_file());
    /* It changed in this process's time: libc may hold either content. */
    setenv("TZ", "f", 1);
    assert_true(sees_file());
    write_file();
    settle();
    assert_int_equal(take_key(&a, &call), -EAGAIN);
    /* The same of a link to it, which is older itself. */
    marshal_init();
    settle();
    snprintf(text, sizeof(text), "%s/l", folder);
    assert_int_equal(symlink(file, text), 0);
    setenv("TZ", "l", 1);
    settle();
    assert_int_equal(take_key(&a, &call), -EAGAIN);
    marshal_init();
    assert_int_equal(take_key(&a, &call), 0);
    unlink(text);
    unsetenv("TZDIR");
    unsetenv("TZ");
    a = key_now();
    setenv("TZDIR", folder, 1);
    b = key_now();
    assert_false(same(&a, &b));
    unsetenv("TZDIR");
    subject_end(&subject);
}

static void change_zone(void)
{
    setenv("TZ", "EST5", 1);
}

static void change_folder(void)
{
    setenv("TZDIR", "/nowhere", 1);
}

/* What a call finds of the zone when it is over, whether it looked before or believed a look. */
static void test_zones_that_change_meanwhile(void **state)
{
    static const struct config_input input = {INPUT_ZONE, "tz", ""};

    remove_file();
    setenv("TZDIR", folder, 1);
    begin(&input, 1, 3600000000000);
    for (int round = 0; round < 2; round++) {
        setenv("TZ", "f", 1);
        assert_int_equal(capture_after(change_nothing), 0);
        assert_int_equal(capture_after(change_zone), -ESTALE);
        setenv("TZ", "f", 1);
        assert_int_equal(capture_after(change_folder), -ESTALE);
        setenv("TZDIR", folder, 1);
        assert_int_equal(capture_after(write_file), -ESTALE);
        remove_file();
    }
    unsetenv("TZDIR");
    unsetenv("TZ");
    subject_end(&subject);
}

/* ---- a sandbox ------------------------------------------------------------------------------- */

/* Of a function that is handed the path of a file. */
static int take_path_key(void)
{
    static const struct config_description as_path = {.kind = DESCRIBE_PATH, .is_in = true};
    const char *path = "/etc/passwd";
    void *arguments[] = {&path};
    struct marshal_buffer buffer;
    struct marshal_call call;
    int error;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, as_path);
    subject_finish(&subject);
    marshal_buffer_init(&buffer, false);
    error = marshal_key(subject.plan, arguments, &test_mac_key, &buffer, &call);
    marshal_buffer_fini(&buffer);
    subject_end(&subject);
    return error;
}

/* For good, so this comes last. */
static void test_looks_that_are_forbidden(void **state)
{
    static const struct config_input inputs[] = {
        {INPUT_FILE, "file:/etc/passwd", "/etc/passwd"},
        {INPUT_FOLDER, "cwd", NULL},
        {INPUT_IDS, "uid", NULL},
        {INPUT_ZONE, "tz", ""},
        {INPUT_VARIABLE, "env:TZ", "TZ"},
    };
    struct key key;
    struct marshal_call call;

    assert_int_equal(take_path_key(), 0);
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        int wanted = inputs[i].kind == INPUT_VARIABLE ? 0 : -EPERM;

        begin(&inputs[i], 1, 0);
        if (i == 0) {
            assert_int_equal(capture_after(marshal_ask_no_kernel), -ESTALE);
        }
        assert_int_equal(take_key(&key, &call), wanted);
        subject_end(&subject);
    }
    assert_int_equal(take_path_key(), -EPERM);
    assert_false(marshal_may_ask_kernel());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_looked_at_now_and_then),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_zones_that_change_meanwhile),
        cmocka_unit_test(test_looks_that_are_forbidden),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
