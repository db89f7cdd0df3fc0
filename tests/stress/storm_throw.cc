// SPDX-License-Identifier: MIT
/* The exceptions of the storm, and the destructors that must run on their way. */
#include "storm_throw.h"

namespace
{

struct storm_exception {
    long key;
};

struct witness {
    int *n_destroyed;

    ~witness()
    {
        ++*n_destroyed;
    }
};

} // namespace

void storm_throw(long key)
{
    throw storm_exception{key};
}

int storm_catch(long (*function)(long key), long key, long *ret_result)
{
    int n_destroyed = 0;

    try {
        witness here{&n_destroyed};

        *ret_result = function(key);
        return 0;
    } catch (const storm_exception &exception) {
        return exception.key == key && n_destroyed == 1 ? 1 : -1;
    }
}
