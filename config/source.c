// SPDX-License-Identifier: MIT
/*
 * Finds configuration text and reads it, if nobody but root and the user could have written it.
 * A configuration decides what a program gets for an answer, so it is trusted as a program is.
 * What is checked is the open file and the folders that it was named by and lies in.
 */
#include "config/diag.h"
#include "config/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A libc that lacks it must still load us, if only to find nothing to do: base/foreign_libc.h. */
#pragma weak strerrordesc_np

#define PATH_BYTES 4096 /* PATH_MAX with its NUL */

#define SOURCE_FAIL(list, file, error, name, ...) \
    (REPORT(list, ((struct place){file, 0, 0}), name, ##__VA_ARGS__), (error))

static char *copy_text(struct config_memory memory, const char *text, size_t n_bytes)
{
    char *copy = memory.alloc(memory.context, n_bytes + 1);

    if (copy != NULL) {
        memcpy(copy, text, n_bytes);
    }
    return copy;
}

/* ---- the files as they are ------------------------------------------------------------------- */

/*
 * Asked of the kernel: a preload in the place of libc's functions may show other files and owners
 * (fakeroot), and ends the program when it is called before it could start, as at this time.
 */

static int raw_stat(const char *path, int flags, struct stat *ret_status)
{
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, ret_status, flags);
}

static int raw_fstat(int fd, struct stat *ret_status)
{
    return (int)syscall(SYS_fstat, fd, ret_status);
}

/* ---- who could have written it --------------------------------------------------------------- */

/* The folder that the file at path stands in. */
static int check_folder(const char *path, const char *file, struct diagnostic_list *reterr)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_BYTES];
    struct stat status;

    snprintf(folder, sizeof(folder), "%.*s",
             slash == NULL   ? 1
             : slash == path ? 1
                             : (int)(slash - path),
             slash == NULL ? "." : path);
    if (raw_stat(folder, 0, &status) < 0) {
        return SOURCE_FAIL(reterr, file, -errno, FOLDER_UNREADABLE, folder, strerrordesc_np(errno));
    }
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
        return SOURCE_FAIL(reterr, file, -EPERM, FOLDER_WRITABLE, folder);
    }
    return 0;
}

/* If path is a link, the file itself lies elsewhere. */
static int check_real_folder(int fd, const char *file, struct diagnostic_list *reterr)
{
    char link[64], path[PATH_BYTES];
    ssize_t n_bytes;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n_bytes = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
    if (n_bytes <= 0 || path[0] != '/') {
        return 0; /* no /proc: the folder it was named by was checked */
    }
    path[n_bytes] = '\0';
    return check_folder(path, file, reterr);
}

static int check_file(const struct stat *status, const char *file, struct diagnostic_list *reterr)
{
    if (!S_ISREG(status->st_mode)) {
        return SOURCE_FAIL(reterr, file, -EINVAL, NOT_REGULAR);
    }
    if (status->st_uid != 0 && status->st_uid != (uid_t)syscall(SYS_geteuid)) {
        return SOURCE_FAIL(reterr, file, -EPERM, WRONG_OWNER);
    }
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return SOURCE_FAIL(reterr, file, -EPERM, FILE_WRITABLE);
    }
    if (status->st_size > CONFIG_TEXT_MAX_BYTES) {
        return SOURCE_FAIL(reterr, file, -EFBIG, TOO_LARGE);
    }
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_all(int fd, size_t n_bytes, struct config_memory memory,
                    struct config_source *ret_source, const char *file,
                    struct diagnostic_list *reterr)
{
    char *text = memory.alloc(memory.context, n_bytes + 1);
    size_t n_read = 0;

    if (text == NULL) {
        return SOURCE_FAIL(reterr, file, -ENOMEM, NO_MEMORY);
    }
    while (n_read < n_bytes) {
        ssize_t n = syscall(SYS_read, fd, text + n_read, n_bytes - n_read);

        if (n < 0 && errno != EINTR) {
            return SOURCE_FAIL(reterr, file, -errno, UNREADABLE, strerrordesc_np(errno));
        }
        if (n == 0) {
            break;
        }
        n_read += n > 0 ? (size_t)n : 0;
    }
    ret_source->file = file;
    ret_source->text = text;
    ret_source->n_bytes = n_read;
    return 0;
}

int config_read_file(const char *path, struct config_memory memory,
                     struct config_source *ret_source, struct diagnostic_list *reterr)
{
    const char *file = copy_text(memory, path, strlen(path));
    struct stat status;
    int fd, result;

    if (file == NULL) {
        return SOURCE_FAIL(reterr, path, -ENOMEM, NO_MEMORY);
    }
    /* O_NONBLOCK: a pipe of that name must not hang the program. */
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return SOURCE_FAIL(reterr, file, -errno, UNREADABLE, strerrordesc_np(errno));
    }
    if (raw_fstat(fd, &status) < 0) {
        result = SOURCE_FAIL(reterr, file, -errno, UNREADABLE, strerrordesc_np(errno));
    } else {
        result = check_file(&status, file, reterr);
    }
    if (result == 0) {
        result = check_folder(path, file, reterr);
    }
    if (result == 0) {
        result = check_real_folder(fd, file, reterr);
    }
    if (result == 0) {
        result = read_all(fd, (size_t)status.st_size, memory, ret_source, file, reterr);
    }
    syscall(SYS_close, fd);
    return result;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* The basename, or NULL if there is none that could name a file. */
static const char *program_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : path;

    return name != NULL && name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0
               ? name
               : NULL;
}

/* FOLDER/<program>.json for both names of the program. Results as of config_find. */
static int find_in_folder(const char *folder, const struct config_surroundings *surroundings,
                          struct config_memory memory, struct config_source *ret_source,
                          struct diagnostic_list *reterr)
{
    const char *names[] = {program_name(surroundings->started_as),
                           program_name(surroundings->executable)};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_BYTES];
        struct stat status;
        int n_bytes;

        if (names[i] == NULL || (i > 0 && names[0] != NULL && strcmp(names[i], names[0]) == 0)) {
            continue; /* every process pays for this: one look a folder, not two */
        }
        n_bytes = snprintf(path, sizeof(path), "%s/%s.json", folder, names[i]);
        /* lstat: a link that leads nowhere is there, and said to be unreadable. */
        if (n_bytes < (int)sizeof(path) && raw_stat(path, AT_SYMLINK_NOFOLLOW, &status) == 0) {
            int result = config_read_file(path, memory, ret_source, reterr);

            return result < 0 ? result : 1;
        }
    }
    return 0;
}

static int find_explicit(const struct config_surroundings *surroundings,
                         struct config_memory memory, struct config_source *ret_source,
                         struct diagnostic_list *reterr)
{
    const char *given = surroundings->memoshim_config;
    const char *text = given + strspn(given, " \t\r\n");
    struct stat status;
    int result;

    if (*text == '{') {
        ret_source->file = "MEMOSHIM_CONFIG";
        ret_source->text = copy_text(memory, given, strlen(given));
        ret_source->n_bytes = strlen(given);
        return ret_source->text != NULL
                   ? 1
                   : SOURCE_FAIL(reterr, "MEMOSHIM_CONFIG", -ENOMEM, NO_MEMORY);
    }
    if (raw_stat(given, 0, &status) == 0 && S_ISDIR(status.st_mode)) {
        return find_in_folder(given, surroundings, memory, ret_source, reterr);
    }
    result = config_read_file(given, memory, ret_source, reterr);
    return result < 0 ? result : 1;
}

static const char system_folder[] = "/etc/memoshim";

/* False when there is none. A relative XDG_CONFIG_HOME is to be ignored, says its specification. */
static bool name_user_folder(const struct config_surroundings *surroundings,
                             char ret_folder[static PATH_BYTES])
{
    const char *xdg = surroundings->xdg_config_home, *home = surroundings->home;
    int n_bytes = -1;

    if (xdg != NULL && xdg[0] == '/') {
        n_bytes = snprintf(ret_folder, PATH_BYTES, "%s/memoshim", xdg);
    } else if (home != NULL && home[0] == '/') {
        n_bytes = snprintf(ret_folder, PATH_BYTES, "%s/.config/memoshim", home);
    }
    return n_bytes > 0 && n_bytes < PATH_BYTES;
}

static bool is_explicit(const struct config_surroundings *surroundings)
{
    return surroundings->memoshim_config != NULL && surroundings->memoshim_config[0] != '\0';
}

bool config_may_be_found(const struct config_surroundings *surroundings)
{
    char folder[PATH_BYTES];
    struct stat status;

    /* What is in the way for another reason than that it is not there is said by whoever reads. */
    return is_explicit(surroundings) ||
           (!surroundings->check_only_explicit &&
            ((name_user_folder(surroundings, folder) && raw_stat(folder, 0, &status) == 0) ||
             raw_stat(system_folder, 0, &status) == 0));
}

int config_find(const struct config_surroundings *surroundings, struct config_memory memory,
                struct config_source *ret_source, struct diagnostic_list *reterr)
{
    char folder[PATH_BYTES];
    int result = 0;

    if (is_explicit(surroundings)) {
        return find_explicit(surroundings, memory, ret_source, reterr);
    }
    if (surroundings->check_only_explicit) {
        return 0;
    }
    if (name_user_folder(surroundings, folder)) {
        result = find_in_folder(folder, surroundings, memory, ret_source, reterr);
    }
    if (result == 0) {
        result = find_in_folder(system_folder, surroundings, memory, ret_source, reterr);
    }
    return result;
}
