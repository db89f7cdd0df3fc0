// SPDX-License-Identifier: MIT
/*
 * interpose: what the exported dlsym and dlvsym answer. The oracle is the real dlsym, and the order
 * in which the test is linked to its libraries.
 */
#include "unit.h"

#include "interpose/caller.h"
#include "interpose_subject.h"
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_and_apply(void **state)
{
    int error = open_all(state);

    if (error == 0) {
        apply_all();
    }
    return error;
}

/* The address given, NULL for "none", or `real` where the call is left to the real function. */
static void *answer(void *handle, const char *symbol, const char *version, const void *caller,
                    void *real)
{
    void *address = NULL;

    return interpose_answer_dlsym(handle, symbol, version, caller, &address) ? address : real;
}

static void test_dlsym_with_handles(void **state)
{
    static char left_alone;
    void *target = open_loaded("libtarget.so");
    void *twin_b = open_loaded("libtwin_b.so");
    void *program = dlopen(NULL, RTLD_LAZY);
    const void *nowhere = NULL;
    char *expected;
    char *message;

    assert_ptr_equal(answer(target, "target_called", NULL, nowhere, NULL), replacement_called);
    assert_ptr_equal(answer(program, "target_called", NULL, nowhere, NULL), replacement_called);
    assert_ptr_equal(answer(twin_b, "twin", NULL, nowhere, NULL), replacement_b);
    assert_ptr_equal(answer(program, "twin", NULL, nowhere, NULL), replacement_a);
    assert_ptr_equal(answer(target, "target_versioned", NULL, nowhere, NULL), replacement_new);
    assert_ptr_equal(answer(target, "target_versioned", "TARGET_2", nowhere, NULL),
                     replacement_new);
    assert_ptr_equal(answer(target, "target_versioned", "TARGET_1", nowhere, NULL),
                     replacement_old);
    /* A name that is bound, elsewhere: NULL and the loader's own words. */
    assert_null(dlsym(twin_b, "target_called"));
    expected = strdup(dlerror());
    assert_ptr_equal(answer(twin_b, "target_called", NULL, nowhere, &left_alone), NULL);
    message = dlerror();
    assert_non_null(message);
    assert_string_equal(message, expected);
    free(expected);
    assert_null(dlerror());
    assert_ptr_equal(answer(target, "target_versioned", "TARGET_3", nowhere, &left_alone), NULL);
    assert_non_null(dlerror());
    /* A success leaves no error behind, and clears none that nobody read. */
    assert_ptr_equal(answer(target, "target_called", NULL, nowhere, NULL), replacement_called);
    assert_null(dlerror());

    assert_ptr_equal(answer(target, "target_taken", NULL, nowhere, &left_alone), &left_alone);
    assert_ptr_equal(answer(program, "dlsym", NULL, nowhere, &left_alone), &left_alone);
    assert_ptr_equal(answer(program, "dlvsym", NULL, nowhere, &left_alone), &left_alone);
    assert_ptr_equal(answer(program, NULL, NULL, nowhere, &left_alone), &left_alone);
}

static void test_dlsym_by_scope(void **state)
{
    static char left_alone;
    const void *here = (const char *)test_dlsym_by_scope + 1;
    const void *in_twin_a = (const char *)dlsym(open_loaded("libtwin_a.so"), "twin_a_call") + 1;
    const void *in_twin_b = (const char *)dlsym(open_loaded("libtwin_b.so"), "twin_b_call") + 1;
    void *plugin = dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_LOCAL);
    const void *in_plugin = (const char *)dlsym(plugin, "plugin_call") + 1;
    const void *in_symbolic = (const void *)caller_symbolic.call_new_version;
    void *page = malloc(64);

    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, here, NULL), replacement_a);
    assert_ptr_equal(answer(RTLD_NEXT, "twin", NULL, here, NULL), replacement_a);
    /* A library that itself interposes gets what comes after that library. */
    assert_ptr_equal(answer(RTLD_NEXT, "twin", NULL, in_twin_a, NULL), replacement_b);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, in_twin_a, NULL), replacement_a);
    assert_ptr_equal(answer(RTLD_NEXT, "twin", NULL, in_twin_b, &left_alone), &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, in_twin_b, NULL), replacement_a);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", NULL, here, NULL), replacement_new);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", "TARGET_1", here, NULL),
                     replacement_old);
    assert_ptr_equal(answer(RTLD_NEXT, "target_versioned", "TARGET_2", here, NULL),
                     replacement_new);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", "TARGET_3", here, &left_alone),
                     &left_alone);
    /* Whether an unversioned definition will do depends on what else the linker put in. */
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", "TARGET_1", here, &left_alone),
                     dlvsym(RTLD_DEFAULT, "twin", "TARGET_1") != NULL ? (void *)replacement_a
                                                                      : &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "no_such_function", NULL, here, &left_alone),
                     &left_alone);
    /* What there is once is found in every scope, known or not. */
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_called", NULL, in_plugin, NULL),
                     replacement_called);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_called", NULL, page, NULL), replacement_called);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", NULL, in_plugin, NULL),
                     replacement_new);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", "TARGET_1", in_plugin, NULL),
                     replacement_old);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_versioned", "TARGET_3", in_plugin, &left_alone),
                     &left_alone);
    /* So it is for a library that is linked with -Bsymbolic and searched first by itself. */
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_called", NULL, in_symbolic, NULL),
                     replacement_called);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, in_symbolic, &left_alone), &left_alone);
    /* But what comes after such a caller is not known, nor which of several definitions is first.
     */
    assert_ptr_equal(answer(RTLD_NEXT, "target_called", NULL, in_plugin, &left_alone), &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, page, &left_alone), &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, NULL, &left_alone), &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, in_plugin, &left_alone), &left_alone);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin", NULL, anchor_address(), &left_alone),
                     &left_alone);
    free(page);
    dlclose(plugin);
}

/* A later object that defines the name, too, may be the first in the caller's scope. */
static void test_dlsym_with_a_later_definition(void **state)
{
    static struct interpose_binding only;
    static char left_alone;
    void *plugin = dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_LOCAL);
    const void *in_plugin = (const char *)dlsym(plugin, "plugin_call") + 1;
    void *definer;

    only = binding_of("twin_only_b", original_of("twin_only_b", NULL, NULL), (void *)replacement_b);
    assert_int_equal(interpose_apply(&only, 1), 0);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin_only_b", NULL, in_plugin, NULL), replacement_b);
    definer = dlopen(getenv("PLUGIN_DEEP"), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(definer);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin_only_b", NULL, in_plugin, &left_alone),
                     &left_alone);
    dlclose(definer);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin_only_b", NULL, in_plugin, NULL), replacement_b);
    assert_int_equal(interpose_revert(&only), 0);
    assert_ptr_equal(answer(RTLD_DEFAULT, "twin_only_b", NULL, in_plugin, &left_alone),
                     &left_alone);
    dlclose(plugin);
}

/* A name that only a later object defines: in every scope, if that is in the global one. */
static void test_dlsym_of_a_later_name(void **state)
{
    static struct interpose_binding twin;
    static char left_alone;
    void *caller = dlopen(getenv("PLUGIN_DEEP"), RTLD_NOW | RTLD_LOCAL);
    const void *in_caller = (const char *)dlsym(caller, "plugin_call") + 1;
    void *definer = dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_LOCAL);
    void *second;

    twin = binding_of("plugin_twin", dlsym(definer, "plugin_twin"), (void *)replacement_a);
    assert_int_equal(interpose_apply(&twin, 1), 0);
    assert_ptr_equal(answer(RTLD_DEFAULT, "plugin_twin", NULL, in_caller, &left_alone),
                     &left_alone);
    assert_non_null(dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL));
    assert_ptr_equal(answer(RTLD_DEFAULT, "plugin_twin", NULL, in_caller, NULL), replacement_a);
    assert_null(dlerror());
    second = dlopen(getenv("PLUGIN_B"), RTLD_NOW | RTLD_LOCAL);
    assert_ptr_equal(answer(RTLD_DEFAULT, "plugin_twin", NULL, in_caller, &left_alone),
                     &left_alone);
    dlclose(second);
    assert_int_equal(interpose_revert(&twin), 0);
    dlclose(definer);
    dlclose(caller);
}

static int hold_the_lock(struct dl_phdr_info *info, size_t n_bytes, void *barrier)
{
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return 1;
}

static void *run_holder(void *barrier)
{
    dl_iterate_phdr(hold_the_lock, barrier);
    return NULL;
}

/* 0: the answer was ours, 1: left alone; 2: neither. A hang ends it by a signal. */
static int status_of_child(const void *caller)
{
    static char left_alone;
    int status;
    pid_t child = fork();

    if (child == 0) {
        void *address;

        alarm(20);
        address = answer(RTLD_DEFAULT, "target_called", NULL, caller, &left_alone);
        _exit(address == (void *)replacement_called ? 0 : address == &left_alone ? 1 : 2);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The child of a thread that forks while another holds the loader's lock. */
static void test_dlsym_in_a_child(void **state)
{
    void *plugin = dlopen(getenv("PLUGIN_A"), RTLD_NOW | RTLD_LOCAL);
    const void *in_plugin = (const char *)dlsym(plugin, "plugin_call") + 1;
    pthread_barrier_t barrier;
    pthread_t holder;

    assert_int_equal(status_of_child(in_plugin), 0);
    pthread_barrier_init(&barrier, NULL, 2);
    assert_int_equal(pthread_create(&holder, NULL, run_holder, &barrier), 0);
    pthread_barrier_wait(&barrier);
    assert_int_equal(status_of_child(in_plugin), 1);
    pthread_barrier_wait(&barrier);
    pthread_join(holder, NULL);
    pthread_barrier_destroy(&barrier);
    dlclose(plugin);
}

static void test_dlsym_after_revert(void **state)
{
    static char left_alone;
    const void *here = (const char *)test_dlsym_after_revert + 1;
    void *target = open_loaded("libtarget.so");

    assert_int_equal(interpose_revert(&bindings[CALLED]), 0);
    assert_ptr_equal(answer(target, "target_called", NULL, here, NULL), bindings[CALLED].original);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_called", NULL, here, &left_alone), &left_alone);
    assert_int_equal(interpose_restore(&bindings[CALLED]), 0);
    assert_ptr_equal(answer(RTLD_DEFAULT, "target_called", NULL, here, NULL), replacement_called);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlsym_with_handles),
        cmocka_unit_test(test_dlsym_by_scope),
        cmocka_unit_test(test_dlsym_with_a_later_definition),
        cmocka_unit_test(test_dlsym_of_a_later_name),
        cmocka_unit_test(test_dlsym_in_a_child),
        cmocka_unit_test(test_dlsym_after_revert),
    };

    return cmocka_run_group_tests(tests, open_and_apply, NULL);
}
