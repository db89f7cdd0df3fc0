// SPDX-License-Identifier: MIT
/*
 * Plays a script of calls and of changes of what they read. usage: surroundings TRACE < SCRIPT
 *
 * A line is WORD TEXT NUMBER. What calls return goes to standard output; into the file TRACE, for
 * each line, the number of real calls that it caused.
 */
#include "reading.h"

#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[256];
static long number;

static void write_file(void)
{
    const char *path = getenv("READING_FILE");
    FILE *file;

    if (path != NULL && (file = fopen(path, "w")) != NULL) {
        fprintf(file, "%ld\n", number);
        fclose(file);
    }
}

static void remove_file(void)
{
    const char *path = getenv("READING_FILE");

    if (path != NULL) {
        unlink(path);
    }
}

static void *run_thread(void *unused)
{
    reading_own = number;
    printf("%ld\n", reading_thread(1));
    printf("%ld\n", reading_thread(1));
    return unused;
}

static void play_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_thread, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

static void print_text(const char *result)
{
    puts(result != NULL ? result : "(null)");
}

static void play_mode(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

    fesetround(modes[number]);
}

/* The text's parts between commas. */
static void play_joined(void)
{
    char *texts[16], *at = text;
    int n = 0, n_texts;
    long n_bytes;

    while (n < 15 && (texts[n] = strsep(&at, ",")) != NULL) {
        n++;
    }
    texts[n] = NULL;
    n_bytes = reading_joined(texts, &n_texts);
    printf("%ld %d\n", n_bytes, n_texts);
}

static void play_call(const char *word)
{
    if (strcmp(word, "variable") == 0) {
        print_text(reading_variable((int)number));
    } else if (strcmp(word, "file") == 0) {
        printf("%ld\n", reading_file((int)number));
    } else if (strcmp(word, "path") == 0) {
        printf("%ld\n", reading_path(strcmp(text, "NULL") == 0 ? NULL : text));
    } else if (strcmp(word, "joined") == 0) {
        play_joined();
    } else if (strcmp(word, "scaled") == 0) {
        double by[] = {1, (double)number};

        printf("%g\n", reading_scaled(strtod(text, NULL), by));
    } else if (strcmp(word, "zone") == 0) {
        printf("%ld\n", reading_zone(number));
    } else if (strcmp(word, "folder") == 0) {
        printf("%ld\n", reading_folder((int)number));
    } else if (strcmp(word, "ids") == 0) {
        printf("%ld\n", reading_ids((int)number));
    } else if (strcmp(word, "locale") == 0) {
        print_text(reading_locale((int)number));
    } else if (strcmp(word, "own") == 0) {
        printf("%ld\n", reading_thread((int)number));
    } else if (strcmp(word, "third") == 0) {
        volatile double third = reading_third((double)number);
        int mode = fegetround();

        fesetround(FE_TONEAREST);
        printf("%a\n", third);
        fesetround(mode);
    } else {
        fprintf(stderr, "what is %s?\n", word);
        exit(2);
    }
}

static void play(const char *word)
{
    static locale_t own;

    if (strcmp(word, "setenv") == 0) {
        setenv(text, number != 0 ? "yes" : "no", 1);
    } else if (strcmp(word, "unsetenv") == 0) {
        unsetenv(text);
    } else if (strcmp(word, "settz") == 0) {
        setenv("TZ", text, 1);
    } else if (strcmp(word, "settzdir") == 0) {
        setenv("TZDIR", text, 1);
    } else if (strcmp(word, "write") == 0) {
        write_file();
    } else if (strcmp(word, "remove") == 0) {
        remove_file();
    } else if (strcmp(word, "write-later") == 0) {
        reading_meanwhile = write_file;
    } else if (strcmp(word, "remove-later") == 0) {
        reading_meanwhile = remove_file;
    } else if (strcmp(word, "chdir") == 0) {
        printf("%d\n", chdir(text));
    } else if (strcmp(word, "setegid") == 0) {
        printf("%d\n", setegid((gid_t)number));
    } else if (strcmp(word, "setfsgid") == 0) {
        printf("%d\n", setfsgid((gid_t)number));
    } else if (strcmp(word, "setfsgid-raw") == 0) {
        printf("%ld\n", syscall(SYS_setfsgid, number));
    } else if (strcmp(word, "setlocale") == 0) {
        printf("%d\n", setlocale(LC_CTYPE, text) != NULL);
    } else if (strcmp(word, "uselocale") == 0) {
        own = newlocale(LC_CTYPE_MASK, text, own);
        uselocale(own);
    } else if (strcmp(word, "globallocale") == 0) {
        uselocale(LC_GLOBAL_LOCALE);
    } else if (strcmp(word, "thread") == 0) {
        play_thread();
    } else if (strcmp(word, "round") == 0) {
        play_mode();
    } else if (strcmp(word, "sleep") == 0) {
        usleep((useconds_t)number * 1000);
    } else {
        play_call(word);
    }
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments == 2 ? fopen(arguments[1], "w") : NULL;
    char word[64];

    if (trace == NULL) {
        fputs("usage: surroundings TRACE\n", stderr);
        return 2;
    }
    while (scanf("%63s %255s %ld", word, text, &number) == 3) {
        long before = reading_n_calls;

        play(word);
        fprintf(trace, "%ld\n", reading_n_calls - before);
    }
    fclose(trace);
    return 0;
}
