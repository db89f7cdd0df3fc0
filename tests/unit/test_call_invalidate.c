// SPDX-License-Identifier: MIT
/*
 * Invalidation on the path of calls: something changes before, during or after a computation, and
 * the computation looks before or after the change. What was seen before a change is never served
 * once the invalidating call has returned.
 */
#include "call_subject.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is asked for: the version of a subject --------------------------------------------- */

#define N_SUBJECTS 4

static int versions[N_SUBJECTS];
static void (*meanwhile)(void); /* what happens while the function computes */
static bool looks_late;         /* behind it */

static int look(int subject)
{
    int seen = versions[subject];

    n_real++;
    if (meanwhile != NULL) {
        void (*now)(void) = meanwhile;

        meanwhile = NULL;
        now();
    }
    return looks_late ? versions[subject] : seen;
}

/* ---- what changes it ------------------------------------------------------------------------- */

static struct call_trigger *trigger;
static _Alignas(8) unsigned char note[CALL_NOTE_BYTES];
static char path[] = "/tmp/memoshim-test.XXXXXX";

static void tie(struct call_plan *plan)
{
    const struct config_function *function = &model.functions[0];

    trigger = call_trigger_create(&arena);
    assert_non_null(trigger);
    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        if (function->invalidations[i].kind == INVALIDATE_ON_CALL) {
            assert_int_equal(call_trigger_add(trigger, plan, &function->invalidations[i], &arena),
                             0);
        }
    }
}

/* The steps of change(int why, int subject), as the entry would tell of them. */
static void change_begins(int subject)
{
    struct abi_registers registers = {.integers = {7, (uint64_t)(uint32_t)subject}};

    guard_enter();
    call_trigger_before(trigger, &registers, false, note);
    guard_leave();
}

static void change_ends(void)
{
    guard_enter();
    call_trigger_after(trigger, false, note);
    guard_leave();
}

static void change_one(void)
{
    change_begins(1);
    versions[1]++;
    change_ends();
}

static void change_file(void)
{
    static int n_bytes;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    versions[1]++;
    n_bytes++;
    assert_int_equal(ftruncate(fd, n_bytes), 0);
    close(fd);
}

/* ---- the ways of invalidating ---------------------------------------------------------------- */

#define ON_CALL "{\"on_call\":\"change\"}"
#define MATCHED                                                               \
    "{\"on_call\":\"change\",\"prototype\":\"void change(int why, int it)\"," \
    "\"match\":{\"it\":\"subject\"}}"

struct way {
    const char *rule, *more;
    void (*change)(void);
};

static const struct way ways[] = {
    {ON_CALL, "", change_one},
    {MATCHED, "", change_one},
    {MATCHED, ",\"per_instance\":\"subject\"", change_one},
    {ON_CALL, ",\"per_instance\":\"subject\",\"max_instances\":2", change_one},
    {MATCHED, ",\"single_flight\":false,\"policy\":\"sieve\"", change_one},
    {NULL, "", change_file},
    {NULL, ",\"per_instance\":\"subject\"", change_file},
};

#define N_WAYS (int)(sizeof(ways) / sizeof(ways[0]))

static struct call_plan *plan_of_way(const struct way *way)
{
    char entry[1024], file_rule[128];
    struct call_plan *plan;

    snprintf(file_rule, sizeof(file_rule), "{\"file\":\"%s\"}", path);
    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"int look(int subject)\",\"invalidate\":[%s]%s}",
             way->rule != NULL ? way->rule : file_rule, way->more);
    plan = make_plan("look", entry, (void *)look);
    tie(plan);
    return plan;
}

static void settle_file(const struct way *way)
{
    if (way->rule == NULL) {
        clock_now_ns += SECOND; /* its last change is long ago */
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_before_and_after_a_change(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        struct call_plan *plan = plan_of_way(&ways[i]);

        call_int(plan, 1);
        for (int round = 0; round < 5; round++) {
            assert_int_equal(call_int(plan, 1), versions[1]);
            ways[i].change();
            settle_file(&ways[i]);
            assert_int_equal(call_int(plan, 1), versions[1]);
        }
    }
}

/* The whole change falls into a computation of the same, or of another, subject. */
static void test_a_change_during_a_computation(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        for (int late = 0; late < 2; late++) {
            struct call_plan *plan = plan_of_way(&ways[i]);

            call_int(plan, 2);
            meanwhile = ways[i].change;
            looks_late = late;
            call_int(plan, 1);
            looks_late = false;
            settle_file(&ways[i]);
            assert_int_equal(call_int(plan, 1), versions[1]);
            assert_int_equal(call_int(plan, 1), versions[1]);
        }
    }
}

static void begin_change(void)
{
    change_begins(1);
}

/* A computation that begins during the invalidating call and sees what was before. */
static void test_a_computation_during_a_change(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        if (ways[i].rule != NULL) {
            struct call_plan *plan = plan_of_way(&ways[i]);

            call_int(plan, 1);
            change_begins(1);
            call_int(plan, 1); /* still the old one, and kept until the end */
            versions[1]++;
            change_ends();
            assert_int_equal(call_int(plan, 1), versions[1]);

            /* One that began before the call, and ends during it. */
            change_one();
            meanwhile = begin_change;
            call_int(plan, 1);
            versions[1]++;
            change_ends();
            assert_int_equal(call_int(plan, 1), versions[1]);
        }
    }
}

/* The call that invalidates never returns: what it found is gone all the same. */
static void test_a_call_that_never_returns(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        if (ways[i].rule != NULL) {
            struct call_plan *plan = plan_of_way(&ways[i]);

            call_int(plan, 1);
            change_begins(1);
            versions[1]++;
            assert_int_equal(call_int(plan, 1), versions[1]);
        }
    }
}

/* Told of from within the shim, or without an end: everything goes, at once or for good. */
static void test_inside_and_without_an_end(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        if (ways[i].rule != NULL) {
            struct call_plan *plan = plan_of_way(&ways[i]);
            struct abi_registers registers = {.integers = {7, 1}};
            struct stats_function read;
            int n_before;

            call_int(plan, 1);
            guard_enter();
            call_trigger_before(trigger, &registers, true, note);
            versions[1]++;
            call_trigger_after(trigger, true, note);
            guard_leave();
            assert_int_equal(call_int(plan, 1), versions[1]);
            guard_enter();
            call_trigger_before(trigger, &registers, false, NULL);
            guard_leave();
            n_before = n_real;
            for (int k = 0; k < 3; k++) {
                versions[1]++;
                assert_int_equal(call_int(plan, 1), versions[1]);
            }
            assert_int_equal(n_real, n_before + 3);
            call_plan_read(plan, &read);
            assert_int_equal(stats_calls(read.counters), 5);
        }
    }
}

/* Only what matches goes. */
static void test_matching_is_exact(void **state)
{
    for (int i = 1; i <= 2; i++) {
        struct call_plan *plan = plan_of_way(&ways[i]);
        struct stats_function read;

        n_real = 0;
        for (int subject = 0; subject < N_SUBJECTS; subject++) {
            call_int(plan, subject);
        }
        change_one();
        for (int subject = 0; subject < N_SUBJECTS; subject++) {
            assert_int_equal(call_int(plan, subject), versions[subject]);
        }
        assert_int_equal(n_real, N_SUBJECTS + 1);
        call_plan_read(plan, &read);
        assert_int_equal(read.invalidations, 1);
        assert_int_equal(read.instances, i == 2 ? N_SUBJECTS : 0);
    }
}

/* What a control command does. */
static void test_a_plan_is_cleared(void **state)
{
    for (int i = 0; i < N_WAYS; i++) {
        struct call_plan *plan = plan_of_way(&ways[i]);
        struct stats_function read;

        call_int(plan, 1);
        call_int(plan, 2);
        versions[1]++;
        guard_enter();
        call_plan_invalidate(plan);
        guard_leave();
        assert_int_equal(call_int(plan, 1), versions[1]);
        call_plan_read(plan, &read);
        assert_int_equal(read.entries, 1);
        assert_int_equal(read.invalidations, 2);
    }
}

/* A file is not looked at again before its time, and then it is. */
static void test_check_every(void **state)
{
    char entry[512];
    struct call_plan *plan;

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"int look(int subject)\","
             "\"invalidate\":[{\"file\":\"%s\",\"check_every\":\"10s\"}]}",
             path);
    plan = make_plan("look", entry, (void *)look);
    call_int(plan, 1);
    clock_now_ns += SECOND;
    change_file();
    assert_int_equal(call_int(plan, 1), versions[1] - 1);
    clock_now_ns += 9ull * SECOND - clock_coarse_lag_ns() - 1;
    assert_int_equal(call_int(plan, 1), versions[1] - 1);
    clock_now_ns += 1;
    assert_int_equal(call_int(plan, 1), versions[1]);
}

static int setup(void **state)
{
    int fd;

    memset(versions, 0, sizeof(versions));
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return call_setup(state);
}

static int teardown(void **state)
{
    unlink(path);
    return call_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_before_and_after_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_change_during_a_computation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_computation_during_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_call_that_never_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inside_and_without_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_matching_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_plan_is_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check_every, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
