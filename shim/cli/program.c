// SPDX-License-Identifier: MIT
#include "cli/program.h"

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

/* What stands behind "#!" in the open file: the interpreter and its argument, or "". */
static void read_script_line(int fd, char ret_interpreter[SCRIPT_LINE_MAX],
                             char ret_argument[SCRIPT_LINE_MAX])
{
    char line[SCRIPT_LINE_MAX];
    ssize_t n_read = pread(fd, line, sizeof(line) - 1, 0);
    char *begin, *end;

    line[n_read > 0 ? n_read : 0] = '\0';
    ret_interpreter[0] = ret_argument[0] = '\0';
    if (strncmp(line, "#!", 2) == 0) {
        line[strcspn(line, "\n")] = '\0';
        begin = line + 2 + strspn(line + 2, " \t");
        end = begin + strcspn(begin, " \t");
        /* Cut from line, so no longer. */
        strcpy(ret_argument, end + strspn(end, " \t"));
        *end = '\0';
        strcpy(ret_interpreter, begin);
    }
}

/*
 * env(1) with the name of a program, as in "#!/usr/bin/env python3" or "#!/usr/bin/env -S perl -w",
 * starts that. True with its path, and its name in place of the argument.
 */
static bool follow_env(const char *interpreter, char argument[SCRIPT_LINE_MAX],
                       char ret_path[PATH_MAX])
{
    char *name = argument;

    if (strcmp(base_name(interpreter), "env") != 0) {
        return false;
    }
    if (strncmp(name, "-S", 2) == 0) {
        name += 2;
        name += strspn(name, " \t");
    }
    name[strcspn(name, " \t")] = '\0';
    if (name[0] == '\0' || name[0] == '-' || strchr(name, '=') != NULL ||
        program_find(name, ret_path, PATH_MAX) != 0) {
        return false;
    }
    memmove(argument, name, strlen(name) + 1);
    return true;
}

static enum program_refusal judge_mode(int fd)
{
    struct stat status;

    if (fstat(fd, &status) == 0 && (status.st_mode & S_ISUID) != 0) {
        return PROGRAM_setuid;
    }
    if (fstat(fd, &status) == 0 && (status.st_mode & S_ISGID) != 0) {
        return PROGRAM_setgid;
    }
    return fgetxattr(fd, "security.capability", NULL, 0) > 0 ? PROGRAM_capabilities
                                                             : PROGRAM_REACHED;
}

static enum program_refusal judge(int fd, const struct elf_file *file)
{
    if (file->is_32bit) {
        return PROGRAM_bits;
    }
    if (file->is_foreign) {
        return PROGRAM_foreign;
    }
    if (file->interpreter[0] == '\0' && !file->is_shared) {
        return file->is_go ? PROGRAM_go : file->is_pie ? PROGRAM_static_pie : PROGRAM_static;
    }
    if (strncmp(base_name(file->interpreter), "ld-musl", 7) == 0) {
        return PROGRAM_musl;
    }
    return judge_mode(fd);
}

void program_look(const char *path, struct program_image *ret_image)
{
    char interpreter[SCRIPT_LINE_MAX], argument[SCRIPT_LINE_MAX];

    memset(ret_image, 0, sizeof(*ret_image));
    snprintf(ret_image->path, sizeof(ret_image->path), "%s", path);
    for (unsigned i = 0; i < INTERPRETERS_MAX; i++) {
        int fd = open(ret_image->path, O_RDONLY | O_CLOEXEC);

        if (fd < 0) {
            ret_image->error = -errno; /* may be executable without being readable */
            return;
        }
        ret_image->error = elf_file_read(fd, &ret_image->file);
        if (ret_image->error != -ENOEXEC) {
            ret_image->refusal =
                ret_image->error == 0 ? judge(fd, &ret_image->file) : PROGRAM_REACHED;
            close(fd);
            return;
        }
        read_script_line(fd, interpreter, argument);
        close(fd);
        ret_image->is_script = true;
        if (follow_env(interpreter, argument, ret_image->path)) {
            snprintf(ret_image->started_as, sizeof(ret_image->started_as), "%s", argument);
            continue;
        }
        snprintf(ret_image->path, sizeof(ret_image->path), "%s",
                 interpreter[0] != '\0' ? interpreter : FALLBACK_INTERPRETER);
        strcpy(ret_image->started_as, ret_image->path);
    }
    ret_image->error = -ELOOP;
}

static const struct {
    const char *name, *text, *hint;
} refusals[] = {
    [PROGRAM_REACHED] = {"", NULL, NULL},
#define REFUSAL(name, text, hint) [PROGRAM_##name] = {#name, text, hint},
#include "cli/refusals.def"
#undef REFUSAL
};

const char *program_refusal_name(enum program_refusal refusal)
{
    return refusals[refusal].name;
}

const char *program_refusal_text(enum program_refusal refusal)
{
    return refusals[refusal].text;
}

const char *program_refusal_hint(enum program_refusal refusal)
{
    return refusals[refusal].hint;
}

const char *program_refused(const struct program_image *image, char *room, size_t n_room)
{
    if (image->error != 0 || image->refusal == PROGRAM_REACHED) {
        return NULL;
    }
    snprintf(room, n_room, "%s %s", image->path, refusals[image->refusal].text);
    return room;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat status_a, status_b;

    return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
           status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

/* The dynamic linker that this very command was started by. */
static const char *system_interpreter(void)
{
    static struct elf_file own;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? -errno : elf_file_read(fd, &own);

    if (fd >= 0) {
        close(fd);
    }
    return error == 0 ? own.interpreter : "";
}

enum program_refusal program_refused_for_check(const struct program_image *image)
{
    if (image->error != 0) {
        return image->error == -EINVAL ? PROGRAM_damaged : PROGRAM_unreadable;
    }
    if (image->refusal != PROGRAM_REACHED) {
        return image->refusal;
    }
    if (image->file.interpreter[0] == '\0') {
        return PROGRAM_loader;
    }
    if (!is_same_file(image->file.interpreter, system_interpreter())) {
        return PROGRAM_interpreter;
    }
    return image->file.is_audited ? PROGRAM_audit : PROGRAM_REACHED;
}
