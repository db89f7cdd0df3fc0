// SPDX-License-Identifier: MIT
/* Tests that run once for every policy there is: *state is the enum cache_policy. */
#ifndef TESTS_UNIT_EACH_POLICY_H
#define TESTS_UNIT_EACH_POLICY_H

#include "unit.h"

#include "policy_words.h"

#include <stdio.h>

#define EACH_POLICY_MAX_TESTS (16 * CACHE_POLICY_COUNT)

struct policy_tests {
    struct CMUnitTest tests[EACH_POLICY_MAX_TESTS];
    char names[EACH_POLICY_MAX_TESTS][80];
    size_t n;
};

static inline void add_for_policy(struct policy_tests *tests, const char *name,
                                  CMUnitTestFunction function, int policy)
{
    static enum cache_policy policies[CACHE_POLICY_COUNT];

    policies[policy] = (enum cache_policy)policy;
    assert_true(tests->n < EACH_POLICY_MAX_TESTS);
    snprintf(tests->names[tests->n], sizeof(tests->names[0]), "%s, %s", name, policy_words[policy]);
    tests->tests[tests->n] =
        (struct CMUnitTest){tests->names[tests->n], function, NULL, NULL, &policies[policy]};
    tests->n++;
}

static inline void add_for_each_policy(struct policy_tests *tests, const char *name,
                                       CMUnitTestFunction function)
{
    for (int i = 0; i < CACHE_POLICY_COUNT; i++) {
        add_for_policy(tests, name, function, i);
    }
}

/* But for the one under which an entry may have to leave a cache that has room. */
static inline void add_for_policies_with_room(struct policy_tests *tests, const char *name,
                                              CMUnitTestFunction function)
{
    for (int i = 0; i < CACHE_POLICY_COUNT; i++) {
        if (i != CACHE_POLICY_direct) {
            add_for_policy(tests, name, function, i);
        }
    }
}

static inline enum cache_policy policy_of_state(void **state)
{
    return *(const enum cache_policy *)*state;
}

#endif
