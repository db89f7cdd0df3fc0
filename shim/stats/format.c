// SPDX-License-Identifier: MIT
/* Plain text and numbers. What is made for people is in human.c, names in escape.c. */
#include "stats/format.h"

#include <string.h>

#define DIGITS_MAX 20 /* of a 64-bit number */

void format_init(struct format *out, char *room, size_t n_room, const struct stats_sink *sink)
{
    *out = (struct format){.room = room, .n_room = n_room, .sink = sink};
}

static void flush(struct format *out)
{
    if (out->sink != NULL && out->error == 0 && out->n_used > 0) {
        out->error = out->sink->write(out->sink->context, out->room, out->n_used);
        out->n_used = 0;
    }
}

int format_finish(struct format *out)
{
    flush(out);
    return out->error;
}

void format_bytes(struct format *out, const char *text, size_t n_bytes)
{
    while (n_bytes > 0 && out->error == 0) {
        size_t n = out->n_room - out->n_used;

        if (n == 0) {
            if (out->sink == NULL) {
                return;
            }
            flush(out);
            continue;
        }
        n = n < n_bytes ? n : n_bytes;
        memcpy(out->room + out->n_used, text, n);
        out->n_used += n;
        text += n;
        n_bytes -= n;
    }
}

void format_text(struct format *out, const char *text)
{
    format_bytes(out, text, strlen(text));
}

void format_fill(struct format *out, char character, size_t n)
{
    for (; n > 0; n--) {
        format_bytes(out, &character, 1);
    }
}

/* Writes value right-aligned before end, with at least n_min digits. Returns the first of them. */
static char *digits_before(char *end, uint64_t value, unsigned n_min)
{
    char *first = end;

    while (value > 0 || end - first < (ptrdiff_t)n_min) {
        *--first = (char)('0' + value % 10);
        value /= 10;
    }
    return first;
}

static void format_digits(struct format *out, uint64_t value, unsigned n_min)
{
    char digits[DIGITS_MAX], *end = digits + sizeof(digits);
    char *first = digits_before(end, value, n_min);

    format_bytes(out, first, (size_t)(end - first));
}

void format_unsigned(struct format *out, uint64_t value)
{
    format_digits(out, value, 1);
}

void format_signed(struct format *out, int64_t value)
{
    if (value < 0) {
        format_bytes(out, "-", 1);
    }
    format_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void format_decimal(struct format *out, uint64_t value, unsigned n_decimals, bool keeps_zeros)
{
    char digits[DIGITS_MAX], *end = digits + sizeof(digits);
    char *first = digits_before(end, value, n_decimals + 1);
    char *point = end - n_decimals;

    format_bytes(out, first, (size_t)(point - first));
    while (!keeps_zeros && end > point && end[-1] == '0') {
        end--;
    }
    if (end > point) {
        format_bytes(out, ".", 1);
        format_bytes(out, point, (size_t)(end - point));
    }
}

void format_signed_decimal(struct format *out, int64_t value, unsigned n_decimals)
{
    if (value < 0) {
        format_bytes(out, "-", 1);
    }
    format_decimal(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, n_decimals, false);
}

void format_hex(struct format *out, uint64_t value, unsigned n_digits)
{
    while (n_digits-- > 0) {
        format_bytes(out, &"0123456789abcdef"[(value >> (4 * n_digits)) & 15], 1);
    }
}

/*
 * The Gregorian calendar from a count of days: an era is 400 years or 146097 days, and years are
 * counted from March, so that the leap day is a year's last. Days are from 0000-03-01.
 */
void format_utc(struct format *out, int64_t time_s)
{
    const int64_t first_s = -62167219200, last_s = 253402300799; /* years 0000 and 9999 */
    uint64_t s, day, era, day_of_era, year_of_era, day_of_year, month_from_march, year, month;

    time_s = time_s < first_s ? first_s : time_s > last_s ? last_s : time_s;
    s = (uint64_t)(time_s - first_s);
    /* 60 days from 0000-01-01 to 0000-03-01; one era more keeps January of year 0 positive. */
    day = s / 86400 + 146097 - 60;
    s %= 86400;
    era = day / 146097;
    day_of_era = day % 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    year = year_of_era + era * 400 - 400 + (month <= 2);
    format_digits(out, year, 4);
    format_bytes(out, "-", 1);
    format_digits(out, month, 2);
    format_bytes(out, "-", 1);
    format_digits(out, day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
    format_bytes(out, "T", 1);
    format_digits(out, s / 3600, 2);
    format_bytes(out, ":", 1);
    format_digits(out, s / 60 % 60, 2);
    format_bytes(out, ":", 1);
    format_digits(out, s % 60, 2);
    format_bytes(out, "Z", 1);
}
