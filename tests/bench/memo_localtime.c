// SPDX-License-Identifier: MIT
/*
 * The memo that a specialist writes for a program that formats times, as a preload: a table that is
 * mapped directly of what localtime said, which is where such a program spends its time. It takes
 * for granted that the time zone does not change while the program runs, and is not for threads.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define N_PLACES 4096 /* a power of two */

struct place {
    time_t key;
    struct tm value;
    bool is_set;
};

static struct place places[N_PLACES];
static struct tm handed_out;
static struct tm *(*real)(const time_t *);

static __attribute__((constructor)) void begin(void)
{
    real = (struct tm * (*)(const time_t *)) dlsym(RTLD_NEXT, "localtime");
}

struct tm *localtime(const time_t *time)
{
    struct place *place = &places[(unsigned long)*time % N_PLACES];

    if (!place->is_set || place->key != *time) {
        struct tm *result = real(time);

        if (result == NULL) {
            return NULL;
        }
        *place = (struct place){.key = *time, .value = *result, .is_set = true};
    }
    handed_out = place->value;
    return &handed_out;
}
