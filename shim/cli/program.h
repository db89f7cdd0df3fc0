// SPDX-License-Identifier: MIT
/* Finding the program that is to be run, and whether a preload can reach it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <stddef.h>

/*
 * Where execvp would find name: a path as it stands, or the first executable file of that name in
 * the folders of PATH. 0; -ENOENT; -EACCES when something is there that may not be executed;
 * -ENAMETOOLONG.
 */
int program_find(const char *name, char *ret_path, size_t n_room);

/*
 * Why a preload cannot reach the program at path: a sentence without full stop, in room; NULL when
 * it can, or when nothing can be said (execution will tell). Scripts are judged by what runs them.
 */
const char *program_refused(const char *path, char *room, size_t n_room);

#endif
