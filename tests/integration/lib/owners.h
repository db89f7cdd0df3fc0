// SPDX-License-Identifier: MIT
/* What owners.c and owners_lists.c share: what a round shows, and the scenarios of the latter. */
#ifndef OWNERS_H
#define OWNERS_H

#include <stddef.h>

struct shown {
    char text[2048];
    size_t n_bytes;
};

void show(struct shown *shown, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *or_null(const char *text);

/* Round number i. */
void play_pool(int i, struct shown *shown);
void play_heap(int i, struct shown *shown);
void play_within(int i, struct shown *shown);
void play_replaced(int i, struct shown *shown);
void play_words(int i, struct shown *shown);
void play_passed(int i, struct shown *shown);
void play_forked(int i, struct shown *shown);

#endif
