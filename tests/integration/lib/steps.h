// SPDX-License-Identifier: MIT
/* What steps.c steps through, and the calls by which it interrupts. */
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>

/* Calls of counted_square and counted_length that were begun. */
extern _Atomic long n_square, n_length;

/* Answers that were wrong: each says so on standard error. */
extern _Atomic long n_wrong;

void expect(bool holds, const char *what);
void call_right(long x);
void call_length(const char *text, long length);

/* The last key of the act "miss". */
extern long last_key;

/* Loads the plugin that STEPS_PLUGIN names, if there is one, and keeps it. */
void load_plugin(void);

/* Loads the one that STEPS_OTHER names, and unloads it. */
void use_loader(void);

/* The act of this name, or NULL; the second prints what acts found. */
void (*find_act(const char *name))(void);
void show_found(void);

#endif
