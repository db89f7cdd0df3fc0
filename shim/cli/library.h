// SPDX-License-Identifier: MIT
/* Finding the libmemoshim.so that belongs to this command. */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include <stddef.h>

/*
 * The absolute path of the library: MEMOSHIM_LIBRARY if that is set; else beside the build tree's
 * command; else where the installation that this command is part of has it. On failure -errno, with
 * the last path that was tried in ret_path.
 */
int library_find(char *ret_path, size_t n_room);

#endif
