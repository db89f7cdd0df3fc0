// SPDX-License-Identifier: MIT
/*
 * A signal handler that calls a function while a call of it is under way, before each instruction
 * of that where the guard is not set, and a program's handler would be answered as well: every call
 * counts. By the processor's single steps, so that no instruction is left out.
 */
#ifndef TESTS_CALL_STEPS_H
#define TESTS_CALL_STEPS_H

#include "call_ways.h"

#include <signal.h>
#include <ucontext.h>

/* ThreadSanitizer puts signals off, and valgrind makes no single steps. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HAS_STEPS 1
#else
#define HAS_STEPS 0
#endif
#define NEED_STEPS()                                                                \
    do {                                                                            \
        NEED(HAS_STEPS, "a program cannot be led step by step here");               \
        NEED(getenv("LD_PRELOAD") == NULL, "not tested under what runs a program"); \
    } while (0)

#if HAS_STEPS
static struct call_plan *stepped_plan;
static call_kth_fn stepped_call;
static uint64_t n_steps, n_handler_calls;

/* The kernel has cleared the flag for the handler, and sets it again behind it. */
static void handle_step(int signal)
{
    n_steps++;
    if (memoshim_guard == 0) {
        n_handler_calls++;
        steps_calls = false;
        stepped_call(stepped_plan, 0);
        steps_calls = true;
    }
}

static inline void step_through(struct call_plan *plan, call_kth_fn call, uint32_t k)
{
    struct sigaction before, action = {.sa_handler = handle_step};

    stepped_plan = plan;
    stepped_call = call;
    n_steps = n_handler_calls = 0;
    assert_int_equal(sigaction(SIGTRAP, &action, &before), 0);
    steps_calls = true;
    call(plan, k);
    steps_calls = false;
    assert_int_equal(sigaction(SIGTRAP, &before, NULL), 0);
}

static inline void expect_stepped(struct call_plan *plan, const char *what, call_kth_fn call,
                                  uint32_t k, bool is_hit)
{
    uint64_t n_hits = counted(plan, STATS_hits), n_misses = counted(plan, STATS_misses);

    step_through(plan, call, k);
    n_hits = counted(plan, STATS_hits) - n_hits;
    n_misses = counted(plan, STATS_misses) - n_misses;
    assert_true(n_steps > 10 && n_handler_calls > 2);
    if (n_hits != n_handler_calls + is_hit || n_misses != !is_hit) {
        fail_msg("%s, %s: of %llu calls %llu were counted as hits, %llu as misses", what,
                 is_hit ? "a hit" : "a miss", (unsigned long long)n_handler_calls + 1,
                 (unsigned long long)n_hits, (unsigned long long)n_misses);
    }
}

/* A hit, and a miss on its short way, in a process without threads; and a hit in one with them. */
static inline void expect_all_counted(struct call_plan *plan, const char *what, call_kth_fn call)
{
    let_alone(plan);
    for (int alone = 1; alone >= 0; alone--) {
        __libc_single_threaded = (char)alone;
        for (uint32_t k = 0; k < 2; k++) {
            call(plan, k);
        }
        expect_stepped(plan, what, call, 1, true);
        if (alone && plan->quick.fill != NULL) {
            expect_stepped(plan, what, call, 2, false);
        }
        __libc_single_threaded = 1;
    }
}

/* ---- a handler that invalidates -------------------------------------------------------------- */

#define STEPS_BETWEEN_CHANGES 37
#define STEPS_OF_A_MISS       307  /* the same of a miss, which takes ten times as many */
#define MOST_STEPS            1500 /* what takes more is a proof of the whole cache */

static uint64_t change_at; /* before which step */
static int n_real_at_change;

/* As a call that invalidates does (call_trigger_before), be it in the middle of the shim. */
static void invalidate_anywhere(struct call_plan *plan)
{
    if (memoshim_guard != 0) {
        call_fence(plan);
        return;
    }
    guard_enter();
    call_plan_invalidate(plan);
    guard_leave();
}

static void handle_by_changing(int signal, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;

    if (++n_steps == change_at) {
        interrupted->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x100; /* no more steps */
        invalidate_anywhere(stepped_plan);
        n_real_at_change = n_real;
    }
}

/* Whatever is remembered behind a change is of after it: it was computed by then, or is now. */
static inline void expect_change_seen(struct call_plan *plan, const char *what, call_kth_fn call,
                                      bool is_hit)
{
    for (change_at = 1; change_at < MOST_STEPS;
         change_at += is_hit ? STEPS_BETWEEN_CHANGES : STEPS_OF_A_MISS) {
        invalidate_anywhere(plan);
        if (is_hit) {
            call(plan, 1);
        }
        n_steps = 0;
        steps_calls = true;
        call(plan, 1);
        steps_calls = false;
        if (n_steps < change_at) {
            break;
        }
        call(plan, 1);
        if (n_real == n_real_at_change) {
            fail_msg("%s, %s: nothing was computed after a change before step %llu", what,
                     is_hit ? "a hit" : "a miss", (unsigned long long)change_at);
        }
    }
    assert_true(change_at > STEPS_BETWEEN_CHANGES);
}

static inline void expect_changes_seen(struct call_plan *plan, const char *what, call_kth_fn call)
{
    struct sigaction before, action = {.sa_sigaction = handle_by_changing, .sa_flags = SA_SIGINFO};

    stepped_plan = plan;
    let_alone(plan);
    assert_int_equal(sigaction(SIGTRAP, &action, &before), 0);
    for (int alone = 1; alone >= 0; alone--) {
        __libc_single_threaded = (char)alone;
        expect_change_seen(plan, what, call, true);
        expect_change_seen(plan, what, call, false);
        __libc_single_threaded = 1;
    }
    assert_int_equal(sigaction(SIGTRAP, &before, NULL), 0);
}
#endif

#endif
