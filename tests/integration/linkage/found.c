// SPDX-License-Identifier: MIT
/* A library that lies in several folders, each copy with an ANSWER of its own. */

long found(long x);
long found_calls(void);

static long n_calls;

long found(long x)
{
    n_calls++;
    return 100 * ANSWER + x;
}

/* How often it really ran. */
long found_calls(void)
{
    return n_calls;
}
