// SPDX-License-Identifier: MIT
#include "base/environment.h"

#include <stddef.h>
#include <string.h>

const char *environment_get(char *const *environment, const char *name)
{
    size_t n_bytes = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++) {
        /* Most names differ at once: TZ is looked for at each call that depends on it. */
        if ((*environment)[0] == name[0] && strncmp(*environment, name, n_bytes) == 0 &&
            (*environment)[n_bytes] == '=') {
            return *environment + n_bytes + 1;
        }
    }
    return NULL;
}
