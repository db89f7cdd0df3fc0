// SPDX-License-Identifier: MIT
/*
 * Any bytes as a record of a function that hands out memory of every kind. It is refused with
 * nothing touched, or gives memory that can be read and freed.
 */
#include "fuzz.h"

#define assert_true(condition)    FUZZ_CHECK(condition)
#define assert_int_equal(a, b)    FUZZ_CHECK((a) == (b))
#define assert_ptr_equal(a, b)    FUZZ_CHECK((a) == (b))
#define assert_non_null(a)        FUZZ_CHECK((a) != NULL)
#define assert_string_equal(a, b) FUZZ_CHECK(strcmp(a, b) == 0)

#include "../unit/graph_everything.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct everything all;

    if (all.buf == NULL) {
        FUZZ_CHECK(marshal_init() == 0);
        everything_begin(&all);
    }
    everything_replay(&all, data, n_bytes);
    return 0;
}
