// SPDX-License-Identifier: MIT
/* What the preload of the early test and its program tell each other. */
#ifndef TESTS_INTERPOSE_EARLY_H
#define TESTS_INTERPOSE_EARLY_H

extern int early_calls;        /* redirected calls */
extern int early_result;       /* of init and apply */
extern unsigned early_mallocs; /* of the program's, while the preload was at work */

extern void *early_real_dlsym; /* what it found as the next dlsym */

/* Not from <dlfcn.h>: the program and the preload of chain.c each define one of their own. */
void *dlsym(void *handle, const char *symbol);
void *chain_dlsym(void); /* the address of chain.c's */

extern unsigned program_mallocs; /* calls of the program's own malloc */

#endif
