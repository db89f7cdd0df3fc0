// SPDX-License-Identifier: MIT
/*
 * One pass with one place to come back to: what an earlier * took need never change once a later
 * one was reached, so the time is at most the product of both lengths.
 */
#include "base/pattern.h"

#include <stddef.h>

bool pattern_matches(const char *pattern, const char *text)
{
    const char *behind_star = NULL, *star_ends = NULL; /* where the last * stops, so far */

    while (*text != '\0') {
        if (*pattern == '*') {
            behind_star = ++pattern;
            star_ends = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (behind_star != NULL) {
            pattern = behind_star;
            text = ++star_ends;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}
