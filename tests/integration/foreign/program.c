// SPDX-License-Identifier: MIT
/*
 * Exercises what memoshim has in every process that it is loaded into: the look-up of names, by
 * dlsym and dladdr, which it exports in place of libc's; threads, a child, and a function that the
 * configuration names. Built with another C library, and (-DIS_STATIC) without a dynamic linker.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IS_STATIC
static void look_up(const char *where)
{
    Dl_info info;

    printf("%s: puts %d, next puts %d, j0 %d, its object %d, nothing %d\n", where,
           dlsym(RTLD_DEFAULT, "puts") == (void *)puts, dlsym(RTLD_NEXT, "puts") == (void *)puts,
           dlsym(RTLD_DEFAULT, "j0") == (void *)j0, dladdr((void *)j0, &info) != 0,
           dlsym(RTLD_DEFAULT, "nobody_has_this_name") == NULL && dlerror() != NULL);
}
#else
static void look_up(const char *where)
{
    puts(where);
}
#endif

static void *work(void *argument)
{
    double *sum = argument;

    for (int i = 0; i < 1000; i++) {
        *sum += j0(i % 7);
    }
    look_up("thread");
    return NULL;
}

int main(void)
{
    double sums[2] = {0, 0};
    pthread_t thread;
    int status = 0;

    setvbuf(stdout, NULL, _IONBF, 0); /* a child writes, too */
    look_up("main");
    if (pthread_create(&thread, NULL, work, &sums[0]) != 0 || pthread_join(thread, NULL) != 0) {
        return 1;
    }
    if (fork() == 0) {
        work(&sums[1]);
        _exit(sums[0] == sums[1] ? 5 : 1);
    }
    if (wait(&status) < 0) {
        return 1;
    }
    printf("%.9f, child %d\n", sums[0], WEXITSTATUS(status));
    return 3;
}
