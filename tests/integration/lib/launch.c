// SPDX-License-Identifier: MIT
/*
 * Executes a program in each way that there is:
 *
 *     launch HOW ENVIRONMENT PROGRAM ARGUMENT...   waits for it, and exits as it does
 *     launch report                                says what became of LD_PRELOAD and of memoshim
 *
 * ENVIRONMENT is what is handed on: inherited; own, a copy of the program's making with one
 * variable more; clean, nothing of what was there.
 */
#include "counted.h"

#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *own[4096], *clean[] = {(char *)"PATH=/usr/bin:/bin", NULL};

static int find_memoshim(struct dl_phdr_info *info, size_t n_bytes, void *context)
{
    return strstr(info->dlpi_name, "libmemoshim") != NULL;
}

static const char *value_of(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "-";
}

static int count_variables(const char *name)
{
    int n = 0;

    for (char **variable = environ; *variable != NULL; variable++) {
        n += strncmp(*variable, name, strlen(name)) == 0;
    }
    return n;
}

/* What getenv says and what anybody sees who walks through environ. */
static int report(void)
{
    int64_t before = counted_total();

    counted_square(3);
    counted_square(3);
    printf("LD_PRELOAD=%s\n", value_of("LD_PRELOAD"));
    printf("variables=%d\n", count_variables("LD_PRELOAD="));
    printf("MEMOSHIM_CONFIG=%s\n", getenv("MEMOSHIM_CONFIG") != NULL ? "set" : "-");
    printf("loaded=%d\n", dl_iterate_phdr(find_memoshim, NULL));
    printf("remembers=%d\n", counted_total() - before == 1);
    printf("EXTRA=%s\n", value_of("EXTRA"));
    printf("LAST=%s\n", value_of("LAST"));
    return 0;
}

static int status_of(pid_t pid)
{
    int status = -1;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : 120;
}

static int spawn(char **arguments, char **environment, bool by_name)
{
    pid_t pid = -1;

    if ((by_name ? posix_spawnp : posix_spawn)(&pid, arguments[0], NULL, NULL, arguments,
                                               environment) != 0) {
        return 121;
    }
    return status_of(pid);
}

/* In the child, which may share the parent's memory; returns only when it fails. execl and its
 * like take one argument. */
static void become(const char *how, char **arguments, char **environment)
{
    const char *path = arguments[0];

    if (strcmp(how, "execv") == 0 || strcmp(how, "vfork") == 0) {
        execv(path, arguments);
    } else if (strcmp(how, "execve") == 0 || strcmp(how, "vforkve") == 0) {
        execve(path, arguments, environment);
    } else if (strcmp(how, "execvp") == 0) {
        execvp(path, arguments);
    } else if (strcmp(how, "execvpe") == 0) {
        execvpe(path, arguments, environment);
    } else if (strcmp(how, "execl") == 0) {
        execl(path, path, arguments[1], (char *)NULL);
    } else if (strcmp(how, "execlp") == 0) {
        execlp(path, path, arguments[1], (char *)NULL);
    } else if (strcmp(how, "execle") == 0) {
        execle(path, path, arguments[1], (char *)NULL, environment);
    } else if (strcmp(how, "fexecve") == 0) {
        fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environment);
    } else if (strcmp(how, "execveat") == 0) {
        syscall(SYS_execveat, AT_FDCWD, path, arguments, environment, 0);
    } else if (strcmp(how, "syscall") == 0) {
        syscall(SYS_execve, path, arguments, environment);
    }
    _exit(122);
}

/* The shell's words: none of ours needs quoting. */
static char *command_of(char **arguments)
{
    static char command[8192];

    for (char **argument = arguments; *argument != NULL; argument++) {
        strcat(strcat(command, *argument), " ");
    }
    return command;
}

static int run_pipe(char **arguments)
{
    FILE *pipe = popen(command_of(arguments), "r");
    char line[4096];

    while (fgets(line, sizeof(line), pipe) != NULL) {
        fputs(line, stdout);
    }
    return WEXITSTATUS(pclose(pipe));
}

static int launch(const char *how, char **environment, char **arguments)
{
    pid_t pid;

    if (strcmp(how, "system") == 0) {
        return WEXITSTATUS(system(command_of(arguments)));
    } else if (strcmp(how, "popen") == 0) {
        return run_pipe(arguments);
    } else if (strcmp(how, "posix_spawn") == 0 || strcmp(how, "posix_spawnp") == 0) {
        return spawn(arguments, environment, strcmp(how, "posix_spawnp") == 0);
    } else if (strncmp(how, "vfork", 5) == 0) {
        pid = vfork();
    } else {
        pid = fork();
    }
    if (pid == 0) {
        become(how, arguments, environment);
    }
    return status_of(pid);
}

int main(int n_arguments, char **arguments)
{
    char **environment = environ;
    size_t n = 0;

    if (n_arguments == 2 && strcmp(arguments[1], "report") == 0) {
        return report();
    }
    if (n_arguments < 4) {
        fprintf(stderr, "launch: what?\n");
        return 2;
    }
    counted_square(1);
    for (char **variable = environ; *variable != NULL && n < 4000; variable++) {
        own[n++] = *variable;
    }
    own[n] = (char *)"EXTRA=1";
    if (strcmp(arguments[2], "own") == 0) {
        environment = own;
    } else if (strcmp(arguments[2], "clean") == 0) {
        environment = environ = clean;
    }
    return launch(arguments[1], environment, arguments + 3);
}
