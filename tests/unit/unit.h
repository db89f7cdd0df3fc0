// SPDX-License-Identifier: MIT
/* cmocka with the headers that it expects before itself. Included first by every unit test. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
