// SPDX-License-Identifier: MIT
/* For C and C++. Absent, so that the addresses are NULL, when there is no C++ compiler. */
#ifndef STRESS_STORM_THROW_H
#define STRESS_STORM_THROW_H

#ifdef __cplusplus
extern "C" {
#endif

void storm_throw(long key) __attribute__((weak));

/*
 * Calls function(key): 0 when it returned, with *ret_result; 1 when storm_throw(key) left it and
 * destructors ran; -1 when another exception did, or they did not.
 */
int storm_catch(long (*function)(long key), long key, long *ret_result) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
