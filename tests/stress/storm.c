// SPDX-License-Identifier: MIT
/*
 * Everything at once against the counting library: threads that come and go and call with random
 * keys, or are ended in the middle of a call; others that load and unload plugins; a timer and
 * threads that raise signals, whose handlers call; children forked in the middle of it, which go
 * on calling. Every answer is checked; a wrong one ends the process with status 1.
 *
 *     storm SEED SECONDS FOLDER [PLUGIN...] [-- LIBRARY...]
 *
 * Prints, and each child writes into FOLDER/children/N.counts, how often calls of each function
 * ended in which way: one line each. FOLDER/PID.json of the N-th child, if there is one, becomes
 * FOLDER/children/N.json, since process ids come again. Draws depend on the seed alone; what they
 * meet depends on the scheduler, too. SECONDS become more where that is slow, until there was
 * enough of everything for the test to see.
 */
#include "storm.h"

#include "counted.h"
#include "storm_throw.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLERS        4
#define CALLS_OF_LIFE  5000 /* of one thread, before another takes its place */
#define CALLS_OF_CHILD 200
#define MAX_LOADS      16
#define ALARM_US       1000
#define MAX_WAIT_US    20000 /* before a thread is ended */
#define CHILDREN       1200  /* at most so many, however long the storm */
#define FORK_PAUSE_MS  50

/* Of everything that there is, at least. */
#define LEAST_CALLS    2000 /* of a function, beside those that children make */
#define LEAST_ENDS     1    /* of counted_hooked, in each way */
#define LEAST_LOADS    3    /* of each object */
#define LEAST_LOADINGS 120  /* of all objects together, if there are any */

/*
 * A sanitizer's runtime must hear of every fork; and its malloc, of which an exception takes
 * memory, may be locked for good in the child.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

_Atomic long storm_counts[STORM_FUNCTIONS][STORM_ENDS];
atomic_bool storm_is_over;

static uint64_t seed;
static const char *folder;
static struct storm_load loads[MAX_LOADS];
static size_t n_loads;

void storm_expect(bool holds, const char *what)
{
    if (!holds) {
        dprintf(STDERR_FILENO, "storm: wrong: %s (process %d)\n", what, (int)getpid());
        _exit(1);
    }
}

void storm_note(enum storm_function function, enum storm_end end)
{
    atomic_fetch_add(&storm_counts[function][end], 1);
}

/* SplitMix64 (Steele, Lea, Flood 2014), one step from each. */
uint64_t storm_seed(uint64_t from, uint64_t number)
{
    uint64_t z = from + number * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned storm_draw(uint64_t *state, unsigned bound)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33) % bound;
}

/* By no function that takes memory: a child that was forked plainly may find malloc's lock taken.
 */
static void print_counts(int fd)
{
    char text[80 * STORM_FUNCTIONS];
    size_t n_bytes = 0;
    static const char *const names[STORM_FUNCTIONS] = {
        [STORM_square] = "counted_square",     [STORM_name] = "counted_name",
        [STORM_length] = "counted_length",     [STORM_check] = "counted_check",
        [STORM_divide] = "counted_divide",     [STORM_fill] = "counted_fill",
        [STORM_digest] = "counted_digest",     [STORM_hooked] = "counted_hooked",
        [STORM_pending_step] = "pending_step",
    };

    for (int i = 0; i < STORM_FUNCTIONS; i++) {
        n_bytes += (size_t)snprintf(
            text + n_bytes, sizeof(text) - n_bytes, "%s %ld %ld %ld %ld\n", names[i],
            (long)storm_counts[i][STORM_RETURNED], (long)storm_counts[i][STORM_THROWN],
            (long)storm_counts[i][STORM_JUMPED], (long)storm_counts[i][STORM_ENDED]);
        storm_expect(n_bytes < sizeof(text), "room for the counts");
    }
    storm_expect(write(fd, text, n_bytes) == (ssize_t)n_bytes, "the counts");
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Before glibc 2.38 a handler that interrupts a cancellation point can be cancelled anywhere. */
static void handle_signal(int number)
{
    int cancel_state;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    storm_call_from_handler();
    pthread_setcancelstate(cancel_state, NULL);
}

static void *live(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;

    for (int i = 0; i < CALLS_OF_LIFE && !storm_is_over; i++) {
        storm_call_something(&state, true);
        if (storm_draw(&state, 50) == 0) {
            raise(SIGUSR1);
        }
    }
    return NULL;
}

static void run_thread(void *(*run)(void *state), uint64_t *state, bool is_ended)
{
    uint64_t own = storm_seed(*state, 1);
    pthread_t thread;
    void *result = NULL;

    *state = storm_seed(*state, 2);
    storm_expect(pthread_create(&thread, NULL, run, &own) == 0, "pthread_create");
    if (is_ended) {
        usleep(storm_draw(state, MAX_WAIT_US));
        pthread_cancel(thread);
    }
    storm_expect(pthread_join(thread, &result) == 0, "pthread_join");
    storm_expect(result == NULL || (is_ended && result == PTHREAD_CANCELED), "a thread's result");
}

/* A place for one thread after the other. */
static void *keep_alive(void *number)
{
    uint64_t state = storm_seed(seed, (uint64_t)(uintptr_t)number);

    while (!storm_is_over) {
        run_thread(live, &state, false);
    }
    return NULL;
}

static void *end_others(void *number)
{
    uint64_t state = storm_seed(seed, (uint64_t)(uintptr_t)number);

    while (!storm_is_over) {
        run_thread(storm_be_ended, &state, true);
    }
    return NULL;
}

/* ---- children -------------------------------------------------------------------------------- */

/* The child is alone with whatever state the fork found. */
static void be_child(uint64_t state, long number, bool may_throw)
{
    char path[4096];
    int fd;

    memset(storm_counts, 0, sizeof(storm_counts));
    for (int i = 0; i < CALLS_OF_CHILD; i++) {
        storm_call_something(&state, may_throw);
        if (i % 20 == 0) {
            raise(SIGUSR1);
        }
    }
    snprintf(path, sizeof(path), "%s/children/%ld.counts", folder, number);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    storm_expect(fd >= 0, path);
    print_counts(fd);
    _exit(0);
}

/* False when there is no room for another process just now, which is nobody's fault here. */
static bool fork_once(uint64_t *state, long number)
{
    bool is_plain = !IS_SANITIZED && storm_draw(state, 4) == 0;
    char from[4096], to[4096];
    pid_t pid = is_plain ? _Fork() : fork();
    int status = -1;

    if (pid == 0) {
        be_child(storm_seed(*state, 1), number, !is_plain && !IS_SANITIZED);
    }
    *state = storm_seed(*state, 2);
    if (pid < 0 && (errno == EAGAIN || errno == ENOMEM)) {
        return false;
    }
    storm_expect(pid > 0, "fork");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    storm_expect(status == 0, "a child");
    snprintf(from, sizeof(from), "%s/%d.json", folder, (int)pid);
    snprintf(to, sizeof(to), "%s/children/%ld.json", folder, number);
    rename(from, to);
    return true;
}

static long count_loads(void)
{
    long n = 0;

    for (size_t i = 0; i < n_loads; i++) {
        n += loads[i].n_loads;
    }
    return n;
}

static bool is_enough(void)
{
    for (int i = 0; i < STORM_FUNCTIONS; i++) {
        if (i != STORM_pending_step && storm_counts[i][STORM_RETURNED] < LEAST_CALLS) {
            return false;
        }
    }
    for (int end = 0; end < STORM_ENDS; end++) {
        if (storm_counts[STORM_hooked][end] < LEAST_ENDS &&
            (end != STORM_THROWN || storm_catch != NULL)) {
            return false;
        }
    }
    for (size_t i = 0; i < n_loads; i++) {
        if (loads[i].n_loads < LEAST_LOADS) {
            return false;
        }
    }
    return n_loads == 0 || count_loads() >= LEAST_LOADINGS;
}

/* At least one child for each second, and one more. */
static void fork_for(long seconds)
{
    const long pause_ms =
        seconds * 1000 / CHILDREN > FORK_PAUSE_MS ? seconds * 1000 / CHILDREN : FORK_PAUSE_MS;
    const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
    uint64_t state = storm_seed(seed, 0);
    struct timespec now, end;
    long n_children = 0;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    do {
        n_children += fork_once(&state, n_children);
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec) ||
             n_children <= seconds || !is_enough());
    printf("children %ld\n", n_children);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void read_loads(char **paths, int n_paths, bool *is_provider)
{
    bool are_providers = false;

    for (int i = 0; i < n_paths && n_loads < MAX_LOADS; i++) {
        if (strcmp(paths[i], "--") == 0) {
            are_providers = true;
        } else {
            loads[n_loads] = (struct storm_load){paths[i], storm_seed(seed, 1000 + n_loads), 0};
            is_provider[n_loads++] = are_providers;
        }
    }
}

int main(int n_arguments, char **arguments)
{
    struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, ALARM_US}, {0, ALARM_US}}, never = {{0, 0}, {0, 0}};
    bool is_provider[MAX_LOADS];
    pthread_t callers[CALLERS], ender, loaders[MAX_LOADS];
    sigset_t alarms;

    if (n_arguments < 4) {
        fprintf(stderr, "storm: SEED SECONDS FOLDER [PLUGIN...] [-- LIBRARY...]\n");
        return 2;
    }
    seed = strtoull(arguments[1], NULL, 10);
    folder = arguments[3];
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    read_loads(arguments + 4, n_arguments - 4, is_provider);

    storm_calls_init();
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_create(&callers[i], NULL, keep_alive, (void *)(i + 1));
    }
    pthread_create(&ender, NULL, end_others, (void *)(uintptr_t)(CALLERS + 1));
    for (size_t i = 0; i < n_loads; i++) {
        pthread_create(&loaders[i], NULL, is_provider[i] ? storm_load_provider : storm_load_caller,
                       &loads[i]);
    }
    /* The timer's signals are for all the others. */
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    setitimer(ITIMER_REAL, &often, NULL);

    fork_for(atol(arguments[2]));

    storm_is_over = true;
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], NULL);
    }
    pthread_join(ender, NULL);
    for (size_t i = 0; i < n_loads; i++) {
        pthread_join(loaders[i], NULL);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    storm_counts[STORM_square][STORM_RETURNED] += counted_by_constructors;
    printf("loads %ld\n", count_loads());
    fflush(stdout);
    print_counts(STDOUT_FILENO);
    return 0;
}
