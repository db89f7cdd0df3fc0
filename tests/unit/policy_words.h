// SPDX-License-Identifier: MIT
/* The policies by the words that a config has for them. */
#ifndef TESTS_UNIT_POLICY_WORDS_H
#define TESTS_UNIT_POLICY_WORDS_H

#include "cache/cache.h"

#include <stdbool.h>
#include <string.h>

static const char *const policy_words[CACHE_POLICY_COUNT] = {
#define CACHE_POLICY(name, symbol, word, help) word,
#include "cache/policies.def"
#undef CACHE_POLICY
};

static inline bool find_policy(const char *word, enum cache_policy *ret_policy)
{
    for (int i = 0; i < CACHE_POLICY_COUNT; i++) {
        if (strcmp(policy_words[i], word) == 0) {
            *ret_policy = (enum cache_policy)i;
            return true;
        }
    }
    return false;
}

#endif
