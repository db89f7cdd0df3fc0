// SPDX-License-Identifier: MIT
/*
 * Patterns for names, as a shell has them, but for two things only: * stands for any letters, none
 * included, and ? for any one. No locale, no memory; a letter is a byte.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>

/* True when the pattern describes the whole text. */
bool pattern_matches(const char *pattern, const char *text);

#endif
