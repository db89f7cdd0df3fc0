// SPDX-License-Identifier: MIT
/* See changing.h. Calls from within go past whoever stands in between: everything is static. */
#include "changing.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_USERS 32
#define N_DBS   16
#define N_KEYS  64

static struct {
    char name[32];
    int id;
} users[N_USERS];

struct changing_db {
    int is_open;
    long values[N_KEYS];
};

static struct changing_db dbs[N_DBS];
static int last_closed = -1;
static long total;
static _Atomic long n_real;

long changing_n_real(void)
{
    return n_real;
}

int changing_user(const char *name)
{
    n_real++;
    for (int i = 0; i < N_USERS; i++) {
        if (strcmp(users[i].name, name) == 0) {
            return users[i].id;
        }
    }
    return -1;
}

void changing_set_user(const char *name, int id)
{
    for (int i = 0; i < N_USERS; i++) {
        if (users[i].name[0] == '\0' || strcmp(users[i].name, name) == 0) {
            snprintf(users[i].name, sizeof(users[i].name), "%s", name);
            users[i].id = id;
            return;
        }
    }
}

void changing_end_users(void)
{
}

void changing_forget_user(int why, const char *name)
{
}

struct changing_db *changing_open(int origin)
{
    int at = last_closed >= 0 ? last_closed : 0;

    while (dbs[at].is_open) {
        at = (at + 1) % N_DBS;
    }
    last_closed = -1;
    dbs[at].is_open = 1;
    for (int i = 0; i < N_KEYS; i++) {
        dbs[at].values[i] = origin * 1000L + i;
    }
    return &dbs[at];
}

long changing_get(struct changing_db *db, int key)
{
    n_real++;
    return db->values[key];
}

void changing_put(struct changing_db *db, int key, long value)
{
    db->values[key] = value;
}

void changing_close(struct changing_db *db)
{
    db->is_open = 0;
    last_closed = (int)(db - dbs);
}

long changing_total(long x)
{
    n_real++;
    return total + x;
}

long changing_add(int n, ...)
{
    va_list list;

    va_start(list, n);
    for (int i = 0; i < n; i++) {
        total += i % 2 == 0 ? va_arg(list, long) : (long)va_arg(list, double);
    }
    va_end(list);
    return total;
}

long changing_setting(int default_value)
{
    const char *path = getenv("CHANGING_FILE");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    long value = default_value;

    n_real++;
    if (file != NULL) {
        if (fscanf(file, "%ld", &value) != 1) {
            value = -1;
        }
        fclose(file);
    }
    return value;
}

void changing_add_and_leave(long amount, void (*leave)(void))
{
    total += amount;
    leave();
}
