// SPDX-License-Identifier: MIT
/* See naming.h. With OTHER: the library that defines naming_double otherwise. */
#include "naming.h"

#include <stdlib.h>
#include <string.h>

#ifdef OTHER

long naming_n_other_calls;

long naming_double(long x)
{
    naming_n_other_calls++;
    return 2 * x + 1;
}

#else

long naming_n_calls;

long naming_twice(long x)
{
    naming_n_calls++;
    return 2 * x;
}

long naming_double(long x) __attribute__((alias("naming_twice")));

int naming_sign;
const char *naming_words[2];
const int naming_constant = 1;
__thread int naming_thread;

long naming_absolute(long x)
{
    static const char *const words[] = {"negative", "zero", "positive"};

    naming_n_calls++;
    naming_sign = naming_thread = x < 0 ? -1 : x > 0;
    naming_words[0] = words[naming_sign + 1];
    naming_words[1] = x % 2 == 0 ? "even" : NULL;
    return x < 0 ? -x : x;
}

struct naming_unit {
    long serial; /* of no importance */
    char name[16];
};

struct naming_unit *naming_open_unit(const char *name)
{
    static long n_opened;
    struct naming_unit *unit = calloc(1, sizeof(*unit));

    unit->serial = ++n_opened;
    strncpy(unit->name, name, sizeof(unit->name) - 1);
    return unit;
}

void naming_close_unit(struct naming_unit *unit)
{
    free(unit);
}

const char *naming_unit_name(const struct naming_unit *unit)
{
    return unit->name[0] != '\0' ? unit->name : NULL;
}

long naming_convert(const struct naming_unit *unit, long x)
{
    naming_n_calls++;
    return x * (long)(strlen(unit->name) + 1);
}

#endif
