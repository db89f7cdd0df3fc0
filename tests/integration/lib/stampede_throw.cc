// SPDX-License-Identifier: MIT
/* See stampede.h. */
#include "stampede.h"

namespace
{
struct witness {
    int &n_destroyed;

    ~witness()
    {
        n_destroyed++;
    }
};
} // namespace

void throw_key(long key)
{
    throw key;
}

bool catches_key(long (*function)(long key), long key)
{
    int n_destroyed = 0;

    try {
        witness here{n_destroyed};
        function(key);
    } catch (long thrown) {
        return thrown == key && n_destroyed == 1;
    }
    return false;
}
