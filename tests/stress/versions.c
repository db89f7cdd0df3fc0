// SPDX-License-Identifier: MIT
/* See versions.h. */
#include "versions.h"

#include <sched.h>
#include <stdatomic.h>

static _Atomic long versions[N_SUBJECTS], version_of_all;
static __thread unsigned random_state = 1;

/* Nothing, a moment, or until others have run: where the change falls differs each time. */
static void take_a_while(void)
{
    random_state = random_state * 1103515245 + 12345;
    for (unsigned i = random_state >> 16 & 255; i > 0; i--) {
        __asm__ volatile("");
    }
    if ((random_state >> 24 & 7) == 0) {
        sched_yield();
    }
}

long versions_look(long subject, int key)
{
    long version;

    take_a_while();
    version = versions[subject];
    take_a_while();
    return version;
}

long versions_look_at_all(int key)
{
    long version;

    take_a_while();
    version = version_of_all;
    take_a_while();
    return version;
}

long versions_look_twice(int key)
{
    take_a_while();
    return versions_look_at_all(key);
}

long versions_look_thrice(int key)
{
    return versions_look_twice(key);
}

void versions_change(int why, long subject)
{
    take_a_while();
    versions[subject]++;
    take_a_while();
}

int versions_change_all(const char *format, ...)
{
    take_a_while();
    version_of_all++;
    take_a_while();
    return 0;
}
