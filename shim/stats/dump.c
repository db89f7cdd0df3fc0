// SPDX-License-Identifier: MIT
/*
 * Brings one output to its destination. A file is written under a name of its own in the folder of
 * the final one and renamed into place when it is whole: readers never see half of it, and a
 * symbolic link that stands in the way is replaced, not followed. What is no file (/dev/null, a
 * pipe, /dev/stderr) is never replaced: for root, the rename would take it from the whole machine.
 *
 * All system calls are made directly. libc's are cancellation points, and a thread of the program
 * that has a cancellation pending must not end in here with a file half-written; other preloads
 * may bend them besides.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "stats/format.h"
#include "stats/target.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEMPORARY_PREFIX   ".memoshim-"
#define TEMPORARY_DIGITS   16
#define TEMPORARY_ATTEMPTS 100

/* Pages of one dump, so that a small signal stack is enough. */
struct dump {
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int fd;
    uint64_t n_written;
    uint64_t n_allowed; /* RLIMIT_FSIZE: going beyond it would raise SIGXFSZ in the program */
};

static int system_open_new(const char *path)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path,
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : (int)fd;
}

static void system_close(int fd)
{
    syscall(SYS_close, fd);
}

static void system_unlink(const char *path)
{
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int system_rename(const char *from, const char *to)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) == 0 ? 0 : -errno;
}

/*
 * A program that runs with descriptor 0, 1 or 2 closed may use that number at any moment, and must
 * not find our file there. Returns a descriptor above them; fd is closed in any case.
 */
static int move_above_standard(int fd)
{
    long moved;

    if (fd > STDERR_FILENO) {
        return fd;
    }
    moved = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    moved = moved < 0 ? -errno : moved;
    system_close(fd);
    return (int)moved;
}

/* Fills dump->temporary with a fresh name in the folder of dump->path. */
static int choose_temporary(struct dump *dump)
{
    static _Atomic uint64_t n_chosen; /* tells dumps of one instant apart; any thread */
    const char *slash = strrchr(dump->path, '/');
    uint64_t ordinal = atomic_fetch_add_explicit(&n_chosen, 1, memory_order_relaxed);
    uint64_t unique = clock_precise_ns() + ((uint64_t)syscall(SYS_getpid) << 40) + ordinal;
    struct format out;

    format_init(&out, dump->temporary, sizeof(dump->temporary), NULL);
    format_bytes(&out, dump->path, slash == NULL ? 0 : (size_t)(slash - dump->path) + 1);
    format_text(&out, TEMPORARY_PREFIX);
    format_hex(&out, unique, TEMPORARY_DIGITS);
    if (out.n_used == sizeof(dump->temporary)) {
        return -ENAMETOOLONG;
    }
    dump->temporary[out.n_used] = '\0';
    return 0;
}

/* Makes the temporary file; on success dump->fd is open. 0 or -errno. */
static int open_temporary(struct dump *dump)
{
    for (unsigned i = 0; i < TEMPORARY_ATTEMPTS; i++) {
        int fd, error = choose_temporary(dump);

        if (error != 0) {
            return error;
        }
        fd = system_open_new(dump->temporary);
        if (fd == -EEXIST) {
            continue; /* left behind by a process that was killed */
        }
        if (fd < 0) {
            return fd;
        }
        dump->fd = move_above_standard(fd);
        if (dump->fd < 0) {
            system_unlink(dump->temporary);
            return dump->fd;
        }
        return 0;
    }
    return -EEXIST;
}

static int write_to_file(void *context, const char *text, size_t n_bytes)
{
    struct dump *dump = context;

    if (n_bytes > dump->n_allowed - dump->n_written) {
        return -EFBIG;
    }
    while (n_bytes > 0) {
        long n = syscall(SYS_write, dump->fd, text, n_bytes);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            text += n;
            n_bytes -= (size_t)n;
            dump->n_written += (uint64_t)n;
        }
    }
    return 0;
}

static int write_to_stderr(void *context, const char *text, size_t n_bytes)
{
    log_write_raw(text, n_bytes);
    return 0;
}

/*
 * Whether the rename may replace what stands at dump->path: nothing, a regular file, or a link that
 * is not one of those that lead into /proc, as /dev/stderr does. 0 or -errno.
 */
static int check_replaceable(const struct dump *dump)
{
    static const char proc[] = "/proc/";
    char target[sizeof(proc) - 1];
    struct stat status;

    if (syscall(SYS_newfstatat, AT_FDCWD, dump->path, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (S_ISLNK(status.st_mode)) {
        long n_bytes = syscall(SYS_readlinkat, AT_FDCWD, dump->path, target, sizeof(target));

        if (n_bytes == (long)sizeof(target) && memcmp(target, proc, sizeof(target)) == 0) {
            return -EEXIST;
        }
        /* What cannot be looked at leads nowhere. */
        if (syscall(SYS_newfstatat, AT_FDCWD, dump->path, &status, 0) != 0) {
            return 0;
        }
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(status.st_mode) ? 0 : -EEXIST;
}

static int dump_to_file(struct dump *dump, const struct stats_snapshot *snapshot,
                        enum stats_format format)
{
    const struct stats_sink sink = {write_to_file, dump};
    struct rlimit limit;
    int error = check_replaceable(dump);

    if (error == 0) {
        error = open_temporary(dump);
    }
    if (error != 0) {
        return error;
    }
    dump->n_allowed = UINT64_MAX;
    if (syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        dump->n_allowed = limit.rlim_cur;
    }
    error = stats_emit(snapshot, format, &sink);
    if (error == 0 && syscall(SYS_fchmod, dump->fd, 0644) != 0) {
        error = -errno;
    }
    system_close(dump->fd);
    if (error == 0) {
        error = system_rename(dump->temporary, dump->path);
    }
    if (error != 0) {
        system_unlink(dump->temporary);
    }
    return error;
}

static struct dump *dump_map(size_t *ret_n_bytes)
{
    size_t page = pages_size(), n_bytes = (sizeof(struct dump) + page - 1) / page * page;

    *ret_n_bytes = n_bytes;
    return pages_map(n_bytes);
}

static int check_path(struct dump *dump)
{
    int error;

    if (dump->path[strlen(dump->path) - 1] == '/') {
        return -EISDIR;
    }
    error = check_replaceable(dump);
    if (error == 0) {
        error = open_temporary(dump);
    }
    if (error == 0) {
        system_close(dump->fd);
        system_unlink(dump->temporary);
    }
    return error;
}

int stats_target_check(const struct stats_target *target, const char *program, int64_t pid)
{
    int saved_errno = errno, error;
    struct dump *dump;
    size_t n_bytes;

    if (target->to_stderr) {
        return 0;
    }
    dump = dump_map(&n_bytes);
    error =
        dump == NULL ? -ENOMEM : target_expand(target->path, program, pid, dump->path, PATH_MAX);
    if (error == 0) {
        error = check_path(dump);
    }
    if (dump != NULL) {
        pages_unmap(dump, n_bytes);
    }
    errno = saved_errno;
    return error;
}

int stats_dump(const struct stats_snapshot *snapshot, const struct stats_target *target)
{
    const struct stats_sink to_stderr = {write_to_stderr, NULL};
    const char *program = snapshot->program != NULL ? snapshot->program : "";
    int saved_errno = errno, error;
    struct dump *dump;
    size_t n_bytes;

    if (target->to_stderr) {
        return stats_emit(snapshot, target->format, &to_stderr);
    }
    dump = dump_map(&n_bytes);
    error = dump == NULL
                ? -ENOMEM
                : target_expand(target->path, program, snapshot->pid, dump->path, PATH_MAX);
    if (error == 0) {
        error = dump_to_file(dump, snapshot, target->format);
    }
    if (dump != NULL) {
        pages_unmap(dump, n_bytes);
    }
    errno = saved_errno;
    return error;
}
