// SPDX-License-Identifier: MIT
/*
 * Threads, signals and unwinding against the counting library. The first argument says what to do;
 * each act prints what it saw on standard output, and exits 1 when an answer was wrong. Nothing is
 * decided by how long something takes: acts wait for states.
 */
#include "counted.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static _Atomic int n_come, n_arrived;
static _Atomic int n_wrong;

static void expect(bool holds)
{
    if (!holds) {
        atomic_fetch_add(&n_wrong, 1);
    }
}

/* ---- results that are not stored: everybody gets through, nobody waits for all the others ---- */

/* Two computations of one key must run at the same time for either to end. */
static void meet(long key)
{
    atomic_fetch_add(&n_arrived, 1);
    while (n_arrived < 2) {
        usleep(100);
    }
}

static void *want_one_result(void *argument)
{
    n_come++;
    expect(counted_hooked(5) == 15);
    return NULL;
}

/* The first lands while the others wait for it; those then meet. */
static void meet_after_first(long key)
{
    static _Atomic int n_calls;

    if (atomic_fetch_add(&n_calls, 1) == 0) {
        while (n_come < 3) {
            usleep(100);
        }
        return;
    }
    meet(key);
}

static void run_unstored(void)
{
    pthread_t threads[3];

    counted_hook = meet_after_first;
    for (long i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, want_one_result, NULL);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* ---- each needs the other's key -------------------------------------------------------------- */

static __thread int depth;

/* Both outer calls, then both inner ones, must be under way at the same time. */
static void need_the_other(long key)
{
    static _Atomic int n_inner;

    if (depth > 0) {
        atomic_fetch_add(&n_inner, 1);
        while (n_inner < 2) {
            usleep(100);
        }
        return;
    }
    meet(key);
    depth++;
    expect(counted_hooked(3 - key) == 3 * (3 - key));
    depth--;
}

static void *want_own_result(void *argument)
{
    long key = (long)argument;

    expect(counted_hooked(key) == 3 * key);
    return NULL;
}

static void run_mutual(void)
{
    pthread_t threads[2];

    counted_hook = need_the_other;
    for (long i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, want_own_result, (void *)(i + 1));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* ---- a call that needs itself, once ---------------------------------------------------------- */

static void need_oneself(long key)
{
    if (depth == 0) {
        depth++;
        expect(counted_hooked(key) == 3 * key);
        depth--;
    }
}

static void run_same(void)
{
    counted_hook = need_oneself;
    expect(counted_hooked(9) == 27);
    expect(counted_hooked(9) == 27);
}

/* ---- a signal handler that calls the function ------------------------------------------------ */

#define STORM_CALLS 300000

static volatile long n_handler_calls;

static void handle_alarm(int number)
{
    int saved_errno = errno;
    long x = n_handler_calls % 16;

    n_handler_calls++;
    expect(counted_square(x) == x * x);
    errno = saved_errno;
}

static void run_storm(void)
{
    struct sigaction action = {.sa_handler = handle_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long i = 0; i < STORM_CALLS; i++) {
        long x = i % 24;

        expect(counted_square(x) == x * x);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("calls %ld\n", STORM_CALLS + n_handler_calls);
}

/* ---- many threads, many keys ----------------------------------------------------------------- */

#define CROWD         8
#define CALLS_OF_EACH 20000

static void *call_many(void *argument)
{
    uint64_t random = (uint64_t)(long)argument * 2654435761u + 1;

    for (int i = 0; i < CALLS_OF_EACH; i++) {
        char wanted[16];
        long x;
        int id;

        random = random * 6364136223846793005u + 1442695040888963407u;
        x = (long)(random >> 58);
        expect(counted_square(x) == x * x);
        id = (int)(random >> 40) % 50;
        snprintf(wanted, sizeof(wanted), "name-%d-", id);
        expect(strncmp(counted_name(id), wanted, strlen(wanted)) == 0);
    }
    return NULL;
}

static void run_crowd(void)
{
    pthread_t threads[CROWD];

    for (long i = 0; i < CROWD; i++) {
        pthread_create(&threads[i], NULL, call_many, (void *)(i + 1));
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("calls %d\n", CROWD * CALLS_OF_EACH);
}

/* ---- calls that never return ----------------------------------------------------------------- */

static jmp_buf before_call;

static void leave_by_longjmp(long key)
{
    longjmp(before_call, 1);
}

static void run_longjmp(void)
{
    counted_hook = leave_by_longjmp;
    for (volatile int i = 0; i < 3; i++) {
        if (setjmp(before_call) == 0) {
            counted_hooked(8);
            expect(false);
        }
    }
    counted_hook = NULL;
    for (int i = 0; i < 3; i++) {
        expect(counted_hooked(8) == 24);
        expect(counted_hooked(7) == 21);
    }
}

static volatile bool was_cleaned_up;

static void clean_up(void *argument)
{
    was_cleaned_up = true;
}

static void leave_by_exit(long key)
{
    pthread_exit((void *)key);
}

static void leave_when_cancelled(long key)
{
    counted_leaves_frames();
    atomic_fetch_add(&n_arrived, 1);
    for (;;) {
        pause();
    }
}

static void *call_and_leave(void *argument)
{
    pthread_cleanup_push(clean_up, NULL);
    counted_hooked((long)argument);
    pthread_cleanup_pop(0);
    return NULL;
}

static void run_leave(void)
{
    pthread_t thread;
    void *result;

    counted_hook = leave_by_exit;
    pthread_create(&thread, NULL, call_and_leave, (void *)4);
    pthread_join(thread, &result);
    expect(result == (void *)4 && was_cleaned_up);

    was_cleaned_up = false;
    counted_hook = leave_when_cancelled;
    pthread_create(&thread, NULL, call_and_leave, (void *)6);
    while (n_arrived == 0) {
        usleep(100);
    }
    pthread_cancel(thread);
    pthread_join(thread, &result);
    expect(result == PTHREAD_CANCELED && was_cleaned_up);

    counted_hook = NULL;
    expect(counted_hooked(4) == 12);
    expect(counted_hooked(6) == 18);
}

int main(int n_arguments, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } acts[] = {
        {"unstored", run_unstored}, {"mutual", run_mutual}, {"same", run_same},
        {"storm", run_storm},       {"crowd", run_crowd},   {"leave", run_leave},
        {"longjmp", run_longjmp},
    };

    for (unsigned i = 0; n_arguments > 1 && i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(arguments[1], acts[i].name) == 0) {
            acts[i].run();
            printf("%s: %d wrong\n", acts[i].name, (int)n_wrong);
            return n_wrong > 0;
        }
    }
    fprintf(stderr, "threads: which act?\n");
    return 2;
}
