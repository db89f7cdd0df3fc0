// SPDX-License-Identifier: MIT
/*
 * marshal: what a function reads besides its arguments. Equal surroundings give equal keys, any
 * other ones another key, and what changes during a call is noticed. Of files:
 * test_marshal_input_files.c.
 */
#include "inputs_subject.h"

#include <fenv.h>
#include <grp.h>
#include <locale.h>
#include <pthread.h>
#include <sys/stat.h>

/* ---- the environment ------------------------------------------------------------------------- */

static void set_variable(void)
{
    setenv("MEMOSHIM_TEST_A", "changed", 1);
}

static void test_variables(void **state)
{
    static const struct config_input inputs[] = {
        {INPUT_VARIABLE, "env:MEMOSHIM_TEST_A", "MEMOSHIM_TEST_A"},
        {INPUT_VARIABLE, "env:MEMOSHIM_TEST_B", "MEMOSHIM_TEST_B"}};
    static char bare[] = "MEMOSHIM_TEST_A", first[] = "MEMOSHIM_TEST_A=1";
    static char second[] = "MEMOSHIM_TEST_A=2";
    static char *odd[] = {bare, first, second, NULL}, *one[] = {first, NULL};
    char **environment = environ;
    struct key absent, empty, set, moved, both;

    begin(inputs, 2, 0);
    unsetenv("MEMOSHIM_TEST_A");
    unsetenv("MEMOSHIM_TEST_B");
    absent = key_now();
    expect_shown("x=7, env:MEMOSHIM_TEST_A=(not set), env:MEMOSHIM_TEST_B=(not set)");
    setenv("MEMOSHIM_TEST_A", "", 1);
    empty = key_now();
    assert_false(same(&absent, &empty));
    setenv("MEMOSHIM_TEST_A", "ab", 1);
    set = key_now();
    assert_false(same(&empty, &set));
    expect_shown("x=7, env:MEMOSHIM_TEST_A=\"ab\", env:MEMOSHIM_TEST_B=(not set)");
    unsetenv("MEMOSHIM_TEST_A");
    setenv("MEMOSHIM_TEST_B", "ab", 1);
    moved = key_now();
    assert_false(same(&set, &moved));
    setenv("MEMOSHIM_TEST_A", "a", 1);
    setenv("MEMOSHIM_TEST_B", "b", 1);
    both = key_now();
    assert_false(same(&set, &both));
    unsetenv("MEMOSHIM_TEST_B");
    setenv("MEMOSHIM_TEST_A", "ab", 1);
    moved = key_now();
    assert_true(same(&set, &moved));

    assert_int_equal(capture_after(change_nothing), 0);
    assert_int_equal(capture_after(set_variable), -ESTALE);

    /* What getenv finds: the first with a '=', in whatever array the program has put there. */
    environ = odd;
    moved = key_now();
    environ = one;
    set = key_now();
    environ = environment;
    assert_true(same(&moved, &set));
    subject_end(&subject);
}

static void test_a_huge_variable(void **state)
{
    static const struct config_input input = {INPUT_VARIABLE, "env:BIG", "BIG"};
    char *text = malloc(MARSHAL_MAX_STRING_BYTES + 2);
    struct marshal_call call;
    struct key key;

    memset(text, 'x', MARSHAL_MAX_STRING_BYTES + 1);
    text[MARSHAL_MAX_STRING_BYTES + 1] = '\0';
    setenv("BIG", text, 1);
    free(text);
    begin(&input, 1, 0);
    assert_int_equal(take_key(&key, &call), -E2BIG);
    unsetenv("BIG");
    assert_int_equal(take_key(&key, &call), 0);
    subject_end(&subject);
}

/* ---- the others ------------------------------------------------------------------------------ */

static void test_the_current_folder(void **state)
{
    static const struct config_input input = {INPUT_FOLDER, "cwd", ""};
    struct key here, there, again;
    char before[512], lost[96], text[160];

    assert_non_null(getcwd(before, sizeof(before)));
    snprintf(lost, sizeof(lost), "%s/lost", folder);
    begin(&input, 1, 0);
    here = key_now();
    assert_int_equal(chdir(folder), 0);
    there = key_now();
    assert_false(same(&here, &there));
    snprintf(text, sizeof(text), "x=7, cwd=\"%s\" on ", folder);
    expect_shown_begin(text);
    write_file(); /* what is in it is no part of it */
    again = key_now();
    assert_true(same(&there, &again));
    assert_int_equal(mkdir(lost, 0700), 0);
    assert_int_equal(chdir(lost), 0);
    assert_int_equal(rmdir(lost), 0);
    expect_shown_begin("x=7, cwd=(no path) on ");
    assert_int_equal(chdir(before), 0);
    again = key_now();
    assert_true(same(&here, &again));
    /* A limit below a path's greatest length is one for what is kept only. */
    begin_limited(&input, 600);
    here = key_now();
    begin_limited(&input, 20);
    assert_int_equal(take_key(&here, &(struct marshal_call){0}), -E2BIG);
    subject_end(&subject);
}

static void test_ids(void **state)
{
    static const struct config_input input = {INPUT_IDS, "uid", ""};
    uid_t user, effective_user, saved_user;
    gid_t group, effective_group, saved_group;
    struct key before, other, again;
    char text[160];
    gid_t groups[64];
    int n_groups = getgroups(64, groups);

    assert_int_equal(getresuid(&user, &effective_user, &saved_user), 0);
    assert_int_equal(getresgid(&group, &effective_group, &saved_group), 0);
    begin(&input, 1, 0);
    before = key_now();
    snprintf(text, sizeof(text), "x=7, uid=%u/%u/%u:%u/%u/%u", user, effective_user, saved_user,
             group, effective_group, saved_group);
    expect_shown_begin(text);
    if (geteuid() == 0 && n_groups >= 0) {
        static const gid_t other_groups[] = {4242, 4243};

        assert_int_equal(setgroups(2, other_groups), 0);
        other = key_now();
        assert_false(same(&before, &other));
        strcat(text, "+4242,4243");
        expect_shown(text);
        assert_int_equal(setgroups((size_t)n_groups, groups), 0);
        assert_int_equal(setegid(effective_group + 1), 0);
        other = key_now();
        assert_int_equal(setegid(effective_group), 0);
        assert_false(same(&before, &other));
    }
    again = key_now();
    assert_true(same(&before, &again));
    subject_end(&subject);
}

static void test_locales(void **state)
{
    static const struct config_input input = {INPUT_LOCALE, "locale", ""};
    struct key plain, global, own, again;
    locale_t locale;

    begin(&input, 1, 0);
    plain = key_now();
    expect_shown("x=7, locale=\"C\" = = = = = = = = = = =");
    assert_non_null(setlocale(LC_NUMERIC, "C.UTF-8"));
    global = key_now();
    assert_false(same(&plain, &global));
    expect_shown("x=7, locale=\"C\" \"C.UTF-8\" \"C\" = = = = = = = = =");
    locale = newlocale(LC_NUMERIC_MASK, "C.UTF-8", (locale_t)0);
    assert_non_null(locale);
    setlocale(LC_ALL, "C");
    uselocale(locale);
    own = key_now();
    assert_true(same(&global, &own));
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(locale);
    again = key_now();
    assert_true(same(&plain, &again));
    /* Every category counts. */
    for (int category = 0; category <= LC_IDENTIFICATION; category++) {
        assert_non_null(setlocale(category, "C.UTF-8"));
        own = key_now();
        assert_false(same(&plain, &own));
        setlocale(LC_ALL, "C");
    }
    subject_end(&subject);
}

static void *take_in_thread(void *key)
{
    *(struct key *)key = key_now();
    return NULL;
}

static void test_threads(void **state)
{
    static const struct config_input input = {INPUT_THREAD, "thread", ""};
    struct key own, again, others[20];

    begin(&input, 1, 0);
    own = key_now();
    for (int i = 0; i < 20; i++) { /* one after the other: the kernel's numbers may come again */
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, take_in_thread, &others[i]), 0);
        pthread_join(thread, NULL);
        assert_false(same(&own, &others[i]));
        for (int k = 0; k < i; k++) {
            assert_false(same(&others[k], &others[i]));
        }
    }
    again = key_now();
    assert_true(same(&own, &again));
    subject_end(&subject);
}

static void test_rounding(void **state)
{
    static const struct config_input input = {INPUT_ROUNDING, "rounding", ""};
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    struct key keys[4];

    begin(&input, 1, 0);
    for (int i = 0; i < 4; i++) {
        fesetround(modes[i]);
        keys[i] = key_now();
        fesetround(FE_TONEAREST);
        for (int k = 0; k < i; k++) {
            assert_false(same(&keys[k], &keys[i]));
        }
    }
    subject_end(&subject);
}

/* ---- one behind the other -------------------------------------------------------------------- */

static void leave_folder(void)
{
    assert_int_equal(chdir("/"), 0);
}

/* What all calls share stays as it was, and what is the call's own does not. */
static void test_one_of_two_changes(void **state)
{
    struct config_input inputs[] = {{INPUT_VARIABLE, "env:WHERE", "WHERE"},
                                    {INPUT_FOLDER, "cwd", ""}};
    char before_it[512];

    assert_non_null(getcwd(before_it, sizeof(before_it)));
    begin(inputs, 2, 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(capture_after(change_nothing), 0);
    assert_int_equal(capture_after(leave_folder), -ESTALE);
    assert_int_equal(chdir(before_it), 0);
    subject_end(&subject);
}

/* The same of a path, whose file is the call's own. */
static void test_a_path_beside_a_variable(void **state)
{
    static const struct config_input input = {INPUT_VARIABLE, "env:WHERE", "WHERE"};
    static const struct config_description as_path = {.kind = DESCRIBE_PATH, .is_in = true};
    const char *path = file;
    void *arguments[] = {&path};

    remove_file();
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, as_path);
    subject.function.inputs = &input;
    subject.function.n_inputs = 1;
    subject_finish(&subject);
    for (int is_changed = 0; is_changed < 2; is_changed++) {
        struct marshal_call call;
        struct captured record;
        uint64_t result = 1;

        before(&subject, arguments, &call);
        if (is_changed) {
            write_file();
        }
        assert_int_equal(
            after(&subject, arguments, &result, &call, MARSHAL_ERRNO_UNTOUCHED, &record),
            is_changed ? -ESTALE : 0);
    }
    remove_file();
    subject_end(&subject);
}

static void test_many(void **state)
{
    struct config_input inputs[] = {{INPUT_THREAD, "thread", ""},
                                    {INPUT_FILE, "file:f", file},
                                    {INPUT_ROUNDING, "rounding", ""}};
    struct key key;

    remove_file();
    begin(inputs, 3, 0);
    assert_int_equal(marshal_key_bytes(subject.plan), 0);
    assert_int_equal(key_now().n_bytes, sizeof(int) + 4 + 8 + 8);
    expect_shown_begin("x=7, file:f=(no file), thread=");
    subject_end(&subject);
    /* A secret's key is a digest of them all; the digest too tells that they changed meanwhile. */
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_i32, as_value);
    subject.function.inputs = inputs;
    subject.function.n_inputs = 3;
    subject.function.has_secret = true;
    subject_finish(&subject);
    key = key_now();
    assert_int_equal(key.n_bytes, 16);
    assert_int_equal(capture_after(change_nothing), 0);
    assert_int_equal(capture_after(write_file), -ESTALE);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_a_huge_variable),
        cmocka_unit_test(test_the_current_folder),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_locales),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_one_of_two_changes),
        cmocka_unit_test(test_a_path_beside_a_variable),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
