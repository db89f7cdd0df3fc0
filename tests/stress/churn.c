// SPDX-License-Identifier: MIT
/*
 * Everything at once against the counting library, for as many seconds as the argument says:
 * threads that come and go, random keys, a timer whose handler calls too, forked children that go
 * on in the middle of it. Every answer is checked against what it must be. Prints the number of
 * calls of each function that this process made; exits 1 when an answer was wrong.
 */
#include "counted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_THREADS     6
#define CALLS_OF_LIFE 20000 /* of one thread, before another takes its place */
#define CALLS_OF_FORK 300

static _Atomic int64_t n_squares, n_names, n_lengths, n_checks, n_divisions;
static _Atomic int n_wrong;
static _Atomic bool is_over;

static void expect(bool holds)
{
    if (!holds) {
        atomic_fetch_add(&n_wrong, 1);
    }
}

static unsigned draw(uint64_t *state, unsigned bound)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33) % bound;
}

static void call_square(long x)
{
    atomic_fetch_add(&n_squares, 1);
    expect(counted_square(x) == x * x);
}

static void call_name(int id)
{
    char wanted[32];
    const char *name;

    snprintf(wanted, sizeof(wanted), "name-%d-", id);
    atomic_fetch_add(&n_names, 1);
    name = counted_name(id);
    expect(strncmp(name, wanted, strlen(wanted)) == 0 &&
           strlen(name) == strlen(wanted) + (size_t)(id % 1500));
}

static void call_length(unsigned length)
{
    char text[400];

    memset(text, 'x', length);
    text[length] = '\0';
    atomic_fetch_add(&n_lengths, 1);
    expect(counted_length(text) == (long)length);
}

static void call_check(unsigned which)
{
    struct counted_room room;
    char setting[32];
    bool is_right = which % 3 != 0;

    snprintf(setting, sizeof(setting), "setting-%u", which);
    memset(&room, 0, sizeof(room));
    atomic_fetch_add(&n_checks, 1);
    expect(counted_check(is_right ? "open" : "shut", setting, &room) == room.output);
    expect(strcmp(room.output, is_right ? setting : "*") == 0);
}

static void call_divide(int dividend, int divisor)
{
    int quotient = -1, remainder = -1, result;

    errno = 0;
    atomic_fetch_add(&n_divisions, 1);
    result = counted_divide(dividend, divisor, &quotient, &remainder);
    if (divisor == 0) {
        expect(result == -1 && errno == EDOM && quotient == -1 && remainder == -1);
    } else {
        expect(result == 0 && errno == 0 && quotient == dividend / divisor &&
               remainder == dividend % divisor);
    }
}

static void call_something(uint64_t *state)
{
    switch (draw(state, 5)) {
    case 0:
        call_square((long)draw(state, 300));
        break;
    case 1:
        call_name((int)draw(state, 120));
        break;
    case 2:
        call_length(draw(state, 400));
        break;
    case 3:
        call_check(draw(state, 40));
        break;
    default:
        call_divide((int)draw(state, 30), (int)draw(state, 5));
        break;
    }
}

static void *live(void *argument)
{
    uint64_t state = (uint64_t)(uintptr_t)argument;

    for (int i = 0; i < CALLS_OF_LIFE && !is_over; i++) {
        call_something(&state);
    }
    return NULL;
}

/* A place for one thread after the other. */
static void *keep_alive(void *argument)
{
    uint64_t state = (uint64_t)(uintptr_t)argument;

    while (!is_over) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, live, (void *)(uintptr_t)(draw(&state, 1u << 30) + 1)) ==
            0) {
            pthread_join(thread, NULL);
        }
    }
    return NULL;
}

static void handle_alarm(int number)
{
    static _Atomic long n_alarms;
    int saved_errno = errno;

    call_square(atomic_fetch_add(&n_alarms, 1) % 300);
    errno = saved_errno;
}

/* The child is alone with whatever state the fork found. */
static void fork_once(uint64_t *state)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        for (int i = 0; i < CALLS_OF_FORK; i++) {
            call_something(state);
        }
        _exit(n_wrong > 0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    expect(status == 0);
}

int main(int n_arguments, char **arguments)
{
    struct sigaction action = {.sa_handler = handle_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    pthread_t threads[N_THREADS];
    uint64_t state = 42;
    time_t end = time(NULL) + (n_arguments > 1 ? atoi(arguments[1]) : 1);

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long i = 0; i < N_THREADS; i++) {
        pthread_create(&threads[i], NULL, keep_alive, (void *)(i + 1));
    }
    while (time(NULL) < end) {
        struct timespec pause = {0, 50 * 1000 * 1000};

        fork_once(&state);
        nanosleep(&pause, NULL);
        draw(&state, 1);
    }
    is_over = true;
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("square %ld name %ld length %ld check %ld divide %ld wrong %d\n", (long)n_squares,
           (long)n_names, (long)n_lengths, (long)n_checks, (long)n_divisions, (int)n_wrong);
    return n_wrong > 0;
}
