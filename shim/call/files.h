// SPDX-License-Identifier: MIT
/*
 * Files that a function's results hang on: whether they changed, appeared or went.
 */
#ifndef CALL_FILES_H
#define CALL_FILES_H

#include "base/arena.h"
#include "base/file_state.h"
#include "base/lock.h"
#include "config/config.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct watched_file {
    const char *path;
    uint64_t check_every_ns;
    _Atomic uint64_t next_check_ns; /* clock_coarse_ns */
    struct file_state seen;         /* guarded by the lock, as all below */
    bool was_seen;
    bool is_settled; /* false: it changed so lately that one more change could look the same */
};

struct watched_files {
    struct watched_file *files;
    uint32_t n;
    struct lock lock; /* LOCK_RANK_FILES */
};

/* Those of the function's rules, not looked at yet. 0 or -ENOMEM. */
int files_init(struct watched_files *files, const struct config_function *function,
               struct arena *arena);
void files_after_fork(struct watched_files *files);

/*
 * Looks at those whose time has come. True: one is not what it was when it was last looked at, or
 * may not be, or that is not known. fence(context) is called before any other thread can find out
 * that the file is what it is now; two threads may both be told of one change.
 */
bool files_have_changed(struct watched_files *files, void (*fence)(void *context), void *context);

#endif
