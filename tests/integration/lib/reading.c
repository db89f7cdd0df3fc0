// SPDX-License-Identifier: MIT
/* See reading.h. */
#include "reading.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

long reading_n_calls;
void (*reading_meanwhile)(void);
__thread long reading_own;

static void count(void)
{
    __atomic_fetch_add(&reading_n_calls, 1, __ATOMIC_RELAXED);
}

const char *reading_variable(int x)
{
    static __thread char text[64];
    const char *value = getenv("READING");

    count();
    if (value == NULL) {
        return NULL;
    }
    snprintf(text, sizeof(text), "%s/%d", value, x);
    return text;
}

static long read_number(const char *path)
{
    void (*meanwhile)(void) = reading_meanwhile;
    long number = -1;
    FILE *file;

    count();
    reading_meanwhile = NULL;
    if (meanwhile != NULL) {
        meanwhile();
    }
    file = path != NULL ? fopen(path, "r") : NULL;
    if (file != NULL) {
        if (fscanf(file, "%ld", &number) != 1) {
            number = -2;
        }
        fclose(file);
    }
    return number;
}

long reading_file(int x)
{
    return read_number(getenv("READING_FILE")) + x;
}

long reading_path(const char *path)
{
    return read_number(path);
}

long reading_joined(char *const texts[], int *ret_texts)
{
    long n_bytes = 0;

    count();
    *ret_texts = 0;
    for (; texts != NULL && *texts != NULL; texts++) {
        n_bytes += (long)strlen(*texts);
        ++*ret_texts;
    }
    return n_bytes;
}

double reading_scaled(double x, const double *by)
{
    count();
    return x * by[0] * by[1];
}

long reading_zone(long seconds)
{
    time_t time = seconds;

    count();
    return localtime(&time)->tm_hour;
}

long reading_folder(int x)
{
    count();
    return access("here", F_OK) == 0 ? x : -x;
}

long reading_ids(int x)
{
    FILE *file = fopen("/proc/thread-self/status", "r");
    char line[256];
    long group = -1;

    count();
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        sscanf(line, "Gid: %*d %*d %*d %ld", &group);
    }
    if (file != NULL) {
        fclose(file);
    }
    return group * 10 + x;
}

const char *reading_locale(int x)
{
    count();
    return nl_langinfo(CODESET);
}

long reading_thread(int x)
{
    count();
    return reading_own + x;
}

double reading_third(double x)
{
    count();
    return x / 3;
}
