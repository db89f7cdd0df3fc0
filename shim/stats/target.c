// SPDX-License-Identifier: MIT
#include "stats/target.h"

#include "base/foreign_libc.h"
#include "stats/format.h"
#include <errno.h>
#include <string.h>

static void append_program(struct format *out, const char *program)
{
    for (; *program != '\0'; program++) {
        format_bytes(out, *program == '/' ? "_" : program, 1);
    }
}

int target_expand(const char *pattern, const char *program, int64_t pid, char *ret_path,
                  size_t n_room)
{
    struct format out;

    if (pattern[0] == '\0') {
        return -EINVAL;
    }
    format_init(&out, ret_path, n_room, NULL);
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            format_bytes(&out, pattern, 1);
            continue;
        }
        pattern++;
        switch (*pattern) {
        case 'p':
            format_signed(&out, pid);
            break;
        case 'n':
            append_program(&out, program);
            break;
        case '%':
            format_bytes(&out, "%", 1);
            break;
        default:
            return -EINVAL;
        }
    }
    if (out.n_used == n_room) {
        return -ENAMETOOLONG;
    }
    ret_path[out.n_used] = '\0';
    return 0;
}

const char *stats_target_problem(int error)
{
    return error == -EEXIST
               ? "it is no regular file, which would be replaced (\"stderr\" is standard error)"
               : strerrordesc_np(-error);
}
