// SPDX-License-Identifier: MIT
/*
 * What the kernel says of a path: whether the file is there, and whether it is still the same one
 * with the same content, as device, inode, size and times tell.
 */
#ifndef BASE_FILE_STATE_H
#define BASE_FILE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct file_state {
    int error; /* why nothing can be said of it: ENOENT, mostly; else 0 */
    bool is_regular;
    uint64_t device, inode, size;
    struct timespec modified, changed; /* of its content, of that or of what is said here */
};

/* Follows links. One system call, past whatever stands in libc's place; errno is kept. */
struct file_state file_state_read(const char *path);

/* The same of a link itself, if path is one. */
struct file_state file_state_read_link(const char *path);

bool file_state_equals(const struct file_state *a, const struct file_state *b);

/*
 * False: it changed so lately that one more change could leave the same state. now: clock_wall,
 * read before the state. A date from the future is another clock's, from which nothing follows.
 */
bool file_state_is_settled(const struct file_state *state, struct timespec now);

/* Nanoseconds from its last change to then; negative if that came later. 0 for what is not there.
 */
int64_t file_state_age_ns(const struct file_state *state, struct timespec then);

#endif
