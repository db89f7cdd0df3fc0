// SPDX-License-Identifier: MIT
/* cmocka with the headers that it expects before itself. Included first by every unit test. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends a test that cannot be run, saying why. cmocka's skip() calls it "not ok" in TAP. */
#define NEED(condition, why)              \
    do {                                  \
        if (!(condition)) {               \
            print_message("# " why "\n"); \
            return;                       \
        }                                 \
    } while (0)

/* For a main() that has no test to run, saying why, in TAP. */
static inline int skip_all(const char *why)
{
    printf("1..0 # SKIP %s\n", why);
    return 0;
}

/* Ends a test of what an emulator of another processor does not do. */
#define NEED_NATIVE() NEED(getenv("MEMOSHIM_EMULATOR") == NULL, "not tested under an emulator")

/* gcc and clang say it in two ways. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER true
#elif defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HAS_SANITIZER false
#endif

/* Tools that keep memory of their own for every byte that was ever used. */
static inline bool has_shadow_memory(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return HAS_SANITIZER || (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL);
}

#endif
