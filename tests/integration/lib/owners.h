// SPDX-License-Identifier: MIT
/*
 * What owners.c shares with owners_lists.c and owners_names.c: what a round shows, and the
 * scenarios that are there.
 */
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
void play_users(int i, struct shown *shown);
void play_members(int i, struct shown *shown);
void play_addresses(int i, struct shown *shown);
void play_addresses_past(int i, struct shown *shown);

#endif
