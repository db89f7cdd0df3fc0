// SPDX-License-Identifier: MIT
/*
 * interpose: slots are redirected, counted, given back and closed again, in callers that were built
 * in every way. The program is built several times itself; what it reaches libtarget with is the
 * caller named "executable". The oracle is libtarget's count of real calls.
 */
#include "unit.h"

#include "slots_subject.h"

#include "interpose/maps.h"
#include "interpose/objects.h"
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs check in a child, so that the parent's slots stay as they are; its status. */
static int in_child(int (*check)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        _exit(check());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int apply_without_mprotect(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = code};
    const struct interpose_binding *called = &bindings[TARGET_called];

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 77;
    }
    errno = EXDEV;
    if (interpose_apply(bindings, N_TARGETS) != 0 || errno != EXDEV) {
        return 1;
    }
    for (size_t i = 0; i < N_CALLERS; i++) {
        for (size_t target = 0; target < N_TARGETS; target++) {
            if (callers[i]->calls[target](5) != 5 + (int)target) {
                return 2;
            }
        }
    }
    /* PLT slots of lazy objects are plain data and were reached; those in RELRO were refused. */
    if (called->n_refused < 2 || n_slots(called) + called->n_refused != N_CALLERS ||
        replaced[TARGET_called] != n_slots(called)) {
        return 3;
    }
    return 0;
}

static void test_refused_protection_is_counted(void **state)
{
    int status = in_child(apply_without_mprotect);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("# not tested: no seccomp filter may be installed here\n");
        return;
    }
    assert_int_equal(status, 0);
}

static bool is_in_executable(const void *data)
{
    return objects_containing(data) == &interpose_known.objects[0];
}

static struct maps maps_before, maps_after;

/* The shares of all importers make up the counts of the binding. */
static void expect_shares(const struct interpose_binding *binding)
{
    struct interpose_share sum = {0};
    const struct interpose_importer *importer = NULL;

    while ((importer = interpose_next_importer(binding, importer)) != NULL) {
        const struct interpose_share *share = &importer->share;

        sum.slots.jump += share->slots.jump;
        sum.slots.got += share->slots.got;
        sum.slots.pointers += share->slots.pointers;
        sum.copied += share->copied;
        sum.unaligned += share->unaligned;
        sum.sealed += share->sealed;
    }
    assert_int_equal(sum.slots.jump, binding->n_jump_slots);
    assert_int_equal(sum.slots.got, binding->n_got_slots);
    assert_int_equal(sum.slots.pointers + sum.copied, binding->n_pointers);
    assert_int_equal(sum.unaligned + sum.sealed, binding->n_refused);
}

static void test_apply_reaches_every_slot(void **state)
{
    unsigned n_out_of_reach = 0;

    for (size_t i = 0; i < N_CALLERS; i++) {
        n_out_of_reach += is_out_of_reach(callers[i], TARGET_packed);
    }
    maps_read(&maps_before);
    errno = EXDEV;
    assert_int_equal(interpose_apply(bindings, N_TARGETS), 0);
    assert_int_equal(errno, EXDEV);
    maps_read(&maps_after);
    assert_string_equal(maps_after.text, maps_before.text);
    assert_false(maps_have_wx(&maps_after));

    for (size_t target = 0; target < N_TARGETS; target++) {
        assert_int_equal(bindings[target].n_refused, target == TARGET_packed ? n_out_of_reach : 0);
        expect_shares(&bindings[target]);
    }
    /* One slot a caller, whatever it is; the library calls itself through one PLT slot. */
    assert_int_equal(n_slots(&bindings[TARGET_called]), N_CALLERS);
    assert_int_equal(n_slots(&bindings[TARGET_chosen]), N_CALLERS);
    assert_int_equal(bindings[TARGET_exported].n_jump_slots, 1);
    assert_int_equal(n_slots(&bindings[TARGET_exported]), 1);
    assert_true(bindings[TARGET_called].n_got_slots >= 3);
    assert_true(bindings[TARGET_called].n_jump_slots >= 4);
    /* Two pointers in the library, and one more for each that was copied into the executable. */
    assert_int_equal(bindings[TARGET_copied].n_pointers,
                     2 + is_in_executable(&target_copy) + is_in_executable(&target_const_copy));
    expect_all(true);
}

static void test_library_follows_copied_pointer(void **state)
{
    unsigned before = replaced[TARGET_copied];

    assert_int_equal(target_call_copied(1), 1 + TARGET_copied);
    assert_int_equal(replaced[TARGET_copied], before + 1);
}

static void test_own_slots_are_left_alone(void **state)
{
    unsigned real_before = target_calls[TARGET_called];
    unsigned replaced_before = replaced[TARGET_called];

    assert_int_equal(anchor_call(3), 3 + TARGET_called);
    assert_int_equal(target_calls[TARGET_called], real_before + 1);
    assert_int_equal(replaced[TARGET_called], replaced_before);
}

static void test_revert_and_restore_one_by_one(void **state)
{
    bool is_redirected[N_TARGETS];
    unsigned n_before[N_TARGETS];

    for (size_t i = 0; i < N_TARGETS; i++) {
        is_redirected[i] = true;
        n_before[i] = n_slots(&bindings[i]);
    }
    for (size_t i = 0; i < N_TARGETS; i++) {
        maps_read(&maps_before);
        assert_int_equal(interpose_revert(&bindings[i]), 0);
        maps_read(&maps_after);
        assert_string_equal(maps_after.text, maps_before.text);
        is_redirected[i] = false;
        assert_int_equal(n_slots(&bindings[i]), 0);
        expect_shares(&bindings[i]);
        assert_false(bindings[i].is_active);
        expect_calls(is_redirected);
    }
    for (size_t i = N_TARGETS; i-- > 0;) {
        int result = interpose_restore(&bindings[i]);

        assert_int_equal(result, bindings[i].n_refused > 0 ? -EACCES : 0);
        is_redirected[i] = true;
        assert_int_equal(n_slots(&bindings[i]), n_before[i]);
        expect_shares(&bindings[i]);
        expect_calls(is_redirected);
    }
}

static struct interpose_binding old_version, new_version;
static unsigned n_old, n_new;

static int replace_old(int x)
{
    n_old++;
    return ((int (*)(int))old_version.original)(x);
}

static int replace_new(int x)
{
    n_new++;
    return ((int (*)(int))new_version.original)(x);
}

static void expect_versions(bool old_is_seen, bool new_is_seen)
{
    n_old = n_new = 0;
    for (size_t i = 0; i < N_CALLERS; i++) {
        assert_int_equal(callers[i]->call_old_version(1), 101);
        assert_int_equal(callers[i]->call_new_version(1), 201);
    }
    assert_int_equal(n_old, old_is_seen ? N_CALLERS : 0);
    assert_int_equal(n_new, new_is_seen ? N_CALLERS : 0);
}

/* In most callers both slots are still unresolved: the version that the slot asks for decides. */
static void test_versions_are_told_apart(void **state)
{
    struct interpose_definition definition;

    assert_int_equal(interpose_find("target_versioned", "TARGET_1", NULL, &definition, 1), 1);
    old_version = (struct interpose_binding){.symbol = "target_versioned",
                                             .original = definition.address,
                                             .replacement = (void *)replace_old};
    assert_int_equal(interpose_apply(&old_version, 1), 0);
    assert_int_equal(n_slots(&old_version), N_CALLERS);
    expect_versions(true, false);
    assert_int_equal(interpose_revert(&old_version), 0);
    expect_versions(false, false);

    assert_int_equal(interpose_find("target_versioned", "TARGET_2", NULL, &definition, 1), 1);
    new_version = (struct interpose_binding){.symbol = "target_versioned",
                                             .original = definition.address,
                                             .replacement = (void *)replace_new};
    assert_int_equal(interpose_apply(&new_version, 1), 0);
    expect_versions(false, true);
    assert_int_equal(interpose_restore(&old_version), 0);
    expect_versions(true, true);
}

static void test_bad_bindings_are_refused(void **state)
{
    struct interpose_binding bad[] = {
        {.symbol = "target_called", .replacement = (void *)replace_called},
        {.symbol = "target_called", .original = (void *)replace_called},
        {.original = (void *)replace_called, .replacement = (void *)replace_called},
    };

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(interpose_apply(&bad[i], 1), -EINVAL);
    }
}

static atomic_bool is_switching;

static void *call_on(void *ret_n_calls)
{
    unsigned long n_calls = 0;

    while (atomic_load(&is_switching)) {
        n_calls++;
        if (caller_now.calls[TARGET_chosen](9) != 9 + TARGET_chosen ||
            caller_lazy.calls[TARGET_chosen](9) != 9 + TARGET_chosen) {
            return NULL;
        }
    }
    *(unsigned long *)ret_n_calls = n_calls;
    return ret_n_calls;
}

/* Slots change under callers' feet; two threads that switch get -EBUSY or their turn. */
static void *switch_on(void *unused)
{
    for (int i = 0; i < 300; i++) {
        int result = i % 2 ? interpose_restore(&bindings[TARGET_chosen])
                           : interpose_revert(&bindings[TARGET_chosen]);

        if (result != 0 && result != -EBUSY) {
            return (void *)"failed";
        }
    }
    return NULL;
}

static void test_switching_under_calls(void **state)
{
    pthread_t calling[2], switching[2];
    unsigned long n_calls[2] = {0};
    void *result;

    atomic_store(&is_switching, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&calling[i], NULL, call_on, &n_calls[i]), 0);
        assert_int_equal(pthread_create(&switching[i], NULL, switch_on, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(switching[i], &result);
        assert_null(result);
    }
    atomic_store(&is_switching, false);
    for (int i = 0; i < 2; i++) {
        pthread_join(calling[i], &result);
        assert_non_null(result);
    }
    assert_int_equal(interpose_restore(&bindings[TARGET_chosen]), 0);
    expect_all(true);
}

static int restore_in_child(void)
{
    interpose_after_fork();
    return interpose_revert(&bindings[TARGET_called]) == 0 && caller_now.calls[0](1) == 1 ? 0 : 1;
}

static void test_child_starts_anew(void **state)
{
    assert_int_equal(in_child(restore_in_child), 0);
    expect_all(true);
}

static void *apply_another(void *ret_result)
{
    static struct interpose_binding another;

    another = bindings[TARGET_exported];
    *(int *)ret_result = interpose_apply(&another, 1);
    return NULL;
}

/* In somebody's dl_iterate_phdr callback, which holds the loader's lock. */
static int revert_in_callback(struct dl_phdr_info *info, size_t n_bytes, void *thread)
{
    static int result = -1;
    int status = -1;
    pid_t child;

    assert_int_equal(pthread_create(thread, NULL, apply_another, &result), 0);
    /* The other thread comes to hold the patch lock, and waits for the loader's. */
    while (interpose_revert(&bindings[TARGET_called]) != -EBUSY) {
    }
    child = fork();
    if (child == 0) {
        interpose_after_fork();
        _exit(interpose_revert(&bindings[TARGET_called]) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return 1;
}

/* The two locks in opposite orders: the one that comes second gives up, and nobody hangs. */
static void test_lock_order_with_the_loader(void **state)
{
    pthread_t thread;
    void *result;

    dl_iterate_phdr(revert_in_callback, &thread);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(interpose_restore(&bindings[TARGET_called]), 0);
    expect_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_protection_is_counted),
        cmocka_unit_test(test_apply_reaches_every_slot),
        cmocka_unit_test(test_library_follows_copied_pointer),
        cmocka_unit_test(test_own_slots_are_left_alone),
        cmocka_unit_test(test_revert_and_restore_one_by_one),
        cmocka_unit_test(test_versions_are_told_apart),
        cmocka_unit_test(test_bad_bindings_are_refused),
        cmocka_unit_test(test_switching_under_calls),
        cmocka_unit_test(test_child_starts_anew),
        cmocka_unit_test(test_lock_order_with_the_loader),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
