// SPDX-License-Identifier: MIT
/*
 * Functions that hand out memory, one for each way in which memory can belong to somebody. All but
 * the handles are pure functions of what they are given.
 */
#ifndef OWNING_H
#define OWNING_H

#include <stddef.h>

/* How often functions that hand something out really ran. */
long own_n_real(void);

/* ---- static: until the thread's next call ---------------------------------------------------- */

struct own_user {
    char *name;
    int id;
    char **groups; /* ends with NULL */
};

/* NULL for a negative id. */
const struct own_user *own_user(int id);

/* ---- storage: in the caller's buffer; ERANGE when it is too small ---------------------------- */

int own_user_r(int id, struct own_user *user, char *buf, size_t buflen, struct own_user **result);

/* ---- static to a handle; into the caller's memory; one for two functions --------------------- */

struct own_handle;
struct own_handle *own_open(int number);
void own_close(struct own_handle *handle);
const char *own_message(struct own_handle *handle, int code);

struct own_time {
    int hour, minute;
    const char *zone; /* never goes */
};
const struct own_time *own_local(int seconds);
const struct own_time *own_utc(int seconds);

/* "first/second" one byte into room, or NULL when it does not fit. */
char *own_join(char *room, size_t n_room, const char *first, const char *second);

/* Never goes. */
const char *own_unit(int number);

/* ---- the caller's: free ---------------------------------------------------------------------- */

struct own_line {
    char *text;
    long double weight;
};
struct own_report { /* one block with all that hangs on it */
    int n_lines;
    char *title;
    struct own_line *lines;
};
struct own_report *own_report(int number);
char *own_text(int number);

/* ---- freed by a function --------------------------------------------------------------------- */

struct own_node {
    int id;
    char *text;
    struct own_node *next;
};

/* Nodes from a pool, in which their text is; own_pool_free ends the program for any other. */
struct own_node *own_pool_list(int first, int n);
void own_pool_free(struct own_node *list);
long own_pool_count(void); /* nodes in use */

/* Nodes and text from malloc, each by itself. */
int own_heap_list(int first, int n, struct own_node **ret_list);
void own_heap_free(struct own_node *list);
void own_heap_free_within(struct own_node *list); /* calls the former past everybody */

/* An array and texts from malloc. */
int own_words(struct own_handle *handle, char ***ret_words, const char *text);
void own_words_free(struct own_handle *handle, char ***words, int n);

#endif
