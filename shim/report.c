// SPDX-License-Identifier: MIT
/*
 * When statistics are written: at the end of the process, however it ends in an orderly way, on a
 * signal and at intervals. What they look like is stats/'s business.
 *
 * The last word is an exit handler registered before the dynamic linker's own, so it runs after
 * every destructor: calls that destructors make are still counted. _exit and exec* are announced
 * by notices.
 */
#include "process.h"

#include "abi/abi.h"
#include "base/clock.h"
#include "base/foreign_libc.h"
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/log.h"
#include "entry/entry.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc's own; declared by no header. A NULL object: not tied to the unloading of anything. */
int __cxa_atexit(void (*function)(void *), void *argument, void *object);

static pid_t raw_getpid(void)
{
    return (pid_t)syscall(SYS_getpid);
}

static void read_hook(const struct hook *hook, struct stats_function *ret_function)
{
    struct call_plan *plan = atomic_load_explicit(&hook->plan, memory_order_acquire);

    if (plan == NULL) {
        *ret_function = (struct stats_function){
            .name = hook->name,
            .readable = hook->readable,
            .mode = hook->is_off ? "off" : "memoize",
            .refused = hook->problem,
        };
        return;
    }
    call_plan_read(plan, ret_function);
    ret_function->name = hook->name;
    ret_function->path = hook->path;
    ret_function->version = hook->version;
    ret_function->readable = hook->readable;
    ret_function->refused = hooks_problem(hook);
    ret_function->importers = hook;
    ret_function->unexported = hooks_unexported(hook);
    ret_function->later_slots = hooks_count_later_slots(hook);
    if (atomic_load(&hook->let_go) != NULL) {
        ret_function->mode = "off";
    }
    ret_function->off_calls = hooks_passed_off(hook);
    ret_function->reentries = entry_passed(hook->entry) - ret_function->off_calls;
    ret_function->rests = atomic_load(&hook->rest.n_rests);
    ret_function->probes = atomic_load(&hook->rest.n_probes);
    ret_function->resting = atomic_load(&hook->rest.is_resting);
    ret_function->hooked_slots = hooks_count_slots(hook);
}

static const void *next_importer(const void *hook, const void *importer,
                                 struct stats_importer *ret_importer)
{
    const struct interpose_importer *next = hooks_next_importer(hook, importer);

    if (next != NULL) {
        struct interpose_share share;

        interpose_copy_counts(&share, &next->share, sizeof(share));
        *ret_importer = (struct stats_importer){
            .object = next->library,
            .path = next->path[0] != '\0' ? next->path : process.executable,
            .plt = share.slots.jump,
            .got = share.slots.got,
            .pointers = share.slots.pointers,
            .copied = share.copied,
            .unaligned = share.unaligned,
            .sealed = share.sealed,
        };
    }
    return next;
}

static void read_function(void *context, size_t i, struct stats_function *ret_function)
{
    read_hook(&process.hooks[process.shown[i]], ret_function);
}

static bool was_called(const struct hook *hook)
{
    struct stats_function function;

    read_hook(hook, &function);
    return function.reentries + function.off_calls > 0 ||
           (function.counters != NULL && stats_calls(function.counters) > 0);
}

static bool anything_counted(void)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);

    for (uint32_t i = 0; i < n_hooks; i++) {
        if (was_called(&process.hooks[i])) {
            return true;
        }
    }
    return false;
}

/* Fills in what is shown, and returns how many. */
static uint32_t choose_shown_locked(void)
{
    uint32_t n_hooks = atomic_load_explicit(&process.n_hooks, memory_order_acquire);
    uint32_t n_shown = 0;

    lock_assert_held(&process.dump_lock);
    for (uint32_t i = 0; i < n_hooks; i++) {
        const struct hook *hook = &process.hooks[i];
        struct stats_function function;

        read_hook(hook, &function);
        if (!hook->is_spare || function.hooked_slots > 0 || was_called(hook)) {
            process.shown[n_shown++] = i;
        }
    }
    return n_shown;
}

static void handle_signal(int number)
{
    uint32_t guard_before = memoshim_guard;
    int saved_errno = errno;

    guard_enter();
    report_dump();
    memoshim_guard = guard_before; /* the interrupted code may be our own */
    errno = saved_errno;
}

static bool signal_was_taken(void)
{
    struct sigaction action;

    return process.settings.signal != 0 && sigaction(process.settings.signal, NULL, &action) == 0 &&
           action.sa_handler != handle_signal;
}

/*
 * A signal handler that interrupts a cancellation point can be cancelled anywhere (glibc before
 * 2.38), and statistics may be written in one, or by a call in one. The signal that glibc uses for
 * it is left out of every sigset_t, and pthread_setcancelstate loses the thread's exit status.
 */
#define CANCEL_SIGNAL_BIT ((uint64_t)1 << (32 - 1))

static uint64_t hold_cancellation(void)
{
    const uint64_t held = CANCEL_SIGNAL_BIT;
    uint64_t before = 0;

    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &held, &before, sizeof(held));
    return before;
}

/* May not return. */
static void let_cancellation(uint64_t mask_before)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, sizeof(mask_before));
}

void report_dump(void)
{
    const struct settings *settings = &process.settings;
    struct stats_snapshot snapshot = {
        .program = process.program,
        .read_function = read_function,
        .next_importer = next_importer,
    };
    bool is_first_failure;
    uint32_t shield;
    uint64_t mask_before;
    int error;

    if (!settings->has_target) {
        return;
    }
    if (fork_page_is_new_child()) {
        report_new_child();
    }
    /* The child of vfork runs on our memory under another pid: these are not its statistics. */
    if (raw_getpid() != process.pid) {
        return;
    }
    /* A forked helper that called nothing has nothing to tell the person at the terminal. */
    if (settings->target.to_stderr && process.is_child && !anything_counted()) {
        return;
    }
    mask_before = hold_cancellation();
    if (!lock_try_acquire(&process.dump_lock)) {
        let_cancellation(mask_before);
        return; /* another thread is at it, or the code that this signal interrupted */
    }
    shield = float_shield_begin(); /* ratios and means: the program may trap what they raise */
    snapshot.n_functions = choose_shown_locked();
    snapshot.pid = process.pid;
    snapshot.time_s = clock_wall().tv_sec;
    snapshot.uptime_ns = clock_precise_ns() - process.started_ns;
    if (signal_was_taken()) {
        snapshot.notes[0] = "the program installed its own handler for the statistics signal";
    }
    error = stats_dump(&snapshot, &settings->target);
    float_shield_end(shield);
    is_first_failure = error != 0 && !process.dump_failed;
    process.dump_failed |= error != 0;
    lock_release(&process.dump_lock);
    if (is_first_failure) {
        log_line(LOG_LEVEL_ERROR, "cannot write statistics to %s: %s", settings->target.path,
                 stats_target_problem(error));
    }
    let_cancellation(mask_before);
}

void report_tick(void)
{
    uint64_t now_ns = clock_coarse_ns();
    uint64_t due_ns = atomic_load_explicit(&process.next_dump_ns, memory_order_relaxed);

    /* Whoever moves the date on writes; the others go on. */
    if (now_ns >= due_ns &&
        atomic_compare_exchange_strong_explicit(&process.next_dump_ns, &due_ns,
                                                now_ns + process.settings.interval_ns,
                                                memory_order_relaxed, memory_order_relaxed)) {
        report_dump();
    }
}

static void dump_last(void *unused)
{
    int saved_errno = errno;

    guard_enter();
    report_dump();
    guard_leave();
    errno = saved_errno;
}

/* Also if statistics cannot be written: the signal that asks for them must not end the program. */
static void start_handling(int number)
{
    struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, NULL) != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot handle signal %d, so it will not dump statistics: %s",
                 number, strerrordesc_np(errno));
    }
}

void report_start(void)
{
    const struct settings *settings = &process.settings;

    if (settings->signal != 0) {
        start_handling(settings->signal);
    }
    if (!settings->has_target) {
        return;
    }
    __cxa_atexit(dump_last, NULL, NULL);
    __cxa_at_quick_exit(dump_last, NULL);
    if (settings->interval_ns != 0) {
        atomic_store_explicit(&process.next_dump_ns, clock_coarse_ns() + settings->interval_ns,
                              memory_order_relaxed);
    }
}

void report_new_child(void)
{
    /* Of a child's threads one does this, while the others wait: else what they count, and the
     * locks that they take, would be lost, or what the parent has counted come back. */
    if (!fork_page_acknowledge()) {
        return;
    }
    process.pid = raw_getpid();
    process.is_child = true;
    lock_init(&process.dump_lock, LOCK_RANK_STATS);
    interpose_after_fork();
    hooks_after_fork();
    fork_page_settle();
}
