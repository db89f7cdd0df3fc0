// SPDX-License-Identifier: MIT
/* Functions whose answers are right until something is called, and those that change the answers.
 */
#ifndef CHANGING_H
#define CHANGING_H

/* How often the functions that answer really ran. */
long changing_n_real(void);

/* A data base of users that is read once and kept until it is closed, as getpwnam's. */
int changing_user(const char *name);
void changing_set_user(const char *name, int id);
void changing_end_users(void);
void changing_forget_user(int why, const char *name);

/* Handles; one that was closed is the next to be opened again. */
struct changing_db;
struct changing_db *changing_open(int origin);
long changing_get(struct changing_db *db, int key);
void changing_put(struct changing_db *db, int key, long value);
void changing_close(struct changing_db *db);

/* A number for all, changed by a variadic function that adds up what it is given. */
long changing_total(long x);
long changing_add(int n, ...);

/* The first number in a file. */
long changing_setting(int default_value);

/* Changes the total and leaves by calling leave(). */
void changing_add_and_leave(long amount, void (*leave)(void));

#endif
