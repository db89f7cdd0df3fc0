// SPDX-License-Identifier: MIT
/*
 * The memo that a specialist writes for a program that formats times, as a preload: a table that is
 * mapped directly of what localtime said, which is where such a program spends its time. It takes
 * for granted that the time zone does not change while the program runs, and is not for threads.
 *
 * With MEMO_CARE it takes less for granted, and does what memoshim does; each step contains those
 * before it:
 *
 *     1    TZ and TZDIR are looked for at each call, and the zone that libc holds is looked at; the
 *          variables that localtime sets are set again
 *     2    the file of the zone is looked at once a second
 *     3    each thread has a table and a result of its own
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifndef MEMO_CARE
#define MEMO_CARE 0
#endif

#define N_PLACES 4096 /* a power of two */

#if MEMO_CARE >= 3
#define OF_THREAD __thread
#else
#define OF_THREAD
#endif

struct place {
    time_t key;
    struct tm value;
    unsigned era; /* 0: it is free */
};

static OF_THREAD struct place places[N_PLACES];
static OF_THREAD struct tm handed_out;
static struct tm *(*real)(const time_t *);

static __attribute__((constructor)) void begin(void)
{
    real = (struct tm * (*)(const time_t *)) dlsym(RTLD_NEXT, "localtime");
}

#if MEMO_CARE == 0
static unsigned find_era(void)
{
    return 1;
}
#else

/* The zone as it was when the era began. */
struct zone {
    char *names[2];
    long seconds;
    int has_daylight;
    bool has_variable, has_folder;
    char variable[256], folder[256];
};

static OF_THREAD struct zone zone;
static OF_THREAD unsigned era;

static bool is_same_text(const char *value, bool is_there, const char *text)
{
    return value == NULL ? !is_there : is_there && strcmp(value, text) == 0;
}

static bool note_text(const char *value, char *text, size_t n_bytes)
{
    size_t length = value == NULL ? 0 : strlen(value);

    if (length < n_bytes) {
        memcpy(text, value == NULL ? "" : value, length + 1);
    }
    return value != NULL;
}

static bool is_same_zone(const char *variable, const char *folder)
{
    return zone.names[0] == tzname[0] && zone.names[1] == tzname[1] && zone.seconds == timezone &&
           zone.has_daylight == daylight &&
           is_same_text(variable, zone.has_variable, zone.variable) &&
           is_same_text(folder, zone.has_folder, zone.folder);
}

#if MEMO_CARE >= 2
static OF_THREAD time_t next_look;
static OF_THREAD struct stat seen;

/* For a program without TZ. */
static bool is_same_file(void)
{
    struct timespec now;
    struct stat status;
    bool is_same;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec < next_look) {
        return true;
    }
    next_look = now.tv_sec + 1;
    memset(&status, 0, sizeof(status));
    stat("/etc/localtime", &status);
    is_same = status.st_dev == seen.st_dev && status.st_ino == seen.st_ino &&
              status.st_size == seen.st_size &&
              memcmp(&status.st_ctim, &seen.st_ctim, sizeof(seen.st_ctim)) == 0;
    seen = status;
    return is_same;
}
#else
static bool is_same_file(void)
{
    return true;
}
#endif

/* What was remembered in another era does not answer. */
static unsigned find_era(void)
{
    const char *variable = getenv("TZ"), *folder = getenv("TZDIR");

    if (!is_same_file() || era == 0 || !is_same_zone(variable, folder)) {
        zone = (struct zone){
            .names = {tzname[0], tzname[1]}, .seconds = timezone, .has_daylight = daylight};
        zone.has_variable = note_text(variable, zone.variable, sizeof(zone.variable));
        zone.has_folder = note_text(folder, zone.folder, sizeof(zone.folder));
        era++;
    }
    return era;
}
#endif

struct tm *localtime(const time_t *time)
{
    struct place *place = &places[(unsigned long)*time % N_PLACES];
    unsigned now = find_era();

    if (place->era != now || place->key != *time) {
        struct tm *result = real(time);

        if (result == NULL) {
            return NULL;
        }
        *place = (struct place){.key = *time, .value = *result, .era = find_era()};
    }
    handed_out = place->value;
#if MEMO_CARE > 0
    tzname[0] = zone.names[0];
    tzname[1] = zone.names[1];
    timezone = zone.seconds;
    daylight = zone.has_daylight;
#endif
    return &handed_out;
}
