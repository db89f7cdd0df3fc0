// SPDX-License-Identifier: MIT
/*
 * Steps through calls of memoized functions, one instruction after the other (the processor's trap
 * flag), with a signal handler at each: steps HOW ACT WHERE TALLY N.
 *
 *     call     the handler calls memoized functions itself: the one that it interrupts,
 *              with the same and with other arguments, and another; all this N times.
 *              WHERE: on its own or on an alternate stack. How often each function was
 *              called goes to the file TALLY.
 *     dump     at each WHERE-th instruction the signal that writes statistics; N times
 *     leave    at N of the instructions a child, whose handler leaves by siglongjmp
 *     cancel   the same, but the handler cancels its thread, asynchronously
 *     fork     at N of the instructions the handler forks, in one of three ways
 *
 * ACT is one of steps_acts.c. What the calls gave goes to standard output; it must not depend on
 * who interrupts whom, and a wrong answer in a handler or a child says so. Nothing is timed.
 */
#include "steps.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define TRAP_FLAG      0x100
#define AT_A_TIME      12  /* children */
#define CHILD_SECONDS  110 /* of a child that hangs, and of a slow machine */
#define NESTED_EVERY   307 /* at so many instructions the handler is stepped through, too */
#define MAX_STEPS      2000000
#define INTERLOPER_KEY 70000

/* ---- stepping -------------------------------------------------------------------------------- */

static volatile bool is_stepping;
static volatile long n_steps, depth, stop_at;
static void (*volatile interlope)(void);
static sigjmp_buf outside;

static void set_trap_flag(void)
{
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "i"(TRAP_FLAG) : "memory", "cc");
}

static void step_through(void (*run)(void))
{
    is_stepping = true;
    set_trap_flag();
    run();
    is_stepping = false; /* the next trap takes the flag back */
}

static void clear_trap_flag(ucontext_t *context)
{
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

static void call_others(void)
{
    call_right(5);
    call_right(INTERLOPER_KEY + n_steps % 11);
    call_length("interloper", 10);
}

/* At some instructions these calls are interrupted everywhere, too. */
static void interlope_by_calls(void)
{
    if (depth == 1 && n_steps % NESTED_EVERY == 0) {
        set_trap_flag();
        call_others();
        depth = -1; /* the next trap takes the flag back */
        __asm__ volatile("nop");
    } else {
        call_others();
    }
}

static long dump_every;

/* Not so often that the clock moves on each time it is being read. */
static void interlope_by_dumping(void)
{
    if (depth == 1 && n_steps % dump_every == 0) {
        raise(SIGRTMIN + 5);
    }
}

/* By another signal than that of the traps, which who is interrupted may have blocked. */
static void interlope_by_leaving(void)
{
    if (n_steps == stop_at) {
        raise(SIGUSR1);
    }
}

static void handle_by_leaving(int number)
{
    siglongjmp(outside, 1);
}

static void handle_by_cancelling(int number)
{
    pthread_cancel(pthread_self());
}

/* As another thread does it, by a signal. */
static void interlope_by_cancelling(void)
{
    if (n_steps == stop_at) {
        raise(SIGUSR1);
    }
}

static volatile long fork_every;
static volatile bool is_forked;

/* The child goes on where it was interrupted, as the parent does. */
static void interlope_by_forking(void)
{
    pid_t pid;

    if (n_steps % fork_every != 0) {
        return;
    }
    switch (n_steps / fork_every % 3) {
    case 0:
        pid = fork();
        break;
    case 1:
        pid = _Fork();
        break;
    default:
        pid = (pid_t)syscall(SYS_fork);
    }
    if (pid == 0) {
        is_stepping = false;
        is_forked = true;
        alarm(CHILD_SECONDS);
    }
}

static void handle_trap(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;

    if (depth < 0) {
        depth = 1;
        clear_trap_flag(context);
        return;
    }
    if (!is_stepping || n_steps > MAX_STEPS) {
        clear_trap_flag(context);
        return;
    }
    if (depth == 0) {
        n_steps++;
    }
    depth++;
    interlope();
    depth--;
    errno = saved_errno;
}

static void install(void (*interloper)(void), bool on_alternate_stack)
{
    static char room[256 * 1024];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_sigaction = handle_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (on_alternate_stack) {
        sigaltstack(&stack, NULL);
        action.sa_flags |= SA_ONSTACK;
    }
    interlope = interloper;
    sigaction(SIGTRAP, &action, NULL);
}

static void do_nothing(void)
{
}

/* ---- calls from handlers --------------------------------------------------------------------- */

static int step_with(void (*interloper)(void), void (*run)(void), bool on_alternate_stack,
                     const char *path, long n)
{
    FILE *tally = fopen(path, "w");

    call_right(5);
    run(); /* what happens only once has happened, and then it happens to be stepped through */
    install(interloper, on_alternate_stack);
    for (int i = 0; i < n; i++) {
        step_through(run);
        show_found();
    }
    fprintf(tally, "%ld %ld %ld\n", n_steps, n_square, n_length);
    fclose(tally);
    return n_wrong > 0 || n_steps == 0 || n_steps > MAX_STEPS;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void *call_from_another_thread(void *unused)
{
    for (int i = 0; i < 2; i++) {
        call_right(5);
        call_right(last_key);
        call_right(80000);
        call_length("afterwards", 10);
        use_loader();
    }
    return NULL;
}

static void call_from_everywhere(void)
{
    pthread_t thread;

    call_from_another_thread(NULL);
    pthread_create(&thread, NULL, call_from_another_thread, NULL);
    pthread_join(thread, NULL);
    call_from_another_thread(NULL);
}

static void leave(void (*run)(void))
{
    install(interlope_by_leaving, false);
    signal(SIGUSR1, handle_by_leaving);
    if (sigsetjmp(outside, 1) == 0) {
        step_through(run);
    } else {
        is_stepping = false;
        depth = 0;
    }
    call_from_everywhere();
}

static volatile bool was_cleaned_up;

static void clean_up(void *unused)
{
    was_cleaned_up = true;
}

static void *run_cancelled(void *run)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(clean_up, NULL);
    step_through((void (*)(void))run);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel(void (*run)(void))
{
    pthread_t thread;
    void *result;

    install(interlope_by_cancelling, false);
    signal(SIGUSR1, handle_by_cancelling);
    pthread_create(&thread, NULL, run_cancelled, (void *)run);
    pthread_join(thread, &result);
    is_stepping = false;
    expect(n_steps < stop_at || (result == PTHREAD_CANCELED && was_cleaned_up),
           "what a cancelled thread leaves");
    call_from_everywhere();
}

static long count_steps(void (*run)(void))
{
    long *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();

    if (pid == 0) {
        call_right(5);
        run();
        load_plugin();
        install(do_nothing, false);
        step_through(run);
        *shared = n_steps;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return *shared;
}

#define STATUS_NOT_REACHED 4 /* the act took fewer instructions this time */

static long n_left;

static bool wait_for_one(void)
{
    int status = -1;
    pid_t pid = wait(&status);

    n_left += pid > 0 && status == 0;
    if (pid > 0 && status != 0 && WEXITSTATUS(status) != STATUS_NOT_REACHED) {
        fprintf(stderr, "a child ended with %d\n", status);
        n_wrong++;
    }
    return pid > 0;
}

static int in_children(void (*run)(void), void (*how)(void (*run)(void)), const char *path, long n)
{
    long n_all = count_steps(run), stride = n_all / n + 1;
    FILE *tally = fopen(path, "w");
    int n_running = 0;

    for (long at = 1; at < n_all; at += stride) {
        pid_t pid = fork();

        if (pid == 0) {
            n_square = n_length = 0; /* as a forked child starts its counters at zero */
            n_wrong = 0;             /* what was wrong with others is not its own */
            alarm(CHILD_SECONDS);
            call_right(5);
            run();
            load_plugin();
            stop_at = at;
            how(run);
            exit(n_wrong > 0 ? 1 : n_steps < stop_at ? STATUS_NOT_REACHED : 0);
        }
        if (++n_running == AT_A_TIME) {
            n_running -= wait_for_one();
        }
    }
    while (wait_for_one()) {
    }
    fprintf(tally, "%ld %ld\n", n_all, n_left);
    fclose(tally);
    return n_wrong > 0 || n_all == 0;
}

static int step_with_forks(void (*run)(void), const char *path, long n)
{
    long n_all = count_steps(run);
    FILE *tally = fopen(path, "w");

    call_right(5);
    run();
    fork_every = n_all / n + 1;
    install(interlope_by_forking, false);
    step_through(run);
    call_from_another_thread(NULL);
    if (is_forked) {
        exit(n_wrong > 0);
    }
    while (wait_for_one()) {
    }
    fprintf(tally, "%ld %ld\n", n_steps, n_left);
    fclose(tally);
    return n_wrong > 0 || n_all == 0;
}

int main(int n_arguments, char **arguments)
{
    const char *how = n_arguments == 6 ? arguments[1] : "";
    long n = n_arguments == 6 ? atol(arguments[5]) : 1;
    void (*run)(void) = n_arguments == 6 ? find_act(arguments[2]) : NULL;

    setvbuf(stdout, NULL, _IOFBF, 65536);
    if (run != NULL && strcmp(how, "call") == 0) {
        return step_with(interlope_by_calls, run, strcmp(arguments[3], "alternate") == 0,
                         arguments[4], n);
    } else if (run != NULL && strcmp(how, "dump") == 0) {
        dump_every = atol(arguments[3]);
        return step_with(interlope_by_dumping, run, false, arguments[4], n);
    } else if (run != NULL && strcmp(how, "leave") == 0) {
        return in_children(run, leave, arguments[4], n);
    } else if (run != NULL && strcmp(how, "cancel") == 0) {
        return in_children(run, cancel, arguments[4], n);
    }
    if (run != NULL && strcmp(how, "fork") == 0) {
        return step_with_forks(run, arguments[4], n);
    }
    fprintf(stderr, "steps: what?\n");
    return 2;
}
