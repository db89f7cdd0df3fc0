// SPDX-License-Identifier: MIT
/*
 * Threads that ask while others change. Whoever asks notes first how many changes have returned: an
 * answer that is older is stale. Usage: invalidation SECONDS; prints how many answers were stale.
 * It goes on for longer where a slow machine has not had enough of either until then.
 */
#include "versions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define N_ASKING      4
#define N_KEYS        8
#define LEAST_CHANGES 200 /* by each of the two who change */
#define LEAST_ANSWERS 20000

static _Atomic long n_returned[N_SUBJECTS], n_returned_of_all; /* changes that are over */
static _Atomic long n_changes_of_one, n_stale, n_answers;
static _Atomic int is_over;

static void check(long answer, long at_least)
{
    n_answers++;
    if (answer < at_least) {
        n_stale++;
    }
}

static void *ask(void *argument)
{
    unsigned state = (unsigned)(long)argument;

    while (!is_over) {
        long subject = rand_r(&state) % N_SUBJECTS, at_least = n_returned[subject];

        check(versions_look(subject, rand_r(&state) % N_KEYS), at_least);
        at_least = n_returned_of_all;
        switch (rand_r(&state) % 3) {
        case 0:
            check(versions_look_at_all(rand_r(&state) % N_KEYS), at_least);
            break;
        case 1:
            check(versions_look_twice(rand_r(&state) % N_KEYS), at_least);
            break;
        default:
            check(versions_look_thrice(rand_r(&state) % N_KEYS), at_least);
            break;
        }
    }
    return NULL;
}

/* One thread changes all, another single subjects, so that each count is of one thread. */
static void *change_all(void *argument)
{
    while (!is_over) {
        versions_change_all("%d %s %f", 1, "two", 3.0);
        n_returned_of_all++;
        usleep(50);
    }
    return NULL;
}

static void *change_one(void *argument)
{
    unsigned state = 99;

    while (!is_over) {
        long subject = rand_r(&state) % N_SUBJECTS;

        versions_change(7, subject);
        n_returned[subject]++;
        n_changes_of_one++;
        usleep(20);
    }
    return NULL;
}

static int is_enough(void)
{
    return n_changes_of_one >= LEAST_CHANGES && n_returned_of_all >= LEAST_CHANGES &&
           n_answers >= LEAST_ANSWERS;
}

int main(int argc, char **argv)
{
    pthread_t threads[N_ASKING + 2];

    for (long i = 0; i < N_ASKING; i++) {
        pthread_create(&threads[i], NULL, ask, (void *)(i + 1));
    }
    pthread_create(&threads[N_ASKING], NULL, change_all, NULL);
    pthread_create(&threads[N_ASKING + 1], NULL, change_one, NULL);
    sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 2);
    while (!is_enough()) {
        usleep(10000);
    }
    is_over = 1;
    for (int i = 0; i < N_ASKING + 2; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%ld stale of %ld\n", n_stale, n_answers);
    return n_stale != 0;
}
