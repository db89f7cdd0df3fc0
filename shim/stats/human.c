// SPDX-License-Identifier: MIT
/*
 * Quantities for people: the largest unit that leaves at least one before the point, and three
 * significant digits, rounded to nearest.
 */
#include "stats/format.h"

struct unit {
    const char *name;
    uint64_t size; /* in the base unit */
};

/* value / size with three significant digits, and more when the whole part has more. */
static void format_scaled(struct format *out, uint64_t value, uint64_t size, const char *name)
{
    double scaled = (double)value / (double)size;
    unsigned n_decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    double factor = n_decimals == 2 ? 100 : n_decimals == 1 ? 10 : 1;

    format_decimal(out, (uint64_t)(scaled * factor + 0.5), n_decimals, true);
    format_text(out, name);
}

/* The units are in falling order; the last one has size 1 and is shown as a whole number. */
static void format_in_units(struct format *out, uint64_t value, const struct unit *units)
{
    while (value < units->size && units->size > 1) {
        units++;
    }
    if (units->size == 1) {
        format_unsigned(out, value);
        format_text(out, units->name);
    } else {
        format_scaled(out, value, units->size, units->name);
    }
}

void format_duration(struct format *out, uint64_t ns)
{
    static const struct unit units[] = {
        {" d", 86400000000000},
        {" h", 3600000000000},
        {" min", 60000000000},
        {" s", 1000000000},
        {" ms", 1000000},
        {" us", 1000},
        {" ns", 1},
    };

    format_in_units(out, ns, units);
}

void format_size(struct format *out, uint64_t n_bytes)
{
    static const struct unit units[] = {
        {" EiB", (uint64_t)1 << 60},
        {" PiB", (uint64_t)1 << 50},
        {" TiB", (uint64_t)1 << 40},
        {" GiB", (uint64_t)1 << 30},
        {" MiB", (uint64_t)1 << 20},
        {" KiB", (uint64_t)1 << 10},
        {" B", 1},
    };

    format_in_units(out, n_bytes, units);
}

void format_count(struct format *out, uint64_t n)
{
    static const struct unit units[] = {
        {"E", 1000000000000000000}, {"P", 1000000000000000}, {"T", 1000000000000},
        {"G", 1000000000},          {"M", 1000000},          {"", 1},
    };

    if (n < 10000000) {
        format_unsigned(out, n);
    } else {
        format_in_units(out, n, units);
    }
}
