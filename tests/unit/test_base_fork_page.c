// SPDX-License-Identifier: MIT
/*
 * The page that tells a child that it is one (fork_page.h): by whatever call it was forked, to one
 * thread, and what others keep there.
 */
#include "unit.h"

#include "base/arena.h"
#include "base/fork_page.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 4000

/* Words that others keep there are theirs until a child is new, and there are only so many. */
static void test_words_on_the_fork_page(void **state)
{
    uint32_t n = 0, n_room = (uint32_t)(pages_size() / sizeof(uint64_t)) - 1;
    _Atomic uint64_t *first, *second, *word;
    pid_t pid;
    int status;

    assert_null(fork_page_take_word());
    fork_page_set_limit(LIMIT);
    assert_int_equal(fork_page_init(), 0);
    first = fork_page_take_word();
    second = fork_page_take_word();
    assert_ptr_not_equal(first, second);
    for (n = 2; (word = fork_page_take_word()) != NULL; n++) {
        assert_int_equal(*word, 0);
        *word = UINT64_MAX;
    }
    assert_int_equal(n, n_room);
    *first = 77;
    *second = UINT64_MAX;
    assert_int_equal(fork_page_word[FORK_PAGE_LIMIT], LIMIT);
    assert_false(fork_page_is_new_child());
    pid = fork();
    if (pid == 0) {
        bool are_wiped = *first == 0 && *second == 0 && fork_page_is_new_child();

        *first = 5;
        are_wiped = are_wiped && fork_page_acknowledge();
        fork_page_settle();
        _exit(are_wiped && *first == 5 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(*first, 77);
    assert_int_equal(*second, UINT64_MAX);
}

static void test_fork_page_tells_every_kind_of_child(void **state)
{
    fork_page_set_limit(LIMIT);
    assert_int_equal(fork_page_init(), 0);
    assert_int_equal(fork_page_word[FORK_PAGE_LIMIT], LIMIT);
    fork_page_set_limit(LIMIT + 1);
    assert_int_equal(fork_page_word[FORK_PAGE_LIMIT], LIMIT + 1);
    assert_false(fork_page_is_new_child());
    for (int kind = 0; kind < 2; kind++) {
        pid_t pid;

        if (kind == 1) {
            NEED_NATIVE(); /* MADV_WIPEONFORK */
        }
        pid = kind == 0 ? fork() : _Fork();
        int status;

        if (pid == 0) {
            bool told = fork_page_is_new_child() && fork_page_acknowledge();

            told = told && fork_page_is_new_child() && fork_page_word[FORK_PAGE_LIMIT] == 0;
            fork_page_set_limit(LIMIT); /* takes effect when the house is in order */
            told = told && fork_page_word[FORK_PAGE_LIMIT] == 0;
            fork_page_settle();
            _exit(told && !fork_page_is_new_child() && !fork_page_acknowledge() &&
                          fork_page_word[FORK_PAGE_LIMIT] == LIMIT
                      ? 0
                      : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_false(fork_page_is_new_child());
    }
}

static _Atomic int n_told, n_asked, is_in_order;

/* Whoever is told false sees what was done by whom that was told true. */
static void *meet_child(void *context)
{
    atomic_fetch_add(&n_asked, 1);
    if (!fork_page_acknowledge()) {
        return atomic_load(&is_in_order) && !fork_page_is_new_child() ? context : NULL;
    }
    atomic_fetch_add(&n_told, 1);
    while (atomic_load(&n_asked) < 3) {
        sched_yield();
    }
    for (int i = 0; i < 100; i++) {
        sched_yield(); /* time for the others to be wrong */
    }
    if (fork_page_acknowledge()) { /* of the same thread: is not told twice, nor waits */
        return NULL;
    }
    atomic_store(&is_in_order, 1);
    fork_page_settle();
    return context;
}

static void test_threads_of_a_child_wait_until_the_house_is_in_order(void **state)
{
    int status;
    pid_t pid;

    assert_int_equal(fork_page_init(), 0);
    pid = fork();
    if (pid == 0) {
        pthread_t threads[3];
        bool is_good = true;

        for (int i = 0; i < 3; i++) {
            is_good &= pthread_create(&threads[i], NULL, meet_child, &n_told) == 0;
        }
        for (int i = 0; i < 3; i++) {
            void *result = NULL;

            pthread_join(threads[i], &result);
            is_good &= result != NULL;
        }
        _exit(is_good && atomic_load(&n_told) == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void *leave_half_way(void *context)
{
    return fork_page_acknowledge() ? context : NULL;
}

static void test_a_thread_that_left_half_way_is_not_waited_for(void **state)
{
    int status;
    pid_t pid;

    assert_int_equal(fork_page_init(), 0);
    pid = fork();
    if (pid == 0) {
        pthread_t thread;
        void *result = NULL;
        bool is_good = pthread_create(&thread, NULL, leave_half_way, &result) == 0;

        pthread_join(thread, &result);
        is_good = is_good && result != NULL && fork_page_is_new_child() && fork_page_acknowledge();
        fork_page_settle();
        _exit(is_good && !fork_page_is_new_child() && !fork_page_acknowledge() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_on_the_fork_page),
        cmocka_unit_test(test_fork_page_tells_every_kind_of_child),
        cmocka_unit_test(test_threads_of_a_child_wait_until_the_house_is_in_order),
        cmocka_unit_test(test_a_thread_that_left_half_way_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
