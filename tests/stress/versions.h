// SPDX-License-Identifier: MIT
/* Answers that grow older: each is the version of something when the function looked at it. */
#ifndef VERSIONS_H
#define VERSIONS_H

#define N_SUBJECTS 16

/* Looks, takes a while, and tells what it saw. */
long versions_look(long subject, int key);
long versions_look_at_all(int key);

/* What the one before says, which it calls: each may be remembered. */
long versions_look_twice(int key);
long versions_look_thrice(int key);

/* Changes one subject, or all there is; takes a while before and after the change. */
void versions_change(int why, long subject);
int versions_change_all(const char *format, ...);

#endif
