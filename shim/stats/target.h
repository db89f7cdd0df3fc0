// SPDX-License-Identifier: MIT
/* Where a dump goes: the template of its path. Internal to stats. */
#ifndef STATS_TARGET_H
#define STATS_TARGET_H

#include <stddef.h>
#include <stdint.h>

/*
 * Expands %p to pid, %n to program and %% to % into ret_path, NUL-terminated. A '/' in the
 * program's name becomes '_': it names a file, never a folder. 0; -EINVAL for any other % or an
 * empty path; -ENAMETOOLONG.
 */
int target_expand(const char *pattern, const char *program, int64_t pid, char *ret_path,
                  size_t n_room);

#endif
