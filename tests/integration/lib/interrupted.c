// SPDX-License-Identifier: MIT
/*
 * A thread that is cancelled while a signal handler writes statistics: before glibc 2.38, a handler
 * that interrupts a cancellation point can be ended anywhere. Standard error must be a pipe, which
 * is filled here so that the write sleeps; whoever reads it, does so after the line "stuck". Then
 * statistics are written once more, at the end.
 */
#include "counted.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic pid_t waiting_thread;

/* Some kernels have no call of that name, and libc makes it of another. */
#if defined(SYS_pause)
#define CALL_OF_PAUSE SYS_pause
#else
#define CALL_OF_PAUSE SYS_ppoll
#endif

static void *wait_here(void *unused)
{
    waiting_thread = (pid_t)syscall(SYS_gettid);
    for (;;) {
        pause();
    }
    return NULL;
}

/* Waits until the thread sleeps in this system call, with this first argument if there is one. */
static void wait_for_call(int number, const char *first)
{
    char path[64], text[256], wanted[64];

    snprintf(wanted, sizeof(wanted), "%d %s", number, first);
    for (;;) {
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)waiting_thread);
        file = waiting_thread == 0 ? NULL : fopen(path, "r");
        if (file != NULL) {
            text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
            fclose(file);
            if (strncmp(text, wanted, strlen(wanted)) == 0) {
                return;
            }
        }
        usleep(1000);
    }
}

static void fill_standard_error(void)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);

    fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDERR_FILENO, ".", 1) == 1) {
    }
    fcntl(STDERR_FILENO, F_SETFL, flags);
}

int main(void)
{
    pthread_t thread;
    void *result = NULL;

    counted_square(3);
    fill_standard_error();
    pthread_create(&thread, NULL, wait_here, NULL);
    wait_for_call(CALL_OF_PAUSE, "");
    pthread_kill(thread, SIGRTMIN + 5);
    wait_for_call(SYS_write, "0x2 ");
    pthread_cancel(thread);
    puts("stuck");
    fflush(stdout);
    pthread_join(thread, &result);
    puts(result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
    return 0;
}
