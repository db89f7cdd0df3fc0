// SPDX-License-Identifier: MIT
/*
 * Numbers, durations and sizes, read exactly from their decimal digits: no floating point, no
 * locale. 0.1 s are 100,000,000 ns, and 2^53 + 1 bytes are that many. Shares are floating point.
 */
#include "config/language.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXPONENT 10000 /* beyond it every number but 0 is out of range */

/* digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int exponent;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* At most 18 digits: times the nanoseconds of a day they fit 128 bits. */
static int push_digit(struct decimal *decimal, char digit)
{
    if (decimal->digits >= UINT64_C(100000000000000000)) {
        return -ERANGE;
    }
    decimal->digits = decimal->digits * 10 + (uint64_t)(digit - '0');
    return 0;
}

static const char *parse_exponent(const char *text, int *ret_exponent)
{
    bool is_negative = *text == '-';
    int exponent = 0;

    if (*text == '-' || *text == '+') {
        text++;
    }
    if (!is_digit(*text)) {
        return NULL;
    }
    for (; is_digit(*text); text++) {
        if (exponent < MAX_EXPONENT) {
            exponent = exponent * 10 + (*text - '0');
        }
    }
    *ret_exponent = is_negative ? -exponent : exponent;
    return text;
}

/* Reads digits, fraction and exponent; *ret_rest is what follows. */
static int parse_decimal(const char *text, struct decimal *ret, const char **ret_rest)
{
    struct decimal decimal = {0, 0};
    int exponent = 0, result = 0;

    if (!is_digit(*text)) {
        return -EINVAL;
    }
    for (; is_digit(*text) && result == 0; text++) {
        result = push_digit(&decimal, *text);
    }
    if (*text == '.' && result == 0) {
        text++;
        if (!is_digit(*text)) {
            return -EINVAL;
        }
        for (; is_digit(*text) && result == 0; text++) {
            decimal.exponent--;
            result = push_digit(&decimal, *text);
        }
    }
    if ((*text == 'e' || *text == 'E') && result == 0) {
        text = parse_exponent(text + 1, &exponent);
        if (text == NULL) {
            return -EINVAL;
        }
    }
    decimal.exponent += exponent;
    *ret = decimal;
    *ret_rest = text;
    return result;
}

/* decimal * unit, which must be an integer and at most max. */
static int scale(struct decimal decimal, uint64_t unit, uint64_t max, uint64_t *ret)
{
    unsigned __int128 product = (unsigned __int128)decimal.digits * unit;

    if (product == 0) {
        *ret = 0;
        return 0;
    }
    for (; decimal.exponent < 0; decimal.exponent++) {
        if (product % 10 != 0) {
            return -EDOM;
        }
        product /= 10;
    }
    for (; decimal.exponent > 0 && product <= max; decimal.exponent--) {
        product *= 10;
    }
    if (product > max) {
        return -ERANGE;
    }
    *ret = (uint64_t)product;
    return 0;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

static int parse_with_unit(const char *text, const struct unit *units, size_t n_units, uint64_t max,
                           uint64_t *ret)
{
    struct decimal decimal;
    const char *rest;
    int result = parse_decimal(text, &decimal, &rest);

    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < n_units; i++) {
        if (strcmp(rest, units[i].suffix) == 0) {
            return scale(decimal, units[i].factor, max, ret);
        }
    }
    return -EINVAL;
}

static const struct unit duration_units[] = {
    {"", 1000000000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", UINT64_C(60) * 1000000000},
    {"h", UINT64_C(3600) * 1000000000},
    {"d", UINT64_C(86400) * 1000000000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
};

#define N_UNITS(units) (sizeof(units) / sizeof(units[0]))

int units_parse_duration(const char *text, uint64_t *ret_ns)
{
    return parse_with_unit(text, duration_units, N_UNITS(duration_units), DURATION_MAX_NS, ret_ns);
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
    return parse_with_unit(text, size_units, N_UNITS(size_units), SIZE_MAX_BYTES, ret_bytes);
}

int units_parse_integer(const char *text, uint64_t *ret)
{
    return parse_with_unit(text, size_units, 1, UINT64_MAX, ret);
}

/* True if value is a number, or a string that does not look like a bare one. */
static bool has_right_form(struct workspace *work, const struct value *value, const char *wanted)
{
    const char *text = value->source.text;

    if (value->kind != VALUE_NUMBER && value->kind != VALUE_STRING) {
        REPORT(work->list, value->source.place, WRONG_KIND, value_name(work, value), wanted,
               value_kind_text(value));
        return false;
    }
    if (value->kind == VALUE_STRING && text[0] != '\0' && is_digit(text[strlen(text) - 1])) {
        REPORT(work->list, value->source.place, UNIT_MISSING, value_name(work, value), text);
        return false;
    }
    return true;
}

bool units_read_duration(struct workspace *work, const struct value *value, uint64_t *ret_ns)
{
    const char *text = value->source.text, *name = value_name(work, value);
    uint64_t ns = 0;
    int result;

    if (!has_right_form(work, value, "a duration")) {
        return false;
    }
    result = units_parse_duration(text, &ns);
    if (result == -EINVAL && text[0] != '-') {
        REPORT(work->list, value->source.place, BAD_DURATION, name, text);
    } else if (result == -EDOM) {
        REPORT(work->list, value->source.place, DURATION_TOO_FINE, name, text);
    } else if (result < 0 || ns == 0) {
        REPORT(work->list, value->source.place, DURATION_RANGE, name, text);
    } else {
        *ret_ns = ns;
        return true;
    }
    return false;
}

bool units_read_size(struct workspace *work, const struct value *value, uint64_t *ret_bytes)
{
    const char *text = value->source.text, *name = value_name(work, value);
    uint64_t n_bytes = 0;
    int result;

    if (!has_right_form(work, value, "a size")) {
        return false;
    }
    result = units_parse_size(text, &n_bytes);
    if ((result == -EINVAL && text[0] != '-') || result == -EDOM) {
        REPORT(work->list, value->source.place, BAD_SIZE, name, text);
    } else if (result < 0 || n_bytes == 0) {
        REPORT(work->list, value->source.place, SIZE_RANGE, name, text);
    } else {
        *ret_bytes = n_bytes;
        return true;
    }
    return false;
}

bool units_read_share(struct workspace *work, const struct value *value, double *ret)
{
    double number;

    if (!value_expect(work, value, VALUE_NUMBER, "a number")) {
        return false;
    }
    number = strtod(value->source.text, NULL);
    if (!(number >= 0 && number <= 1)) {
        REPORT(work->list, value->source.place, SHARE_RANGE, value_name(work, value),
               value->source.text);
        return false;
    }
    *ret = number;
    return true;
}

bool units_read_integer(struct workspace *work, const struct value *value, uint64_t min,
                        uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;

    if (!value_expect(work, value, VALUE_NUMBER, "a number")) {
        return false;
    }
    if (units_parse_integer(value->source.text, &number) < 0 || number < min || number > max) {
        REPORT(work->list, value->source.place, INTEGER_RANGE, value_name(work, value),
               value->source.text, work_number(work, min), work_number(work, max));
        return false;
    }
    *ret = number;
    return true;
}
