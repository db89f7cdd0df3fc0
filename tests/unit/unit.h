// SPDX-License-Identifier: MIT
/* cmocka with the headers that it expects before itself. Included first by every unit test. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

/* Ends a test that cannot be run, saying why. cmocka's skip() calls it "not ok" in TAP. */
#define NEED(condition, why)              \
    do {                                  \
        if (!(condition)) {               \
            print_message("# " why "\n"); \
            return;                       \
        }                                 \
    } while (0)

/* Ends a test of what an emulator of another processor does not do. */
#define NEED_NATIVE() NEED(getenv("MEMOSHIM_EMULATOR") == NULL, "not tested under an emulator")

#endif
