// SPDX-License-Identifier: MIT
/*
 * Uses what the functions of owning.h hand out, as a program may, and shows it:
 *
 *     owners SCENARIO ROUNDS FILE
 *
 * The first rounds are printed; of all others it is counted how many differ from the first round
 * with the same number. What a scenario leaves behind is printed as well: nodes of the pool and,
 * in the program that counts them, blocks of malloc. FILE gets the number of real calls.
 */
#include "owners.h"
#include "owning.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long counting_live(void) __attribute__((weak));

void show(struct shown *shown, const char *format, ...)
{
    size_t n_room = sizeof(shown->text) - shown->n_bytes;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(shown->text + shown->n_bytes, n_room, format, arguments);
    va_end(arguments);
    shown->n_bytes += n < 0 || (size_t)n >= n_room ? n_room - 1 : (size_t)n;
}

const char *or_null(const char *text)
{
    return text != NULL ? text : "(null)";
}

static void show_user(struct shown *shown, const struct own_user *user)
{
    if (user == NULL) {
        show(shown, " nobody");
        return;
    }
    show(shown, " %s %d", user->name, user->id);
    for (char **group = user->groups; *group != NULL; group++) {
        show(shown, ",%s", *group);
    }
}

/* ---- static ---------------------------------------------------------------------------------- */

static volatile size_t looked_at; /* so that the look is not left out */

static void play_static(int i, struct shown *shown)
{
    const struct own_user *old = own_user(i), *user;

    show_user(shown, old);
    user = own_user(i + 11);
    show_user(shown, user);
    show_user(shown, own_user(-1));
    /* It may be either one's by now, but it is there, and text in it ends. */
    looked_at += strlen(old->name) + (old->groups[0] != NULL ? strlen(old->groups[0]) : 0);
    show(shown, " %s", own_user(i)->name);
}

static void *play_static_in_thread(void *number)
{
    static _Thread_local struct shown shown;
    uintptr_t n_wrong = 0;

    for (int i = 0; i < 2000; i++) {
        int id = (int)(intptr_t)number + i % 16 * 3;
        const struct own_user *user = own_user(id);
        char name[16];

        snprintf(name, sizeof(name), "user%d", id);
        n_wrong += user->id != id || strncmp(user->name, name, strlen(name)) != 0;
    }
    play_static((int)(intptr_t)number, &shown);
    return (void *)n_wrong;
}

static void play_threads(int i, struct shown *shown)
{
    pthread_t threads[4];

    for (int k = 0; k < 4; k++) {
        pthread_create(&threads[k], NULL, play_static_in_thread, (void *)(intptr_t)(i + k));
    }
    for (int k = 0; k < 4; k++) {
        void *n_wrong;

        pthread_join(threads[k], &n_wrong);
        show(shown, " %d", (int)(uintptr_t)n_wrong);
    }
}

/* Handles that are opened and closed; results of each are good at the same time. */
static void play_argument(int i, struct shown *shown)
{
    struct own_handle *a = own_open(i), *b = own_open(i + 1);
    const char *of_a = own_message(a, i), *of_b = own_message(b, i + 20);

    show(shown, " %s, %s;", of_a, of_b);
    of_b = own_message(b, i);
    show(shown, " %s, %s;", of_a, of_b);
    of_a = own_message(a, i + 29);
    show(shown, " %s, %s, %s", of_a, of_b, own_message(a, i + 29));
    own_close(a);
    show(shown, " %s", of_b);
    own_close(b);
}

static void play_group(int i, struct shown *shown)
{
    const struct own_time *time = own_local(i * 1000);

    show(shown, " %02d:%02d %s", time->hour, time->minute, time->zone);
    time = own_utc(i * 1000);
    show(shown, " %02d:%02d %s", time->hour, time->minute, time->zone);
    show(shown, " %d", own_local(i * 1000)->hour == own_utc(i * 1000 + 3600)->hour);
}

/* ---- places ---------------------------------------------------------------------------------- */

static void play_into(int i, struct shown *shown)
{
    static const char *const words[] = {"alpha", "be", "", "gamma ray"};
    char *room = malloc((size_t)(9 + i));
    char *joined;

    memset(room, '-', (size_t)(9 + i));
    joined = own_join(room, (size_t)(9 + i), words[i % 4], words[(i + 1) % 4]);
    show(shown, " %td %s %c", joined != NULL ? joined - room : -1, or_null(joined), room[0]);
    free(room);
}

static void play_immortal(int i, struct shown *shown)
{
    const char *unit = own_unit(i), *again = own_unit(i);

    show(shown, " %s %d %s %td", unit, unit == again, or_null(own_unit(-1)),
         own_unit(i + 1) - unit);
}

/* One call with a buffer of exactly that size, at that distance from an aligned address. */
static int ask_for_user(int id, size_t n_bytes, size_t shift, struct shown *shown)
{
    char *block = malloc(n_bytes + shift + 1);
    struct own_user user = {.name = (char *)1, .id = -7, .groups = (char **)1}, *result = &user;
    int error = own_user_r(id, &user, block + shift, n_bytes, &result);

    if (shown != NULL) {
        show(shown, " %zu:", n_bytes);
        if (error != 0) {
            show(shown, " error %d %d", error, result == NULL);
        } else if (result == NULL) {
            show(shown, " not found %d %d", user.id, user.name == (char *)1);
        } else {
            show_user(shown, result);
            show(shown, " %d %d", result == &user,
                 (char *)user.groups >= block + shift && user.name < block + shift + n_bytes);
        }
    }
    free(block);
    return error;
}

static void play_storage(int i, struct shown *shown)
{
    size_t n_bytes = 1;

    ask_for_user(i, 1, 0, shown);
    while (n_bytes < 1024 && ask_for_user(i, n_bytes, 0, NULL) != 0) {
        n_bytes++; /* up to the first that is large enough */
    }
    ask_for_user(i, n_bytes, 0, shown);
    ask_for_user(i, n_bytes - 1, 0, shown);
    ask_for_user(i, 1024, 0, shown);
    ask_for_user(i, n_bytes, 0, shown);
    for (size_t shift = 1; shift < 8; shift += 3) {
        ask_for_user(i, n_bytes, shift, shown);
        ask_for_user(i, n_bytes + 8, shift, shown);
    }
    ask_for_user(-1, 64, 0, shown);
    ask_for_user(-1, 0, 0, shown);
}

/* ---- the caller's ---------------------------------------------------------------------------- */

static void play_caller(int i, struct shown *shown)
{
    struct own_report *report = own_report(i), *other = own_report(i + 1);
    char *text = own_text(i), *none = own_text(-1);

    show(shown, " %s %d", report->title, (uintptr_t)report % 16 == 0);
    for (int k = 0; k < report->n_lines; k++) {
        show(shown, "; %s %.3Lf %d", or_null(report->lines[k].text), report->lines[k].weight,
             (uintptr_t)&report->lines[k] % 16 == 0);
    }
    /* It is the program's: it may write to it, and let it grow. */
    memset(report->title, 'T', strlen(report->title));
    show(shown, " %d", malloc_usable_size(report) >= sizeof(*report));
    free(report);
    show(shown, " %s", other->title);
    free(other);
    text = realloc(text, 200);
    memset(text + strlen(text), '+', 100);
    text[100] = '\0';
    show(shown, " %s %s", text, or_null(none));
    free(text);
    free(none);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

#define N_NUMBERS 7

static const struct {
    const char *name;
    void (*play)(int i, struct shown *shown);
} scenarios[] = {
    {"static", play_static},       {"threads", play_threads}, {"argument", play_argument},
    {"group", play_group},         {"into", play_into},       {"immortal", play_immortal},
    {"storage", play_storage},     {"caller", play_caller},   {"pool", play_pool},
    {"heap", play_heap},           {"within", play_within},   {"replaced", play_replaced},
    {"words", play_words},         {"passed", play_passed},   {"forked", play_forked},
    {"users", play_users},         {"members", play_members}, {"addresses", play_addresses},
    {"past", play_addresses_past},
};

static void run(void (*play)(int i, struct shown *shown), long n_rounds)
{
    static struct shown first[N_NUMBERS], shown;
    long n_different = 0, n_live = 0;

    for (long i = 0; i < n_rounds; i++) {
        shown.n_bytes = 0;
        shown.text[0] = '\0';
        play((int)(i % N_NUMBERS), &shown);
        if (i < N_NUMBERS) {
            first[i] = shown;
        }
        if (i < 3 * N_NUMBERS) {
            printf("%ld%s\n", i, shown.text);
        }
        n_different += strcmp(first[i % N_NUMBERS].text, shown.text) != 0;
        if (i == 2 * N_NUMBERS) {
            n_live = counting_live != NULL ? counting_live() : 0;
        }
    }
    printf("%ld rounds, %ld differ; %ld blocks and %ld nodes left\n", n_rounds, n_different,
           counting_live != NULL ? counting_live() - n_live : 0, own_pool_count());
}

int main(int n_arguments, char **arguments)
{
    FILE *trace = n_arguments == 4 ? fopen(arguments[3], "w") : NULL;

    if (trace == NULL) {
        return 2;
    }
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(scenarios[i].name, arguments[1]) == 0) {
            run(scenarios[i].play, atol(arguments[2]));
            fprintf(trace, "%ld\n", own_n_real());
            return fclose(trace);
        }
    }
    return 2;
}
