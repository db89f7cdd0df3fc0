// SPDX-License-Identifier: MIT
/*
 * A program that takes something away from itself after it has begun, and then calls on:
 *
 *     confined TAKE ARGUMENT END
 *
 * TAKE is one of the table below. Before it counted_square is called for 0 to 9, after it for 0 to
 * 19 and counted_name for 0 to 9, twice; counted_length once before and 600 times after it. END:
 * exit, or how a sandbox allows it: bare (the system call).
 */
#include "counted.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1
#define SKIPPED               77
#define OWN_FILES             60

static bool is_strict;

static void call(long n)
{
    for (long i = 0; i < n; i++) {
        if (counted_square(i) != i * i) {
            _exit(3);
        }
    }
}

static void call_names(void)
{
    for (int i = 0; i < 20; i++) {
        if (strncmp(counted_name(i % 10), "name-", 5) != 0) {
            _exit(4);
        }
    }
}

static void call_length(int n)
{
    for (int i = 0; i < n; i++) {
        if (counted_length("text") != 4) {
            _exit(6);
        }
    }
}

/* Whoever may do anything need not give that up first. */
static int filter_by_number(const struct sock_fprog *program)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) == 0 ? 0 : SKIPPED;
}

static int filter_by_name(const struct sock_fprog *program)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0
               ? 0
               : SKIPPED;
}

/* The same by the system call that is behind it. */
static int filter_by_its_call(const struct sock_fprog *program)
{
    return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0
               ? 0
               : SKIPPED;
}

/* Whatever is in this list ends the process; the counting library needs none of it by now. */
static int kill_calls(const int *numbers, size_t n_numbers,
                      int (*filter)(const struct sock_fprog *program))
{
    struct sock_filter code[40] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    struct sock_fprog program = {.filter = code};
    unsigned short n = 1;

    for (size_t i = 0; i < n_numbers; i++) {
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = n;
    return filter(&program);
}

/* What a sandbox of a browser or a server takes away once it runs. */
static int take_files_by(int (*filter)(const struct sock_fprog *program))
{
    static const int numbers[] = {
#if defined(SYS_open) /* not where kernels came late */
        SYS_open,
        SYS_readlink,
        SYS_stat,
#endif
        SYS_openat,
        SYS_readlinkat,
        SYS_newfstatat,
        SYS_mprotect,
        SYS_execve,
        SYS_prctl,
        SYS_socket,
        SYS_kill,
        SYS_rt_sigaction,
        SYS_getrandom
    };

    return kill_calls(numbers, sizeof(numbers) / sizeof(numbers[0]), filter);
}

static int take_files(const char *unused)
{
    return take_files_by(filter_by_name);
}

static int take_files_by_number(const char *unused)
{
    return take_files_by(filter_by_number);
}

static int take_files_by_call(const char *unused)
{
    return take_files_by(filter_by_its_call);
}

static int take_everything(const char *unused)
{
    is_strict = true;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0 ? 0 : SKIPPED;
}

static int take_root(const char *path)
{
    return chroot(path) == 0 && chdir("/") == 0 ? 0 : SKIPPED;
}

static int take_privileges(const char *name)
{
    const struct passwd *user = getpwnam(name);

    return user != NULL && setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 &&
                   setuid(user->pw_uid) == 0
               ? 0
               : SKIPPED;
}

static int limit(int resource, rlim_t value)
{
    struct rlimit limits = {value, value};

    return setrlimit((enum __rlimit_resource)resource, &limits) == 0 ? 0 : SKIPPED;
}

static int take_address_space(const char *unused)
{
    return limit(RLIMIT_AS, 1);
}

static int take_descriptors(const char *unused)
{
    return limit(RLIMIT_NOFILE, 0);
}

static int take_locked_memory(const char *unused)
{
    return limit(RLIMIT_MEMLOCK, 0);
}

static int take_executable_memory(const char *unused)
{
    return prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 ? 0 : SKIPPED;
}

static int take_file(const char *path)
{
    return unlink(path);
}

/*
 * As daemons do: everything is closed, however far up, and what is opened next has those numbers.
 * The program's own files must hold what it wrote, and nothing else; `folder` is where they are.
 */
static int take_all_descriptors(const char *folder)
{
    char path[4096];

    if (close_range(0, ~0u, 0) != 0) {
        closefrom(0);
    }
    for (int i = 0; i < OWN_FILES; i++) {
        snprintf(path, sizeof(path), "%s/own%d", folder, i);
        if (open(path, O_RDWR | O_CREAT | O_APPEND, 0600) != i || write(i, "own\n", 4) != 4) {
            _exit(5);
        }
    }
    return 0;
}

/* A daemon: two forks, a session, another folder, another mask, and its descriptors. */
static int become_daemon(const char *folder)
{
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();

        if (pid != 0) {
            int status = 0;

            waitpid(pid, &status, 0);
            call(20);
            exit(WEXITSTATUS(status));
        }
        setsid();
    }
    umask(0777);
    return chdir("/") == 0 ? take_all_descriptors(folder) : 1;
}

static int take_nothing(const char *unused)
{
    return 0;
}

int main(int n_arguments, char **arguments)
{
    static const struct {
        const char *name;
        int (*take)(const char *argument);
    } takes[] = {
        {"nothing", take_nothing},
        {"files", take_files},
        {"files-by-number", take_files_by_number},
        {"files-by-call", take_files_by_call},
        {"everything", take_everything},
        {"root", take_root},
        {"privileges", take_privileges},
        {"address-space", take_address_space},
        {"descriptors", take_descriptors},
        {"locked-memory", take_locked_memory},
        {"executable-memory", take_executable_memory},
        {"file", take_file},
        {"all-descriptors", take_all_descriptors},
        {"daemon", become_daemon},
    };
    int status = 2;

    call(10);
    call_length(1);
    for (unsigned i = 0; n_arguments == 4 && i < sizeof(takes) / sizeof(takes[0]); i++) {
        if (strcmp(takes[i].name, arguments[1]) == 0) {
            status = takes[i].take(arguments[2]);
        }
    }
    if (status != 0) {
        return status;
    }
    call(10);
    call_length(600);
    if (!is_strict) {
        call(20);
        call_names();
    }
    if (strcmp(arguments[3], "bare") == 0) {
        syscall(SYS_exit, 0);
    }
    return 0;
}
