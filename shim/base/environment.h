// SPDX-License-Identifier: MIT
/*
 * Look-ups in an environment that is handed over: when the shim's constructor runs, libc's own
 * `environ` is still empty, so getenv would find nothing.
 */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

/* The value of name in environment (a NULL-terminated array of "NAME=value"), or NULL. Borrowed. */
const char *environment_get(char *const *environment, const char *name);

#endif
