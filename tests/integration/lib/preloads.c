// SPDX-License-Identifier: MIT
/*
 * What other preloads get to see: threads that allocate, fork, read files and clocks while they
 * call memoized functions. All keys are seen once before there is a second thread, so that the
 * counts are exact. Prints its results on standard output; nothing there depends on timing.
 *
 *     preloads FOLDER
 *
 * FOLDER is empty; a file is made in it.
 */
#include "counted.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_THREADS 4
#define N_ROUNDS  2000
#define N_KEYS    50

static pthread_barrier_t half_way;
static _Atomic int n_wrong;

/* One call of each function; no key but those of warm_up. */
static double call_all(long i)
{
    char text[32];
    long x = i % N_KEYS;
    double result;

    snprintf(text, sizeof(text), "%ld", x);
    result = j0((double)x) + (double)counted_square(x);
    if (counted_length(text) != (x < 10 ? 1 : 2)) {
        atomic_fetch_add(&n_wrong, 1);
    }
    return result;
}

static double warm_up(void)
{
    double sum = 0;

    for (long x = 0; x < N_KEYS; x++) {
        sum += call_all(x);
    }
    return sum;
}

/* Blocks of many sizes come and go; their content is checked. */
static double churn(long i)
{
    size_t n_bytes = 1 + (size_t)(i * 7919 % 5000);
    unsigned char *block = malloc(n_bytes), *grown;
    double result;

    memset(block, (int)(i & 0xff), n_bytes);
    result = call_all(i);
    grown = realloc(block, 2 * n_bytes);
    if (grown[0] != (i & 0xff) || grown[n_bytes - 1] != (i & 0xff)) {
        atomic_fetch_add(&n_wrong, 1);
    }
    free(grown);
    return result;
}

static void *work(void *argument)
{
    double *ret_sum = argument;

    for (long i = 0; i < N_ROUNDS; i++) {
        *ret_sum += churn(i);
        if (i == N_ROUNDS / 2) {
            pthread_barrier_wait(&half_way); /* the others have done half */
            pthread_barrier_wait(&half_way); /* the main thread has forked */
        }
    }
    return NULL;
}

/* A child that allocates and calls as its parent does: N_KEYS calls of each function. */
static int run_child(void)
{
    double sum = 0;
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        for (long i = 0; i < N_KEYS; i++) {
            sum += churn(i);
        }
        exit(n_wrong > 0 || !(sum > 0));
    }
    waitpid(pid, &status, 0);
    return status;
}

/* Owner, size and content as the program is told: fakeroot has a say in the first. */
static void use_files(const char *folder)
{
    char path[4096];
    struct stat state = {0};
    int file;

    snprintf(path, sizeof(path), "%s/file", folder);
    file = open(path, O_RDWR | O_CREAT, 0640);
    if (file < 0 || write(file, "12345", 5) != 5 || fsync(file) != 0 ||
        fchown(file, 4711, 4712) != 0 || fstat(file, &state) != 0 || close(file) != 0) {
        perror("file");
    }
    printf("file: %u:%u, %lld bytes\n", state.st_uid, state.st_gid, (long long)state.st_size);
}

/* The year, if a preload says that it is one of the past; and whether two clocks agree. */
static void use_clocks(void)
{
    time_t now = time(NULL);
    struct timespec precise;
    struct tm broken_down;

    clock_gettime(CLOCK_REALTIME, &precise);
    gmtime_r(&precise.tv_sec, &broken_down);
    printf("year: %d, %s\n", broken_down.tm_year < 120 ? broken_down.tm_year + 1900 : 0,
           labs((long)(precise.tv_sec - now)) < 60 ? "one time" : "two times");
}

int main(int n_arguments, char **arguments)
{
    pthread_t threads[N_THREADS];
    double sums[N_THREADS] = {0}, sum = warm_up();
    int status;

    pthread_barrier_init(&half_way, NULL, N_THREADS + 1);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_create(&threads[i], NULL, work, &sums[i]);
    }
    pthread_barrier_wait(&half_way);
    status = run_child(); /* with threads, which wait */
    pthread_barrier_wait(&half_way);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    status |= run_child();
    use_files(n_arguments > 1 ? arguments[1] : "");
    use_clocks();
    printf("sum: %.17g, children: %d, %d wrong\n", sum, status, (int)n_wrong);
    return n_wrong > 0;
}
