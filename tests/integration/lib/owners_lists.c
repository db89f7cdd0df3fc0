// SPDX-License-Identifier: MIT
/*
 * The scenarios of owners.c in which the program gets what a function of the library frees: lists
 * that it takes apart and joins, and lists that go to other threads and processes.
 */
#include "owners.h"
#include "owning.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- lists ----------------------------------------------------------------------------------- */

/* The functions of one kind of list. */
struct kind {
    struct own_node *(*list)(int first, int n);
    void (*free)(struct own_node *list);
};

static struct own_node *heap_list(int first, int n)
{
    struct own_node *list = (struct own_node *)1;

    return own_heap_list(first, n, &list) == 0 ? list : NULL;
}

static struct own_node *pool_list(int first, int n)
{
    return own_pool_list(first, n);
}

static void pool_free(struct own_node *list)
{
    own_pool_free(list);
}

static void heap_free(struct own_node *list)
{
    own_heap_free(list);
}

static const struct kind pool = {pool_list, pool_free};
static const struct kind heap = {heap_list, heap_free};
static const struct kind heap_within = {heap_list, own_heap_free_within};

static void show_list(struct shown *shown, const struct own_node *list)
{
    for (; list != NULL; list = list->next) {
        show(shown, " %d=%s", list->id, or_null(list->text));
    }
    show(shown, ";");
}

static struct own_node *reverse(struct own_node *list)
{
    struct own_node *reversed = NULL;

    while (list != NULL) {
        struct own_node *next = list->next;

        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static struct own_node *last_of(struct own_node *list)
{
    while (list->next != NULL) {
        list = list->next;
    }
    return list;
}

static _Atomic int n_never_seen;

/* A list that nobody has asked for before. */
static struct own_node *new_list(const struct kind *kind, int n)
{
    return kind->list(1000000 + 10 * n_never_seen++, n);
}

/* Node by node to a new list, of which every second goes to the front. */
static struct own_node *shuffle(struct own_node *a, struct own_node *b)
{
    struct own_node *list = NULL, *end = NULL;

    while (a != NULL || b != NULL) {
        struct own_node **from = a != NULL ? &a : &b, *node = *from, *other = a != NULL ? b : NULL;

        *from = node->next;
        node->next = list;
        list = node;
        end = end == NULL ? node : end;
        if (other != NULL) {
            b = other->next;
            other->next = NULL;
            end->next = other;
            end = other;
        }
    }
    return list;
}

static void play_list(const struct kind *kind, int i, struct shown *shown)
{
    struct own_node *list = kind->list(i, 4), *rest, *other;

    show_list(shown, list);
    kind->free(list); /* as it is */

    list = kind->list(i, 4);
    rest = list->next->next;
    list->next->next = NULL;
    kind->free(rest); /* in two parts, the end first */
    show_list(shown, list);
    kind->free(list);

    list = reverse(kind->list(i, 4));
    show_list(shown, list);
    kind->free(list); /* the other way round */

    list = kind->list(i, 3);
    list->next->id = -1; /* it is the program's to write to */
    other = new_list(kind, 3);
    last_of(list)->next = other; /* a remembered one, then a new one */
    kind->free(list);
    other = new_list(kind, 3);
    last_of(other)->next = kind->list(i, 3); /* and before it */
    kind->free(other);
    kind->free(shuffle(kind->list(i, 4), new_list(kind, 4)));
    kind->free(shuffle(new_list(kind, 4), kind->list(i, 4)));

    for (list = kind->list(i, 4); list != NULL; list = rest) {
        rest = list->next;
        list->next = NULL;
        kind->free(list); /* one by one */
    }
    kind->free(kind->list(i, 0));
    kind->free(NULL);
    show(shown, " %ld", own_pool_count());
}

void play_pool(int i, struct shown *shown)
{
    play_list(&pool, i, shown);
}

void play_heap(int i, struct shown *shown)
{
    play_list(&heap, i, shown);
}

/* The library frees by a way that nobody sees, now and then. */
void play_within(int i, struct shown *shown)
{
    play_list(i % 2 == 0 ? &heap_within : &heap, i, shown);
}

/* The text is replaced, as a program may that knows where it comes from. */
void play_replaced(int i, struct shown *shown)
{
    struct own_node *list = heap_list(i, 3);

    free(list->text);
    list->text = strdup("another text");
    free(list->next->text);
    list->next->text = NULL;
    show_list(shown, list);
    own_heap_free(list);
}

void play_words(int i, struct shown *shown)
{
    static const char *const texts[] = {"one two  three", "", "four", "a b c d e f g h i j"};
    struct own_handle *handle = own_open(i);
    char **words = (char **)1;
    int n = own_words(handle, &words, texts[i % 4]);

    for (int k = 0; k < n; k++) {
        show(shown, " %s", words[k]);
    }
    own_words_free(handle, &words, n);
    show(shown, " %d %d", n, words == NULL);
    own_close(handle);
}

/* ---- lists that go elsewhere ----------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct own_node *passed_on[8];

/* Each frees what another one has asked for. */
static void *pass_on(void *number)
{
    for (int i = 0; i < 2000; i++) {
        struct own_node *list = pool_list((int)(intptr_t)number + i % 16, 3), *other;

        pthread_mutex_lock(&mutex);
        other = passed_on[i % 8];
        passed_on[i % 8] = list;
        pthread_mutex_unlock(&mutex);
        if (other != NULL && other->id + 2 != last_of(other)->id) {
            abort();
        }
        own_pool_free(other);
    }
    return NULL;
}

void play_passed(int i, struct shown *shown)
{
    pthread_t threads[4];

    for (int k = 0; k < 4; k++) {
        pthread_create(&threads[k], NULL, pass_on, (void *)(intptr_t)(i + k));
    }
    for (int k = 0; k < 4; k++) {
        pthread_join(threads[k], NULL);
    }
    for (int k = 0; k < 8; k++) {
        own_pool_free(passed_on[k]);
        passed_on[k] = NULL;
    }
    show(shown, " %ld", own_pool_count());
}

/* Both the parent and the child free what the parent has asked for. */
void play_forked(int i, struct shown *shown)
{
    struct own_node *list = pool_list(i, 4);
    int status;
    pid_t child;

    fflush(stdout); /* valgrind writes the child's copy */
    child = fork();
    if (child == 0) {
        struct own_node *own = pool_list(i, 4);

        own_pool_free(list);
        own_pool_free(own);
        _exit((int)own_pool_count());
    }
    waitpid(child, &status, 0);
    show_list(shown, list);
    own_pool_free(list);
    show(shown, " %d %ld", status, own_pool_count());
}
