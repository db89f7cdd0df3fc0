// SPDX-License-Identifier: MIT
#include "cli/program.h"

#include "cli/elf_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEFAULT_PATH         "/bin:/usr/bin" /* execvp's, when PATH is not set */
#define INTERPRETERS_MAX     5               /* a script run by a script ..., as the kernel */
#define SCRIPT_LINE_MAX      256             /* BINPRM_BUF_SIZE */
#define FALLBACK_INTERPRETER "/bin/sh"       /* execvp's, for text without "#!" */

/* 0 if path is a file that may be executed, else -errno. */
static int check_executable(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EACCES;
    }
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

int program_find(const char *name, char *ret_path, size_t n_room)
{
    const char *folders = getenv("PATH"), *folder;
    int error, found = -ENOENT;

    if (*name == '\0') {
        return -ENOENT;
    }
    if (strchr(name, '/') != NULL) {
        if ((size_t)snprintf(ret_path, n_room, "%s", name) >= n_room) {
            return -ENAMETOOLONG;
        }
        return check_executable(name);
    }
    for (folder = folders != NULL ? folders : DEFAULT_PATH; folder != NULL;) {
        size_t n_bytes = strcspn(folder, ":");
        int n = snprintf(ret_path, n_room, "%.*s%s%s", (int)n_bytes, folder, n_bytes > 0 ? "/" : "",
                         name); /* an empty one is the current folder */

        error = n < 0 || (size_t)n >= n_room ? -ENAMETOOLONG : check_executable(ret_path);
        if (error == 0) {
            return 0;
        }
        if (error == -EACCES) {
            found = error;
        }
        folder = folder[n_bytes] == ':' ? folder + n_bytes + 1 : NULL;
    }
    return found;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* What stands behind "#!" in the open file, or "" if it does not begin so. */
static void read_script_line(int fd, char ret_interpreter[SCRIPT_LINE_MAX])
{
    char line[SCRIPT_LINE_MAX];
    ssize_t n_read = pread(fd, line, sizeof(line) - 1, 0);
    char *begin;

    line[n_read > 0 ? n_read : 0] = '\0';
    ret_interpreter[0] = '\0';
    if (strncmp(line, "#!", 2) == 0) {
        begin = line + 2 + strspn(line + 2, " \t");
        begin[strcspn(begin, " \t\n")] = '\0';
        strcpy(ret_interpreter, begin); /* cut from line, so no longer */
    }
}

static const char *judge_elf(const char *path, int fd, const struct elf_file *file, char *room,
                             size_t n_room)
{
    const char *reason = NULL;
    struct stat status;

    if (file->is_32bit) {
        reason = "is a 32-bit program, and memoshim is not";
    } else if (file->is_foreign) {
        reason = "is a program for another processor";
    } else if (file->interpreter[0] == '\0' && file->is_go) {
        reason = "is linked by Go without the dynamic linker, so a preload cannot reach it";
    } else if (file->interpreter[0] == '\0' && !file->is_shared) {
        reason = "is statically linked, so a preload cannot reach it";
    } else if (strncmp(base_name(file->interpreter), "ld-musl", 7) == 0) {
        reason = "is linked with musl, and memoshim with the GNU C library";
    } else if (fstat(fd, &status) == 0 && (status.st_mode & S_ISUID) != 0) {
        reason = "is set-user-ID, so the dynamic linker ignores preloads in it";
    } else if (fstat(fd, &status) == 0 && (status.st_mode & S_ISGID) != 0) {
        reason = "is set-group-ID, so the dynamic linker ignores preloads in it";
    } else if (fgetxattr(fd, "security.capability", NULL, 0) > 0) {
        reason = "has file capabilities, so the dynamic linker ignores preloads in it";
    }
    if (reason == NULL) {
        return NULL;
    }
    snprintf(room, n_room, "%s %s", path, reason);
    return room;
}

const char *program_refused(const char *path, char *room, size_t n_room)
{
    static struct elf_file file;
    char interpreter[SCRIPT_LINE_MAX];
    const char *refused = NULL;

    for (unsigned i = 0; i < INTERPRETERS_MAX; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), error;

        if (fd < 0) {
            return NULL; /* may be executable without being readable */
        }
        error = elf_file_read(fd, &file);
        if (error == 0) {
            refused = judge_elf(path, fd, &file, room, n_room);
            close(fd);
            return refused;
        }
        if (error != -ENOEXEC) {
            close(fd);
            return NULL;
        }
        read_script_line(fd, interpreter);
        close(fd);
        path = interpreter[0] != '\0' ? interpreter : FALLBACK_INTERPRETER;
    }
    return NULL;
}
