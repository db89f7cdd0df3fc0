// SPDX-License-Identifier: MIT
/* See owning.h. Calls from within go past whoever stands in between. */
#include "owning.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic long n_real;

long own_n_real(void)
{
    return n_real;
}

/* ---- users ----------------------------------------------------------------------------------- */

/* Fills the buffer as getpwnam_r does; 0 or ERANGE. */
static int fill_user(int id, struct own_user *user, char *buf, size_t n_bytes)
{
    char *end = buf + n_bytes, *text;
    int n_groups = id % 4;

    text = (char *)(((uintptr_t)buf + sizeof(char *) - 1) & ~(sizeof(char *) - 1));
    if (text > end || (size_t)(end - text) < (size_t)(n_groups + 1) * sizeof(char *)) {
        return ERANGE;
    }
    user->id = id;
    user->groups = (char **)(void *)text;
    text += (size_t)(n_groups + 1) * sizeof(char *);
    for (int i = -1; i < n_groups; i++) {
        int n = snprintf(text, (size_t)(end - text), "%s%d%.*s", i < 0 ? "user" : "group",
                         i < 0 ? id : id * 10 + i, i < 0 ? id % 50 : 0,
                         "with a name that is longer than those of the others");

        if (n >= end - text) {
            return ERANGE;
        }
        *(i < 0 ? &user->name : &user->groups[i]) = text;
        text += n + 1;
    }
    user->groups[n_groups] = NULL;
    return 0;
}

const struct own_user *own_user(int id)
{
    static _Thread_local struct own_user user;
    static _Thread_local char room[512];

    n_real++;
    return id < 0 || fill_user(id, &user, room, sizeof(room)) != 0 ? NULL : &user;
}

int own_user_r(int id, struct own_user *user, char *buf, size_t buflen, struct own_user **result)
{
    int error;

    n_real++;
    *result = NULL;
    if (id < 0) {
        return 0; /* not found: *user is what it was */
    }
    error = fill_user(id, user, buf, buflen);
    if (error == 0) {
        *result = user;
    }
    return error;
}

/* ---- handles and others ---------------------------------------------------------------------- */

struct own_handle {
    int number;
    char message[64];
};

struct own_handle *own_open(int number)
{
    struct own_handle *handle = calloc(1, sizeof(*handle));

    handle->number = number;
    return handle;
}

void own_close(struct own_handle *handle)
{
    memset(handle->message, 'X', sizeof(handle->message) - 1);
    free(handle);
}

const char *own_message(struct own_handle *handle, int code)
{
    n_real++;
    snprintf(handle->message, sizeof(handle->message), "handle %d: code %d%.*s", handle->number,
             code, code % 30, "..............................");
    return handle->message;
}

static struct own_time now;

static const struct own_time *set_time(int seconds, const char *zone)
{
    n_real++;
    now = (struct own_time){seconds / 3600 % 24, seconds / 60 % 60, zone};
    return &now;
}

const struct own_time *own_local(int seconds)
{
    return set_time(seconds + 3600, "CET");
}

const struct own_time *own_utc(int seconds)
{
    return set_time(seconds, "UTC");
}

char *own_join(char *room, size_t n_room, const char *first, const char *second)
{
    n_real++;
    if (strlen(first) + strlen(second) + 3 > n_room) {
        return NULL;
    }
    room[0] = '>';
    snprintf(room + 1, n_room - 1, "%s/%s", first, second);
    return room + 1;
}

static const char units[8][8] = {"m", "s", "kg", "A", "K", "mol", "cd", "rad"};

const char *own_unit(int number)
{
    n_real++;
    return number < 0 ? NULL : units[number % 8];
}

/* ---- the caller's ---------------------------------------------------------------------------- */

struct own_report *own_report(int number)
{
    size_t n_lines = (size_t)(number % 5);
    struct {
        struct own_report report;
        struct own_line lines[5];
        char texts[6][24];
    } *block = malloc(sizeof(*block));

    n_real++;
    block->report = (struct own_report){(int)n_lines, block->texts[5], block->lines};
    snprintf(block->texts[5], 24, "report %d", number);
    for (size_t i = 0; i < n_lines; i++) {
        snprintf(block->texts[i], 24, "line %u of %d", (unsigned char)i, number);
        block->lines[i] = (struct own_line){i == 3 ? NULL : block->texts[i],
                                            (long double)number / (long double)(i + 1)};
    }
    return &block->report;
}

char *own_text(int number)
{
    char text[64];

    n_real++;
    snprintf(text, sizeof(text), "%d%.*s", number, number % 40,
             "........................................");
    return number < 0 ? NULL : strdup(text);
}

/* ---- freed by a function --------------------------------------------------------------------- */

struct cell {
    struct own_node node;
    char text[24];
    struct cell *next_free;
    int is_used;
};

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cell cells[4096];
static struct cell *free_cells;
static size_t n_cells;
static long n_used;

static void fill_node(struct own_node *node, char *text, int id)
{
    snprintf(text, 24, "node %d", id);
    *node = (struct own_node){.id = id, .text = id % 5 == 0 ? NULL : text};
}

static struct own_node *take_cell(int id)
{
    struct cell *cell;

    pthread_mutex_lock(&pool_mutex);
    cell = free_cells;
    if (cell != NULL) {
        free_cells = cell->next_free;
    } else if (n_cells < sizeof(cells) / sizeof(cells[0])) {
        cell = &cells[n_cells++];
    } else {
        fprintf(stderr, "the pool is empty\n");
        abort();
    }
    cell->is_used = 1;
    n_used++;
    pthread_mutex_unlock(&pool_mutex);
    fill_node(&cell->node, cell->text, id);
    return &cell->node;
}

struct own_node *own_pool_list(int first, int n)
{
    struct own_node *list = NULL;

    n_real++;
    while (n-- > 0) {
        struct own_node *node = take_cell(first + n);

        node->next = list;
        list = node;
    }
    return list;
}

void own_pool_free(struct own_node *list)
{
    while (list != NULL) {
        struct cell *cell = (struct cell *)list;

        list = list->next;
        if (cell < cells || cell >= cells + n_cells || !cell->is_used) {
            fprintf(stderr, "%p is not of the pool\n", (void *)cell);
            abort();
        }
        pthread_mutex_lock(&pool_mutex);
        cell->is_used = 0;
        cell->next_free = free_cells;
        free_cells = cell;
        n_used--;
        pthread_mutex_unlock(&pool_mutex);
    }
}

long own_pool_count(void)
{
    long n;

    pthread_mutex_lock(&pool_mutex);
    n = n_used;
    pthread_mutex_unlock(&pool_mutex);
    return n;
}

int own_heap_list(int first, int n, struct own_node **ret_list)
{
    n_real++;
    if (n < 0) {
        return -1; /* *ret_list is what it was */
    }
    *ret_list = NULL;
    while (n-- > 0) {
        struct own_node *node = malloc(sizeof(*node));
        char text[24];

        fill_node(node, text, first + n);
        node->text = node->text != NULL ? strdup(text) : NULL;
        node->next = *ret_list;
        *ret_list = node;
    }
    return 0;
}

static void free_heap(struct own_node *list)
{
    while (list != NULL) {
        struct own_node *next = list->next;

        free(list->text);
        free(list);
        list = next;
    }
}

void own_heap_free(struct own_node *list)
{
    free_heap(list);
}

void own_heap_free_within(struct own_node *list)
{
    free_heap(list);
}

int own_words(struct own_handle *handle, char ***ret_words, const char *text)
{
    char *copy = strdup(text), *rest = NULL;
    int n = 0;

    n_real++;
    *ret_words = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char **larger = realloc(*ret_words, (size_t)(n + 1) * sizeof(*larger));

        larger[n++] = strdup(word);
        *ret_words = larger;
    }
    free(copy);
    return n;
}

void own_words_free(struct own_handle *handle, char ***words, int n)
{
    for (int i = 0; i < n; i++) {
        free((*words)[i]);
    }
    free(*words);
    *words = NULL;
}
