// SPDX-License-Identifier: MIT
/* The MEMOSHIM_* variables: same words and same diagnostics as the configuration, under their name.
 */
#include "unit.h"

#include "config_memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static struct test_memory memory;
static struct diagnostic_list list;

static int read_variables(const struct config_variables *variables, struct config_overrides *ret)
{
    test_memory_free(&memory);
    diagnostics_init(&list, test_memory_init(&memory));
    return config_read_variables(variables, ret, &list);
}

static int teardown(void **state)
{
    test_memory_free(&memory);
    return 0;
}

static void test_unset_and_empty_say_nothing(void **state)
{
    struct config_variables variables = {.mode = "", .stats = "", .stats_signal = ""};
    struct config_overrides overrides;

    memset(&overrides, 0xff, sizeof(overrides));
    assert_int_equal(read_variables(&variables, &overrides), 0);
    assert_false(overrides.has_mode);
    assert_null(overrides.stats.file);
    assert_false(overrides.stats.has_format);
    assert_int_equal(overrides.stats.signal, 0);
    assert_int_equal(overrides.stats.interval_ns, 0);
}

static void test_all_that_is_right(void **state)
{
    struct config_variables variables = {.mode = "off",
                                         .stats = "/run/%n.%p",
                                         .stats_format = "prometheus",
                                         .stats_signal = "RTMIN+5",
                                         .stats_interval = "250ms",
                                         .strict = "0"};
    struct config_overrides overrides;

    assert_int_equal(read_variables(&variables, &overrides), 0);
    assert_true(overrides.has_mode);
    assert_int_equal(overrides.mode, CONFIG_MODE_OFF);
    assert_string_equal(overrides.stats.file, "/run/%n.%p");
    assert_true(overrides.stats.has_format);
    assert_int_equal(overrides.stats.format, STATS_FORMAT_PROMETHEUS);
    assert_int_equal(overrides.stats.signal, SIGRTMIN + 5);
    assert_true(overrides.stats.interval_ns == 250000000);
}

/* Which is a number in a configuration's eyes; a variable has no quotes to leave out. */
static void test_seconds_without_a_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns; /* 0: a mistake */
    } cases[] = {{"5", 5000000000}, {"0.5", 500000000}, {"1e1", 10000000000}, {"0", 0}, {"-1", 0},
                 {"ten1", 0},       {"5 ", 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_variables variables = {.stats_interval = cases[i].text};
        struct config_overrides overrides;

        assert_int_equal(read_variables(&variables, &overrides), cases[i].ns != 0 ? 0 : -EINVAL);
        if (cases[i].ns != 0) {
            assert_true(overrides.stats.interval_ns == cases[i].ns);
        } else {
            assert_null(strstr(list.items[0].text, "quotes"));
        }
    }
}

static void test_each_mistake_is_said_with_its_variable(void **state)
{
    struct config_variables variables = {.mode = "of",
                                         .stats = "/run/%x",
                                         .stats_format = "xml",
                                         .stats_signal = "KILL",
                                         .stats_interval = "soon",
                                         .strict = "yes"};
    struct config_overrides overrides = {.has_mode = true};
    static const char *const names[] = {"MEMOSHIM_MODE",           "MEMOSHIM_STATS",
                                        "MEMOSHIM_STATS_FORMAT",   "MEMOSHIM_STATS_SIGNAL",
                                        "MEMOSHIM_STATS_INTERVAL", "MEMOSHIM_STRICT"};

    assert_int_equal(read_variables(&variables, &overrides), -EINVAL);
    assert_true(overrides.has_mode); /* untouched */
    assert_int_equal(list.n_items, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_string_equal(list.items[i].file, names[i]);
        assert_int_equal(list.items[i].line, 0);
    }
    assert_non_null(strstr(list.items[0].hint, "off"));
}

static void test_every_mode_can_be_set(void **state)
{
    static const char *const words[] = {"memoize", "observe", "verify", "off"};
    static const enum config_mode modes[] = {CONFIG_MODE_MEMOIZE, CONFIG_MODE_OBSERVE,
                                             CONFIG_MODE_VERIFY, CONFIG_MODE_OFF};

    for (unsigned i = 0; i < 4; i++) {
        struct config_variables variables = {.mode = words[i]};
        struct config_overrides overrides;

        assert_int_equal(read_variables(&variables, &overrides), 0);
        assert_int_equal(overrides.mode, modes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_unset_and_empty_say_nothing, teardown),
        cmocka_unit_test_teardown(test_all_that_is_right, teardown),
        cmocka_unit_test_teardown(test_seconds_without_a_unit, teardown),
        cmocka_unit_test_teardown(test_each_mistake_is_said_with_its_variable, teardown),
        cmocka_unit_test_teardown(test_every_mode_can_be_set, teardown),
    };

    return cmocka_run_group_tests_name("config_variables", tests, NULL, NULL);
}
