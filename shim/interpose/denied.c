// SPDX-License-Identifier: MIT
/* The deny-list: names in denied.def, whole or by their beginning. */
#include "interpose/interpose.h"

#include <string.h>

static const struct {
    const char *pattern;
    const char *reason;
} denied[] = {
#define DENIED(pattern, reason) {pattern, reason},
#include "interpose/denied.def"
#undef DENIED
};

static bool matches(const char *pattern, const char *symbol)
{
    size_t n_bytes = strlen(pattern);

    if (pattern[n_bytes - 1] == '*') {
        return strncmp(pattern, symbol, n_bytes - 1) == 0;
    }
    return strcmp(pattern, symbol) == 0;
}

const char *interpose_denied(const char *symbol)
{
    for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
        if (matches(denied[i].pattern, symbol)) {
            return denied[i].reason;
        }
    }
    return NULL;
}
