// SPDX-License-Identifier: MIT
/* The process's own map of its memory, read without allocating, to be compared as text. */
#ifndef TESTS_INTERPOSE_MAPS_H
#define TESTS_INTERPOSE_MAPS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct maps {
    char text[1 << 17];
    size_t n_bytes;
};

static inline void maps_read(struct maps *maps)
{
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    ssize_t n_read;

    maps->n_bytes = 0;
    while ((n_read = read(file, maps->text + maps->n_bytes,
                          sizeof(maps->text) - 1 - maps->n_bytes)) > 0) {
        maps->n_bytes += (size_t)n_read;
    }
    maps->text[maps->n_bytes] = '\0';
    close(file);
}

/* True when some mapping is writable and executable at once. */
static inline bool maps_have_wx(const struct maps *maps)
{
    for (const char *line = maps->text; *line != '\0';) {
        const char *space = strchr(line, ' ');

        if (space[2] == 'w' && space[3] == 'x') {
            return true;
        }
        line = strchr(line, '\n') + 1;
    }
    return false;
}

#endif
