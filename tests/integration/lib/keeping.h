// SPDX-License-Identifier: MIT
/*
 * A library that makes secrets of secrets, and leaves no trace of them in its own memory. Counts
 * how often its functions really ran.
 */
#ifndef KEEPING_H
#define KEEPING_H

#include <stddef.h>
#include <stdint.h>

extern long keeping_n_calls;

/* n bytes that follow from the phrase. */
int keeping_derive(const char *phrase, unsigned char *ret_key, size_t n);

/* A text of 40 letters that follows from the phrase, in room, which has space for it. */
char *keeping_token(const char *phrase, char *room);

/* 64 bits that follow from the phrase. */
uint64_t keeping_number(const char *phrase);

/* Whatever was remembered of them is to be forgotten. */
void keeping_forget(void);

#endif
