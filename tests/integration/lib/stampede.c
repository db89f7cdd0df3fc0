// SPDX-License-Identifier: MIT
/*
 * 64 threads that want one result at one time, and what becomes of its computation. The first
 * argument says what; the exit status is 1 when an answer was wrong. The thread that computes goes
 * on when it sees the others asleep, or at least on their way, never after some time.
 */
#include "stampede.h"

#include "counted.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_THREADS 64
#define KEY       5
#define RESULT    15

static _Atomic pid_t thread_ids[N_THREADS]; /* of those who have come */
static _Atomic pid_t computing;             /* the one whose call is the real one */
static _Atomic int n_wrong;

static void expect(bool holds)
{
    if (!holds) {
        atomic_fetch_add(&n_wrong, 1);
    }
}

static pid_t own_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* The state letter of a thread: S when it sleeps in the kernel until somebody wakes it. */
static char thread_state(pid_t thread)
{
    char path[64], text[256] = "";
    const char *end;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    file = fopen(path, "r");
    if (file == NULL) {
        return '?';
    }
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    end = strrchr(text, ')');
    return end == NULL ? '?' : end[2];
}

static bool is_on_its_way(pid_t thread)
{
    return thread != 0;
}

static bool is_asleep(pid_t thread)
{
    return thread != 0 && thread_state(thread) == 'S';
}

/* Until this holds for all threads but the one that computes. */
static void wait_until_others(bool (*holds)(pid_t thread))
{
    int n = 0;

    while (n < N_THREADS - 1) {
        usleep(1000);
        n = 0;
        for (int i = 0; i < N_THREADS; i++) {
            n += thread_ids[i] != computing && holds(thread_ids[i]);
        }
    }
}

static void return_at_once(long key)
{
}

static void *want_result(void *argument)
{
    thread_ids[(long)argument] = own_id();
    expect(counted_hooked(KEY) == RESULT);
    return NULL;
}

/* The first thread computes, and is in the middle of it when the others come. */
static void begin(pthread_t threads[N_THREADS], void (*hook)(long key), void *(*first)(void *))
{
    counted_hook = hook;
    pthread_create(&threads[0], NULL, first, NULL);
    while (computing == 0) {
        usleep(100);
    }
    for (long i = 1; i < N_THREADS; i++) {
        pthread_create(&threads[i], NULL, want_result, (void *)i);
    }
}

static void join_all(pthread_t threads[N_THREADS])
{
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void run(void (*hook)(long key), void *(*first)(void *))
{
    pthread_t threads[N_THREADS];

    begin(threads, hook, first);
    join_all(threads);
}

/* ---- it ends when all the others are asleep -------------------------------------------------- */

static void be_slow(long key)
{
    computing = own_id();
    wait_until_others(is_asleep);
}

static void run_slow(void)
{
    run(be_slow, want_result);
}

/* ---- it needs its own result ----------------------------------------------------------------- */

static void need_oneself(long key)
{
    be_slow(key);
    counted_hook = return_at_once;
    expect(counted_hooked(KEY) == RESULT);
}

static void run_recursion(void)
{
    run(need_oneself, want_result);
}

/* ---- the process forks in the middle of it --------------------------------------------------- */

/* What the child calls is its own affair: one real call, and one that finds its result. */
static void call_as_child(void)
{
    counted_hook = return_at_once;
    expect(counted_hooked(KEY) == RESULT);
    expect(counted_hooked(KEY) == RESULT);
    _exit(n_wrong > 0);
}

static void fork_and_wait(void)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        call_as_child();
    }
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

static void fork_itself(long key)
{
    be_slow(key);
    fork_and_wait();
}

static void run_fork_by_itself(void)
{
    run(fork_itself, want_result);
}

static _Atomic bool has_forked;

static void wait_for_fork(long key)
{
    computing = own_id();
    while (!has_forked) {
        usleep(100);
    }
}

static void run_fork_by_another(void)
{
    pthread_t threads[N_THREADS];

    begin(threads, wait_for_fork, want_result);
    wait_until_others(is_asleep);
    fork_and_wait();
    has_forked = true;
    join_all(threads);
}

/* ---- it never comes back, when all the others are on their way ------------------------------- */

static jmp_buf in_first;

/* Whoever computes in its place does so at once, should one lose patience before it has left. */
static void be_lost(void)
{
    counted_hook = return_at_once;
    computing = own_id();
    thread_ids[0] = computing;
    wait_until_others(is_on_its_way);
}

static void lose_by_exit(long key)
{
    be_lost();
    pthread_exit(NULL);
}

static void lose_by_longjmp(long key)
{
    be_lost();
    longjmp(in_first, 1);
}

static void lose_by_cancel(long key)
{
    be_lost();
    counted_leaves_frames();
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

static void *want_and_be_lost(void *unused)
{
    if (setjmp(in_first) == 0) {
        counted_hooked(KEY);
        expect(false);
    }
    return NULL;
}

static void run_lost_by_exit(void)
{
    run(lose_by_exit, want_and_be_lost);
}

static void run_lost_by_longjmp(void)
{
    run(lose_by_longjmp, want_and_be_lost);
}

static void run_lost_by_cancel(void)
{
    run(lose_by_cancel, want_and_be_lost);
}

#if HAS_THROW
static void lose_by_throw(long key)
{
    be_lost();
    throw_key(key);
}

static void *want_and_catch(void *unused)
{
    expect(catches_key(counted_hooked, KEY));
    return NULL;
}

static void run_lost_by_throw(void)
{
    run(lose_by_throw, want_and_catch);
}
#endif

int main(int n_arguments, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } acts[] = {
        {"slow", run_slow},
        {"recursion", run_recursion},
        {"fork-by-itself", run_fork_by_itself},
        {"fork-by-another", run_fork_by_another},
        {"lost-by-exit", run_lost_by_exit},
        {"lost-by-longjmp", run_lost_by_longjmp},
        {"lost-by-cancel", run_lost_by_cancel},
#if HAS_THROW
        {"lost-by-throw", run_lost_by_throw},
#endif
    };

    for (unsigned i = 0; n_arguments > 1 && i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(arguments[1], acts[i].name) == 0) {
            acts[i].run();
            printf("%s: %d wrong\n", acts[i].name, (int)n_wrong);
            return n_wrong > 0;
        }
    }
    fprintf(stderr, "stampede: which act?\n");
    return 2;
}
