// SPDX-License-Identifier: MIT
/* Functions each of which memoshim reaches, or does not, for a reason of its own. */
#ifndef CHECK_SUBJECT_H
#define CHECK_SUBJECT_H

/* In the library: called by way of the PLT, and by the library itself; the former alone. */
int subject_inner(int x);
int subject_plain(int x);

int subject_got(int x) __attribute__((noplt)); /* by way of the GOT */
int subject_pointed(int x);                    /* static pointers of the program's */
int subject_copied(int x);                     /* a pointer of the library's, copied */
int subject_packed(int x);                     /* a pointer at an odd address */
int subject_chosen(int x);                     /* an IFUNC */
int subject_protected(int x);                  /* of protected visibility */
int subject_code(int x);                       /* with another name: */
int subject_other_name(int x);
int subject_unused(int x); /* called by nobody */
int subject_old(int x);    /* two versions of one name */
int subject_new(int x);
int subject_distance(int x) __asm__("_ZN7subject8distanceEi"); /* of C++ */

extern int (*subject_table)(int);
extern int subject_data;

/* In another library, which is linked with -Bsymbolic. */
int subject_symbolic(int x);

/* In the program, called by the library as well. */
int subject_callback(int x);

#endif
