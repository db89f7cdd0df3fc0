// SPDX-License-Identifier: MIT
/* What the preload of the early test and its program tell each other. */
#ifndef TESTS_INTERPOSE_EARLY_H
#define TESTS_INTERPOSE_EARLY_H

extern int early_calls;        /* redirected calls */
extern int early_result;       /* of init and apply */
extern unsigned early_mallocs; /* of the program's, while the preload was at work */

extern unsigned program_mallocs; /* calls of the program's own malloc */

#endif
