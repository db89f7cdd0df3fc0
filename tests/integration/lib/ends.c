// SPDX-License-Identifier: MIT
/*
 * The ways in which a process ends, or becomes another. The first argument says which; all of them
 * first call counted_square for 0 to 9. A forked child calls it for 0 to 9 again, and once more.
 */
#include "counted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void call_ten(void)
{
    for (long x = 0; x < 10; x++) {
        if (counted_square(x) != x * x) {
            _exit(3);
        }
    }
}

static void as_child(void)
{
    call_ten();
    counted_square(1000);
}

/* The parent of a child that was made by whatever returned pid. */
static int wait_for(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

static int run_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        as_child();
        exit(0);
    }
    printf("child %d\n", (int)pid);
    return wait_for(pid);
}

/* A child that no fork handler hears of. */
static int run_raw_fork(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        as_child();
        exit(0);
    }
    printf("child %d\n", (int)pid);
    return wait_for(pid);
}

/*
 * The child shares our memory until it execs: that exec is not the end of us, and writes nothing
 * under our name.
 */
static int run_vfork(const char *folder)
{
    char path[4096];
    pid_t pid;
    int status;

    snprintf(path, sizeof(path), "%s/%d.json", folder, (int)getpid());
    pid = vfork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(4);
    }
    status = wait_for(pid);
    return access(path, F_OK) == 0 ? 1 : status;
}

/* Takes over descriptors 0 to 2, as daemons do, and writes its own text to "standard error". */
static int run_closed(const char *path)
{
    for (int i = 0; i < 256; i++) {
        close(i);
    }
    for (int i = 0; i < 3; i++) {
        if (open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) != i) {
            _exit(5);
        }
    }
    call_ten();
    if (write(2, "only this\n", 10) != 10) {
        _exit(6);
    }
    return 0;
}

static void own_handler(int number)
{
    static const char text[] = "own handler\n";

    if (write(1, text, sizeof(text) - 1) < 0) {
        _exit(7);
    }
}

static int run_own_handler(void)
{
    signal(SIGRTMIN + 5, own_handler);
    raise(SIGRTMIN + 5);
    return 0;
}

/* The path of its own statistics file; waits until the signal's dump is there, then goes on. */
static int run_signal(const char *path)
{
    raise(SIGRTMIN + 5);
    if (access(path, F_OK) != 0) {
        return 1;
    }
    counted_square(3);
    raise(SIGRTMIN + 5);
    _Exit(0);
}

int main(int n_arguments, char **arguments)
{
    const char *act = n_arguments > 1 ? arguments[1] : "";
    const char *extra = n_arguments > 2 ? arguments[2] : "";

    setvbuf(stdout, NULL, _IONBF, 0);
    call_ten();
    if (strcmp(act, "return") == 0) {
        return 7;
    } else if (strcmp(act, "exit") == 0) {
        exit(7);
    } else if (strcmp(act, "_exit") == 0) {
        _exit(7);
    } else if (strcmp(act, "quick_exit") == 0) {
        quick_exit(7);
    } else if (strcmp(act, "abort") == 0) {
        abort();
    } else if (strcmp(act, "execl") == 0) {
        execl(extra, extra, (char *)NULL);
    } else if (strcmp(act, "execv") == 0) {
        execv(extra, (char *const[]){(char *)extra, NULL});
    } else if (strcmp(act, "execve") == 0) {
        execve(extra, (char *const[]){(char *)extra, NULL}, environ);
    } else if (strcmp(act, "execlp") == 0) {
        execlp(extra, extra, (char *)NULL);
    } else if (strcmp(act, "failed-exec") == 0) {
        execl("/nonexistent", "nonexistent", (char *)NULL);
        call_ten();
        return 7;
    } else if (strcmp(act, "fork") == 0) {
        return run_fork();
    } else if (strcmp(act, "raw-fork") == 0) {
        return run_raw_fork();
    } else if (strcmp(act, "vfork") == 0) {
        return run_vfork(extra);
    } else if (strcmp(act, "closed") == 0) {
        return run_closed(extra);
    } else if (strcmp(act, "chdir") == 0) {
        return chdir(extra) == 0 ? 7 : 1;
    } else if (strcmp(act, "own-handler") == 0) {
        return run_own_handler();
    } else if (strcmp(act, "signal") == 0) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%d.json", extra, (int)getpid());
        return run_signal(path);
    }
    fprintf(stderr, "ends: which way?\n");
    return 2;
}
