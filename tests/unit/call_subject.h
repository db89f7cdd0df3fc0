// SPDX-License-Identifier: MIT
/*
 * What the tests of calls share: a configuration text becomes a plan, whose handler is called as
 * the entry would call it; the real functions count their own calls in n_real; time is driven by
 * the test, through the clock's own door for the vDSO.
 */
#ifndef TESTS_CALL_SUBJECT_H
#define TESTS_CALL_SUBJECT_H

#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/guard.h"
#include "call/call.h"
#include "marshal/marshal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000u

static struct arena arena;
static struct config_model model;
static struct diagnostic_list diagnostics;
static const struct hash_mac_key mac_key = {1, 2};

/* ---- driven time ----------------------------------------------------------------------------- */

static uint64_t clock_now_ns;

static int driven_gettime(clockid_t clock, struct timespec *ret_time)
{
    ret_time->tv_sec = (time_t)(clock_now_ns / SECOND);
    ret_time->tv_nsec = (long)(clock_now_ns % SECOND);
    return 0;
}

static int n_real;

/* With declarations for `types`. */
static inline struct call_plan *make_typed_plan(const char *types, const char *name,
                                                const char *entry, void *function)
{
    char text[2048];
    const char *reason = NULL;
    struct call_plan *plan;
    struct config_memory memory = {arena_alloc_callback, &arena};
    int n_bytes =
        snprintf(text, sizeof(text), "{\"version\":1,\"types\":[\"%s\"],\"functions\":{\"%s\":%s}}",
                 types, name, entry);

    assert_in_range(n_bytes, 1, sizeof(text) - 1);
    diagnostics_init(&diagnostics, memory);
    if (config_load("test", text, (size_t)n_bytes, memory, &model, &diagnostics) != 0) {
        char printed[2048];

        diagnostics_print(&diagnostics, printed, sizeof(printed));
        fail_msg("%s", printed);
    }
    assert_int_equal(call_plan_create(&(struct call_plan_options){.function = &model.functions[0],
                                                                  .shown_as = name,
                                                                  .original = function,
                                                                  .seed = 9,
                                                                  .mode = model.functions[0].mode,
                                                                  .mac_key = &mac_key},
                                      &arena, &plan, &reason),
                     0);
    return plan;
}

static inline struct call_plan *make_plan(const char *name, const char *entry, void *function)
{
    return make_typed_plan("", name, entry, function);
}

static inline int call_int(struct call_plan *plan, int x)
{
    void *arguments[] = {&x};
    uint64_t result = 0xdeadbeefdeadbeef;

    call_handle(plan, &result, arguments);
    assert_int_equal(memoshim_guard, 0);
    assert_true((int64_t)result == (int)result); /* widened, as a real call leaves it */
    return (int)result;
}

static inline void expect_counts(const struct call_plan *plan, uint64_t calls, uint64_t entries,
                                 int real)
{
    struct stats_function read;

    call_plan_read(plan, &read);
    assert_int_equal(stats_calls(read.counters), calls);
    assert_int_equal(read.entries, entries);
    assert_int_equal(n_real, real);
}

static inline int call_setup(void **state)
{
    arena_init(&arena, 64 << 20);
    n_real = 0;
    clock_now_ns = 1000ull * SECOND;
    clock_use_vdso(driven_gettime);
    call_init(&(struct call_hooks){0});
    return marshal_init();
}

static inline int call_teardown(void **state)
{
    clock_use_vdso(NULL);
    arena_fini(&arena);
    return 0;
}

#endif
