// SPDX-License-Identifier: MIT
/* Following the objects that come and go while the program runs. */
#ifndef INTERPOSE_LATER_H
#define INTERPOSE_LATER_H

/* The next look counts the slots of all later objects anew. Under the patch lock. */
void later_recount_locked(void);

/* In a new child of fork. */
void later_after_fork(void);

#endif
