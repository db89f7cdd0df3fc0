// SPDX-License-Identifier: MIT
/* Functions that read something besides their arguments. */
#ifndef TESTS_READING_H
#define TESTS_READING_H

extern long reading_n_calls; /* real ones, of all threads */

const char *reading_variable(int x); /* of READING */
long reading_file(int x);            /* the number in the file that READING_FILE names */
long reading_zone(long time);        /* the local hour, as localtime finds it */
long reading_folder(int x);          /* whether a file called "here" is in it */
long reading_ids(int x);             /* the group for files, else the effective one */
const char *reading_locale(int x);   /* the character set */
long reading_thread(int x);          /* a number of the thread's own */
double reading_third(double x);      /* x / 3, rounded as the mode says */

long reading_path(const char *path);                      /* the number in it */
long reading_joined(char *const texts[], int *ret_texts); /* bytes of all, and how many they are */
double reading_scaled(double x, const double *by);        /* x * by[0] * by[1] */

/* The next call of reading_file does this before it reads. */
extern void (*reading_meanwhile)(void);
extern __thread long reading_own;

#endif
