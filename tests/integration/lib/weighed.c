// SPDX-License-Identifier: MIT
/*
 * Calls weighed_first in the ways that the words of its command line say, one after the other, and
 * prints for each what it found: its calls, the real ones among them, and whether the slot of a
 * static pointer holds the function itself ("plain") or something else ("hooked").
 *
 *     slot        nothing is called
 *     steps:N     it takes N steps from here on
 *     once:N      N calls, no argument twice
 *     again:N     N calls with ten arguments
 *     unhook:N    as once, until the slot is plain, but at most N
 *     wait:second, wait:dlsym, wait:prctl
 *                 calls of weighed_second or the like, until the slot is hooked, for a minute at
 * most fork        what follows is for a child; the parent waits for it confine
 * prctl(PR_SET_NO_NEW_PRIVS)
 */
#include "weighed.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static weighed_fn slot = weighed_first;
static long next_argument = 1000;

static bool is_plain(void)
{
    return *(volatile weighed_fn *)&slot == weighed_real_first();
}

static void call(long x)
{
    if (weighed_first(x) != 3 * x) {
        fprintf(stderr, "a wrong answer\n");
        exit(1);
    }
}

static void come_through(const char *how)
{
    if (strcmp(how, "second") == 0) {
        weighed_second(next_argument++);
    } else if (strcmp(how, "dlsym") == 0) {
        dlsym(RTLD_DEFAULT, "weighed_nothing");
    } else {
        prctl(PR_GET_DUMPABLE);
    }
}

static long now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec;
}

static bool act(const char *word, const char *argument)
{
    long n = strtol(argument, NULL, 10), end_s = now_s() + 60;

    if (strcmp(word, "steps") == 0) {
        weighed_set_steps(n);
    } else if (strcmp(word, "once") == 0 || strcmp(word, "unhook") == 0) {
        bool is_unhook = word[0] == 'u';

        for (long i = 0; i < n && !(is_unhook && i % 1000 == 0 && is_plain()); i++) {
            call(next_argument++);
        }
    } else if (strcmp(word, "again") == 0) {
        for (long i = 0; i < n; i++) {
            call(i % 10);
        }
    } else if (strcmp(word, "wait") == 0) {
        while (is_plain() && now_s() < end_s) {
            come_through(argument);
        }
    } else if (strcmp(word, "confine") == 0) {
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    } else if (strcmp(word, "fork") == 0) {
        int status;
        pid_t pid = fork();

        if (pid != 0) {
            exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
        }
    } else if (strcmp(word, "slot") != 0) {
        return false;
    }
    return true;
}

int main(int n_words, char **words)
{
    for (int i = 1; i < n_words; i++) {
        long n_real = weighed_count_first();
        char *argument = strchr(words[i], ':');

        if (argument != NULL) {
            *argument++ = '\0';
        }
        if (!act(words[i], argument != NULL ? argument : "0")) {
            return 2;
        }
        printf("%s real %ld %s\n", words[i], weighed_count_first() - n_real,
               is_plain() ? "plain" : "hooked");
        fflush(stdout);
    }
    return 0;
}
