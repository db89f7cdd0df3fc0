// SPDX-License-Identifier: MIT
/* Functions that read something besides their arguments. */
#ifndef TESTS_READING_H
#define TESTS_READING_H

extern long reading_n_calls; /* real ones, of all threads */

const char *reading_variable(int x); /* of READING */
long reading_file(int x);            /* the number in the file that READING_FILE names */
long reading_zone(long time);        /* the local hour, as localtime finds it */
long reading_folder(int x);          /* whether a file called "here" is in it */
long reading_ids(int x);             /* the effective group */
const char *reading_locale(int x);   /* the character set */
long reading_thread(int x);          /* a number of the thread's own */
double reading_third(double x);      /* x / 3, rounded as the mode says */

/* The next call of reading_file does this before it reads. */
extern void (*reading_meanwhile)(void);
extern __thread long reading_own;

#endif
