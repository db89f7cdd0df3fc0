// SPDX-License-Identifier: MIT
/*
 * Ways of making a process, with calls before, in between, in the child and after:
 *
 *     forks WAY
 *
 * The parent calls counted_square for 0 to 9, makes a child, calls it for 10 to 19 while the child
 * is there, and for 0 to 39 when it is gone. The child, where it may call, does so for 0 to 9 and
 * for 20 to 29, and counted_hooked for 7, once.
 */
#include "counted.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (256 * 1024)

extern char **environ;

static int go[2]; /* the parent closes it: the child may go on */

static void call(long from, long to)
{
    for (long x = from; x < to; x++) {
        if (counted_square(x) != x * x) {
            _exit(3);
        }
    }
}

static void call_as_child(void)
{
    char byte;

    close(go[1]);
    if (read(go[0], &byte, 1) != 0) {
        _exit(5);
    }
    call(0, 10);
    call(20, 30);
    if (counted_hooked(7) != 21) {
        _exit(4);
    }
}

/* Where the child runs while the parent waits for it. */
static void call_while_parent_waits(void)
{
    call(0, 10);
    call(20, 30);
    if (counted_hooked(7) != 21) {
        _exit(4);
    }
}

static void finish(pid_t pid)
{
    int status = -1;

    call(10, 20);
    close(go[1]);
    if (pid < 0 || waitpid(pid, &status, __WALL) != pid || status != 0) {
        printf("the child ended with %d\n", status);
        exit(1);
    }
    call(0, 40);
}

/* ---- a copy of everything -------------------------------------------------------------------- */

static pid_t raw_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static pid_t raw_clone3(void)
{
    struct clone_args {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.exit_signal = SIGCHLD};

    return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/* Ends by exit: who merely returns to clone ends without a word. */
static int copied(void *unused)
{
    call_as_child();
    exit(0);
}

static pid_t clone_without_memory(void)
{
    static char stack[STACK_BYTES] __attribute__((aligned(16)));

    return clone(copied, stack + sizeof(stack), SIGCHLD, NULL);
}

static int run_copy(pid_t (*make)(void))
{
    pid_t pid = make();

    if (pid == 0) {
        copied(NULL);
    }
    finish(pid);
    return 0;
}

/* The child forks again, and its child again. */
static int run_generations(pid_t (*make)(void))
{
    for (int generation = 0; generation < 3; generation++) {
        pid_t pid = make();
        int status = -1;

        if (pid != 0) {
            if (waitpid(pid, &status, 0) != pid || status != 0) {
                return 1;
            }
            break;
        }
        call(0, 10);
        call(100 * (generation + 1), 100 * (generation + 1) + 5);
    }
    return 0;
}

/* ---- the same memory ------------------------------------------------------------------------- */

static int shared(void *unused)
{
    call_while_parent_waits();
    return 0;
}

/* The parent does nothing meanwhile: they would be one thread in two places. */
static int run_shared(int flags)
{
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pid_t pid = clone(shared, stack + STACK_BYTES, flags | CLONE_VM | SIGCHLD, NULL);
    int status = -1;

    if (pid < 0 || waitpid(pid, &status, __WALL) != pid || status != 0) {
        return 1;
    }
    call(10, 20);
    call(0, 40);
    return 0;
}

static int run_vfork(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        call_while_parent_waits();
        _exit(0);
    }
    finish(pid);
    return 0;
}

/* In the child of vfork the exec fails; it goes on, and ends. */
static int run_vfork_failed_exec(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        execl("/nonexistent", "nonexistent", (char *)NULL);
        call_while_parent_waits();
        _exit(0);
    }
    finish(pid);
    return 0;
}

static int run_spawn(void)
{
    char *arguments[] = {(char *)"true", NULL};
    pid_t pid;

    for (int i = 0; i < 5; i++) {
        int status = -1;

        call(0, 10);
        if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0 ||
            waitpid(pid, &status, 0) != pid || status != 0) {
            return 1;
        }
    }
    call(0, 40);
    return 0;
}

/* ---- in the middle of calls ------------------------------------------------------------------ */

static pid_t (*make_in_hook)(void);

/* Both go on in the middle of the real call, which the parent does once and the child, too. */
static void hook_forks(long key)
{
    pid_t pid = make_in_hook();

    counted_hook = NULL;
    if (pid != 0) {
        int status = -1;

        if (waitpid(pid, &status, 0) != pid || status != 0) {
            exit(1);
        }
    }
}

static int run_in_the_middle(pid_t (*make)(void))
{
    make_in_hook = make;
    counted_hook = hook_forks;
    for (int i = 0; i < 3; i++) {
        if (counted_hooked(5) != 15) {
            exit(4);
        }
    }
    return 0;
}

/* A thread computes while another forks: in the child nobody ever lands that flight. */
static _Atomic bool is_computing;

static void hook_waits(long key)
{
    char byte;

    is_computing = true;
    if (read(go[0], &byte, 1) != 0) {
        _exit(5);
    }
}

static void *compute(void *unused)
{
    return (void *)counted_hooked(5);
}

static int run_under_way(pid_t (*make)(void))
{
    pthread_t thread;
    void *result;
    int status = -1;
    pid_t pid;

    counted_hook = hook_waits;
    pthread_create(&thread, NULL, compute, NULL);
    while (!is_computing) {
        sched_yield();
    }
    pid = make();
    if (pid == 0) {
        counted_hook = NULL;
        _exit(counted_hooked(5) == 15 && counted_hooked(5) == 15 && counted_square(3) == 9 ? 0 : 6);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        printf("the child ended with %d\n", status);
        return 1;
    }
    close(go[1]);
    pthread_join(thread, &result);
    return result != (void *)15;
}

int main(int n_arguments, char **arguments)
{
    static const struct {
        const char *name;
        int (*run)(pid_t (*make)(void));
        pid_t (*make)(void);
    } copies[] = {
        {"fork", run_copy, fork},
        {"_Fork", run_copy, _Fork},
        {"clone", run_copy, raw_clone},
        {"clone3", run_copy, raw_clone3},
        {"clone-function", run_copy, clone_without_memory},
        {"fork-generations", run_generations, fork},
        {"clone-generations", run_generations, raw_clone},
        {"fork-middle", run_in_the_middle, fork},
        {"_Fork-middle", run_in_the_middle, _Fork},
        {"clone-middle", run_in_the_middle, raw_clone},
        {"fork-under-way", run_under_way, fork},
        {"_Fork-under-way", run_under_way, _Fork},
        {"clone-under-way", run_under_way, raw_clone},
    };
    const char *way = n_arguments > 1 ? arguments[1] : "";
    int status = 2;

    if (pipe2(go, O_CLOEXEC) != 0) {
        return 1;
    }
    call(0, 10);
    if (strcmp(way, "clone-memory") == 0) {
        status = run_shared(0);
    } else if (strcmp(way, "clone-memory-vfork") == 0) {
        status = run_shared(CLONE_VFORK);
    } else if (strcmp(way, "vfork") == 0) {
        status = run_vfork();
    } else if (strcmp(way, "vfork-failed-exec") == 0) {
        status = run_vfork_failed_exec();
    } else if (strcmp(way, "posix_spawn") == 0) {
        status = run_spawn();
    }
    for (unsigned i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        if (strcmp(way, copies[i].name) == 0) {
            status = copies[i].run(copies[i].make);
        }
    }
    return status;
}
