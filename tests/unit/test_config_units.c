// SPDX-License-Identifier: MIT
/* What a value with a unit is read as: durations, sizes, numbers, names of signals. */
#include "unit.h"

#include "config/language.h"

#include <errno.h>
#include <signal.h>

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t ns;
    } cases[] = {
        {"250ms", 0, 250000000},
        {"60s", 0, UINT64_C(60000000000)},
        {"10m", 0, UINT64_C(600000000000)},
        {"6h", 0, UINT64_C(21600000000000)},
        {"7d", 0, UINT64_C(604800000000000)},
        {"36500d", 0, DURATION_MAX_NS},
        {"36500.1d", -ERANGE, 0},
        {"1.5", 0, 1500000000},
        {"0.1", 0, 100000000},
        {"1e-9", 0, 1},
        {"1e-10", -EDOM, 0},
        {"0.0000000015", -EDOM, 0},
        {"1e3", 0, UINT64_C(1000000000000)},
        {"1E+3", 0, UINT64_C(1000000000000)},
        {"0.000000100e4ms", 0, 1000},
        {"0", 0, 0},
        {"0e999999999999", 0, 0},
        {"1e999999999999", -ERANGE, 0},
        {"99999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"+1s", -EINVAL, 0},
        {"1 s", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {".5s", -EINVAL, 0},
        {"1es", -EINVAL, 0},
        {"1S", -EINVAL, 0},
        {"1sec", -EINVAL, 0},
        {"0x10s", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 0;

        if (units_parse_duration(cases[i].text, &ns) != cases[i].result || ns != cases[i].ns) {
            fail_msg("%s gives %llu", cases[i].text, (unsigned long long)ns);
        }
    }
}

static void test_sizes_and_integers(void **state)
{
    uint64_t n = 0;

    assert_int_equal(units_parse_size("64KiB", &n), 0);
    assert_int_equal(n, 65536);
    assert_int_equal(units_parse_size("1.5GiB", &n), 0);
    assert_int_equal(n, UINT64_C(1610612736));
    assert_int_equal(units_parse_size("2MiB", &n), 0);
    assert_int_equal(n, 2097152);
    assert_int_equal(units_parse_size("131072GiB", &n), 0);
    assert_int_equal(n, SIZE_MAX_BYTES);
    assert_int_equal(units_parse_size("131073GiB", &n), -ERANGE);
    assert_int_equal(units_parse_size("0.5", &n), -EDOM);
    assert_int_equal(units_parse_size("1kB", &n), -EINVAL);
    assert_int_equal(units_parse_size("1MB", &n), -EINVAL);
    assert_int_equal(units_parse_integer("9007199254740993", &n), 0);
    assert_true(n == UINT64_C(9007199254740993)); /* 2^53 + 1: no double holds it */
    assert_int_equal(units_parse_integer("1KiB", &n), -EINVAL);
}

static void test_signals(void **state)
{
    int number = 0;

    assert_int_equal(signal_parse("USR2", &number), 0);
    assert_int_equal(number, SIGUSR2);
    assert_int_equal(signal_parse("SIGHUP", &number), 0);
    assert_int_equal(number, SIGHUP);
    assert_int_equal(signal_parse("RTMIN", &number), 0);
    assert_int_equal(number, SIGRTMIN);
    assert_int_equal(signal_parse("SIGRTMAX-2", &number), 0);
    assert_int_equal(number, SIGRTMAX - 2);
    assert_int_equal(signal_parse("RTMIN+99", &number), -EINVAL);
    assert_int_equal(signal_parse("RTMIN-1", &number), -EINVAL);
    assert_int_equal(signal_parse("RTMIN+", &number), -EINVAL);
    assert_int_equal(signal_parse("KILL", &number), -EPERM);
    assert_int_equal(signal_parse("", &number), -EINVAL);
    assert_int_equal(signal_parse("usr2", &number), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes_and_integers),
        cmocka_unit_test(test_signals),
    };

    return cmocka_run_group_tests_name("config_units", tests, NULL, NULL);
}
