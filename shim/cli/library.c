// SPDX-License-Identifier: MIT
#include "cli/library.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY_NAME "libmemoshim.so"

/* 0 and the canonical path if a readable file is there; else -errno and path as it is. */
static int try_path(const char *path, char *ret_path, size_t n_room)
{
    char *canonical = realpath(path, NULL);
    int error = canonical == NULL || access(canonical, R_OK) != 0 ? -errno : 0;
    int n_bytes = snprintf(ret_path, n_room, "%s", error == 0 ? canonical : path);

    free(canonical);
    return n_bytes < 0 || (size_t)n_bytes >= n_room ? -ENAMETOOLONG : error;
}

/* path without its last n components; false if it has not so many. */
static bool cut_components(char *path, unsigned n)
{
    for (; n > 0; n--) {
        char *slash = strrchr(path, '/');

        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    return true;
}

static unsigned count_components(const char *path)
{
    unsigned n = 1;

    for (; *path != '\0'; path++) {
        n += *path == '/';
    }
    return n;
}

/*
 * MEMOSHIM_BINDIR and MEMOSHIM_LIBDIR are as meson was told them, usually below the prefix. The
 * prefix is where the command is found without its bindir, so that an installation can be moved.
 */
static int try_installation(const char *command, char *ret_path, size_t n_room)
{
    char prefix[PATH_MAX], path[2 * PATH_MAX];

    snprintf(prefix, sizeof(prefix), "%s", command);
    if (MEMOSHIM_LIBDIR[0] == '/' || MEMOSHIM_BINDIR[0] == '/' ||
        !cut_components(prefix, 1 + count_components(MEMOSHIM_BINDIR))) {
        snprintf(prefix, sizeof(prefix), "%s", MEMOSHIM_PREFIX);
    }
    snprintf(path, sizeof(path), "%s%s%s/memoshim/" LIBRARY_NAME,
             MEMOSHIM_LIBDIR[0] == '/' ? "" : prefix, MEMOSHIM_LIBDIR[0] == '/' ? "" : "/",
             MEMOSHIM_LIBDIR);
    return try_path(path, ret_path, n_room);
}

int library_find(char *ret_path, size_t n_room)
{
    const char *named = getenv("MEMOSHIM_LIBRARY");
    char command[PATH_MAX], folder[PATH_MAX], path[PATH_MAX + sizeof("/../" LIBRARY_NAME)];
    ssize_t n_bytes;

    if (named != NULL && named[0] != '\0') {
        return try_path(named, ret_path, n_room);
    }
    n_bytes = readlink("/proc/self/exe", command, sizeof(command) - 1);
    if (n_bytes < 0) {
        snprintf(ret_path, n_room, "/proc/self/exe");
        return -errno;
    }
    command[n_bytes] = '\0';
    memcpy(folder, command, (size_t)n_bytes + 1);
    cut_components(folder, 1);
    snprintf(path, sizeof(path), "%s/../" LIBRARY_NAME, folder);
    if (try_path(path, ret_path, n_room) == 0) {
        return 0;
    }
    return try_installation(command, ret_path, n_room);
}
