// SPDX-License-Identifier: MIT
/* Times in zones that follow each other, with what is set on the way. */
#include "exercise.h"

#include <locale.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

static const time_t times[] = {0,          951782400, 1700000000,     1719792000,
                               4102444800, -86400,    (time_t)1 << 62};

#define N_TIMES (sizeof(times) / sizeof(times[0]))

static void show_zone(void)
{
    show_text(tzname[0]);
    show_text(tzname[1]);
    show_number(timezone);
    show_number(daylight);
}

static void show_tm(const struct tm *tm)
{
    if (tm == NULL) {
        show_text(NULL);
        return;
    }
    show_bytes(tm, offsetof(struct tm, tm_isdst) + sizeof(tm->tm_isdst));
    show_number(tm->tm_gmtoff);
    show_text(tm->tm_zone);
}

static void break_down(size_t zone)
{
    for (size_t i = 0; i < N_TIMES; i++) {
        struct tm *tm;

        CALL(localtime, KEPT, tm = localtime(&times[i]));
        show_tm(tm);
        show_zone();
        /* No zone is part of its key, so in each further one it would be answered. */
        if (zone == 0) {
            CALL(gmtime, KEPT, tm = gmtime(&times[i]));
            show_tm(tm);
            show_zone();
        }
    }
}

/* libc has one buffer for all threads, so they ask one after the other. */
struct asked {
    const time_t *time;
    struct tm local, utc;
};

static void *ask(void *argument)
{
    struct asked *asked = argument;

    asked->local = *localtime(asked->time);
    asked->utc = *gmtime(asked->time);
    return NULL;
}

static void on_two_threads(void)
{
    static const time_t moments[] = {1600000000, 1610000000, 1620000000};

    for (int i = 0; i < 3; i++) {
        struct asked asked = {.time = &moments[i]};
        pthread_t thread;

        if (i == 1) {
            ask(&asked);
        } else if (pthread_create(&thread, NULL, ask, &asked) != 0 ||
                   pthread_join(thread, NULL) != 0) {
            abort();
        }
        note("localtime", KEPT);
        show_tm(&asked.local);
        note("gmtime", KEPT);
        show_tm(&asked.utc);
    }
}

/* Days that are not there, and hours that are twice or not there. */
static void put_together(size_t zone)
{
    static const int months[] = {0, 2, 6, 9, 14, -3};

    for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++) {
        for (int is_dst = -1; is_dst < 2; is_dst++) {
            struct tm tm;
            time_t result;

            for (int k = 0; k < (zone == 0 ? 2 : 1); k++) {
                spoil(&tm, sizeof(tm));
                memset(&tm.tm_gmtoff, 0x11 * (pass + 1), sizeof(tm.tm_gmtoff));
                memset(&tm.tm_zone, 0x11 * (pass + 1), sizeof(tm.tm_zone));
                tm.tm_sec = 61;
                tm.tm_min = -1;
                tm.tm_hour = 12;
                tm.tm_mday = 31;
                tm.tm_mon = months[i];
                tm.tm_year = 123;
                tm.tm_isdst = is_dst;
                if (k == 0) {
                    CALL(mktime, KEPT, result = mktime(&tm));
                } else {
                    CALL(timegm, KEPT, result = timegm(&tm));
                }
                show_number(result);
                show_tm(&tm);
                show_zone();
            }
        }
    }
}

static void format(void)
{
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%c %Z %z", "%s", "%A %B %x %X", ""};

    for (size_t i = 0; i + 1 < N_TIMES; i++) {
        struct tm local, utc;

        localtime_r(&times[i], &local);
        gmtime_r(&times[i], &utc);

        for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
            char room[128];
            size_t n;

            spoil(room, sizeof(room));
            CALL(strftime, n > 0, n = strftime(room, sizeof(room), formats[k], &local));
            show_number((long long)n);
            show_bytes(room, n > 0 ? sizeof(room) : 0);
            spoil(room, sizeof(room));
            CALL(strftime, n > 0, n = strftime(room, sizeof(room) - 1, formats[k], &utc));
            show_number((long long)n);
            show_bytes(room, n > 0 ? sizeof(room) : 0);
            CALL(strftime, n > 0, n = strftime(room, 3, formats[k], &local));
            show_number((long long)n);
        }
    }
}

static void read_back(void)
{
    static const char *const texts[][2] = {
        {"2024-02-29 12:34:56 and more", "%Y-%m-%d %H:%M:%S"},
        {"1700000000", "%s"},
        {"29 Feb 24", "%d %b %y"},
        {"nonsense", "%Y"},
        {"12 +0130", "%H %z"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[64]; /* at another place each time */
        struct tm tm;
        char *end;

        snprintf(text, sizeof(text), "%*s%s", pass, "", texts[i][0]);
        memset(&tm, 0, sizeof(tm));
        CALL(strptime, KEPT, end = strptime(text + pass, texts[i][1], &tm));
        show_number(end != NULL ? end - (text + pass) : -1);
        show_tm(&tm);
        spoil(&tm, sizeof(tm));
        tm.tm_zone = NULL;
        CALL(strptime, KEPT, end = strptime(text + pass, texts[i][1], &tm));
        show_number(end != NULL ? end - (text + pass) : -1);
        show_tm(&tm);
    }
}

/* TZ says one zone and libc holds another, until somebody calls tzset. */
static void lag_behind(void)
{
    static const char *const zones[] = {"JST-9", "PST8PDT,M3.2.0,M11.1.0"};
    static const time_t early = 86400;
    struct tm tm;
    char room[8];
    size_t n;

    setenv("TZ", zones[0], 1);
    tzset();
    setenv("TZ", zones[1], 1);
    for (int i = 0; i < 2; i++) {
        gmtime_r(&early, &tm);
        CALL(strftime, KEPT, n = strftime(room, sizeof(room), "%Y", &tm));
        show_number((long long)n);
        show_zone();
        memset(&tm, 0, sizeof(tm));
        CALL(strptime, KEPT, strptime("86400", "%s", &tm));
        show_tm(&tm);
        tzset();
    }
    for (size_t i = 0; i < 2; i++) {
        struct tm *local;

        setenv("TZ", zones[i], 1);
        CALL(localtime, NOT_KEPT, local = localtime(&early));
        show_tm(local);
        localtime_r(&early, &tm);
        show_tm(&tm);
        show_zone();
    }
}

/*
 * The first call of all looks for a file of that name. That there is none stays in errno, which is
 * nothing that another call would do.
 */
static void look_for_the_zone(void)
{
    struct tm *tm;

    setenv("TZ", "XYZ7", 1);
    CALL(gmtime, NOT_KEPT, tm = gmtime(&times[0]));
    show_tm(tm);
}

static void exercise(void)
{
    static const char *const zones[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "EST5EDT,M3.2.0,M11.1.0", "<+0545>-5:45"};

    if (pass == 0) {
        look_for_the_zone();
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        printf("\n%s", zones[i]);
        break_down(i);
        if (i == 0) {
            on_two_threads();
        }
        put_together(i);
        format();
        read_back();
    }
    lag_behind();
}
