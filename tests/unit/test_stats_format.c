// SPDX-License-Identifier: MIT
/* The parts that the formats of statistics are made of: names, numbers, quantities, dates. */
#include "unit.h"

#include "stats/format.h"

#include <stdio.h>
#include <time.h>

#define FORMATTED(call) \
    (format_init(&out, room, sizeof(room), NULL), (call), room[out.n_used] = '\0', room)

static void test_hostile_names(void **state)
{
    static const char hostile[] = "a\"b\\c\nd\x1b[31m\x7f\t\xc3\xa9\xff\xc0\x80\xed\xa0\x80"
                                  "\xf4\x90\x80\x80\xe2\x82\xc2\x9b\xf0\x9f\x98\x80";
    char room[300];
    struct format out;

    assert_string_equal(
        FORMATTED(format_json_string(&out, hostile)),
        "\"a\\\"b\\\\c\\u000ad\\u001b[31m\\u007f\\u0009\xc3\xa9\\ufffd\\ufffd\\ufffd"
        "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"
        "\xc2\x9b\xf0\x9f\x98\x80\"");
    assert_string_equal(FORMATTED(format_prometheus_label(&out, "a\"b\\c\nd\xff\xc3\xa9")),
                        "\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa9\"");
    assert_string_equal(FORMATTED(format_terminal(&out, hostile)),
                        "a\"b\\c?d?[31m??\xc3\xa9?????????????\xf0\x9f\x98\x80");
    assert_int_equal(format_terminal_width(hostile), 29);
    /* Longer than needed, each byte is bad by itself. */
    assert_string_equal(FORMATTED(format_terminal(&out, "\xe0\x80\x80\xf0\x8f\xbf\xbf")),
                        "???????");
    /* A sequence that the end of the text cuts off. */
    assert_string_equal(FORMATTED(format_terminal(&out, "x\xf0\x9f\x98")), "x???");
}

static void test_numbers(void **state)
{
    char room[64];
    struct format out;

    assert_string_equal(FORMATTED(format_unsigned(&out, UINT64_MAX)), "18446744073709551615");
    assert_string_equal(FORMATTED(format_unsigned(&out, 0)), "0");
    assert_string_equal(FORMATTED(format_signed(&out, INT64_MIN)), "-9223372036854775808");
    assert_string_equal(FORMATTED(format_decimal(&out, 0, 4, false)), "0");
    assert_string_equal(FORMATTED(format_decimal(&out, 0, 4, true)), "0.0000");
    assert_string_equal(FORMATTED(format_decimal(&out, 9700, 4, false)), "0.97");
    assert_string_equal(FORMATTED(format_decimal(&out, 1, 19, false)), "0.0000000000000000001");
    assert_string_equal(FORMATTED(format_decimal(&out, UINT64_MAX, 19, false)),
                        "1.8446744073709551615");
    assert_string_equal(FORMATTED(format_decimal(&out, 1200, 0, false)), "1200");
    assert_string_equal(FORMATTED(format_hex(&out, 0x1f, 4)), "001f");
}

static void test_quantities_for_people(void **state)
{
    char room[64];
    struct format out;

    assert_string_equal(FORMATTED(format_duration(&out, 999)), "999 ns");
    assert_string_equal(FORMATTED(format_duration(&out, 1000)), "1.00 us");
    assert_string_equal(FORMATTED(format_duration(&out, 61000000)), "61.0 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 9996000)), "10.0 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 125000000)), "125 ms");
    assert_string_equal(FORMATTED(format_duration(&out, 90000000000)), "1.50 min");
    assert_string_equal(FORMATTED(format_duration(&out, 5400000000000)), "1.50 h");
    assert_string_equal(FORMATTED(format_duration(&out, UINT64_MAX)), "213504 d");
    assert_string_equal(FORMATTED(format_size(&out, 1023)), "1023 B");
    assert_string_equal(FORMATTED(format_size(&out, 98304)), "96.0 KiB");
    assert_string_equal(FORMATTED(format_size(&out, 64 << 20)), "64.0 MiB");
    assert_string_equal(FORMATTED(format_count(&out, 9999999)), "9999999");
    assert_string_equal(FORMATTED(format_count(&out, 12345678)), "12.3M");
}

/* Against libc's own arithmetic, over the leap years and centuries of the range. */
static void test_utc(void **state)
{
    char room[64], expected[64];
    struct format out;

    for (int64_t s = -62167219200; s <= 253402300799; s += 86400 * 13 + 4561) {
        time_t time_s = s;
        struct tm tm;

        gmtime_r(&time_s, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(FORMATTED(format_utc(&out, s)), expected);
    }
    assert_string_equal(FORMATTED(format_utc(&out, INT64_MAX)), "9999-12-31T23:59:59Z");
    assert_string_equal(FORMATTED(format_utc(&out, INT64_MIN)), "0000-01-01T00:00:00Z");
    assert_string_equal(FORMATTED(format_utc(&out, 951782400)), "2000-02-29T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_quantities_for_people),
        cmocka_unit_test(test_utc),
    };

    return cmocka_run_group_tests_name("stats_format", tests, NULL, NULL);
}
