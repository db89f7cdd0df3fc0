// SPDX-License-Identifier: MIT
/*
 * The memo that a specialist writes for a server's password checks, as a preload: a table that is
 * mapped directly of checks that succeeded, for a minute, under a mutex. Keys are the phrase and
 * the setting as they are, as such memos have them; memoshim keeps a keyed digest instead.
 */
#include <crypt.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_PLACES 1024 /* a power of two */
#define LIFE_S   60

struct place {
    char phrase[64], setting[CRYPT_OUTPUT_SIZE];
    time_t ends;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[N_PLACES]; /* lock */
static char *(*real)(const char *, const char *, struct crypt_data *);

static __attribute__((constructor)) void begin(void)
{
    real = (char *(*)(const char *, const char *, struct crypt_data *))dlsym(RTLD_NEXT, "crypt_r");
}

static struct place *find_place(const char *phrase, const char *setting)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *phrase != '\0'; phrase++) {
        hash = (hash ^ (unsigned char)*phrase) * 16777619u;
    }
    for (; *setting != '\0'; setting++) {
        hash = (hash ^ (unsigned char)*setting) * 16777619u;
    }
    return &places[(hash ^ hash >> 16) % N_PLACES];
}

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
    struct place *place = find_place(phrase, setting);
    char *result;

    pthread_mutex_lock(&lock);
    if (place->ends > now_s() && strcmp(place->phrase, phrase) == 0 &&
        strcmp(place->setting, setting) == 0) {
        strcpy(data->output, place->setting);
        pthread_mutex_unlock(&lock);
        return data->output;
    }
    pthread_mutex_unlock(&lock);
    result = real(phrase, setting, data);
    if (result != NULL && strcmp(result, setting) == 0 && strlen(phrase) < sizeof(place->phrase) &&
        strlen(setting) < sizeof(place->setting)) {
        pthread_mutex_lock(&lock);
        strcpy(place->phrase, phrase);
        strcpy(place->setting, setting);
        place->ends = now_s() + LIFE_S;
        pthread_mutex_unlock(&lock);
    }
    return result;
}
