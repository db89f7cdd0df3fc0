// SPDX-License-Identifier: MIT
/* What of stampede is C++: an exception that leaves the memoized function. */
#ifndef STAMPEDE_H
#define STAMPEDE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

void throw_key(long key);

/* function(key) does not return but throws key, and what stands between is destroyed. */
bool catches_key(long (*function)(long key), long key);

#ifdef __cplusplus
}
#endif

#endif
