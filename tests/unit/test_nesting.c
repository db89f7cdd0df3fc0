// SPDX-License-Identifier: MIT
/* call: the nesting of computations in a thread. */
#include "unit.h"

#include "call/nesting.h"

#include <pthread.h>

/* Frames are told apart by their addresses alone: stacks grow down, so larger is further out. */
static char stack[1000];

static void test_nesting_goes_in_and_out(void **state)
{
    struct nesting_frame outer, inner;

    assert_false(nesting_is_computing(stack + 900));
    outer = nesting_enter(stack + 890);
    assert_true(nesting_is_computing(stack + 500));
    inner = nesting_enter(stack + 490);
    assert_true(nesting_is_computing(stack + 400));
    nesting_leave(&inner);
    assert_true(nesting_is_computing(stack + 500));
    nesting_leave(&outer);
    assert_false(nesting_is_computing(stack + 500));
    assert_false(nesting_is_computing(stack + 900));
}

static void test_nesting_forgets_what_was_jumped_out_of(void **state)
{
    struct nesting_frame outer, again;

    outer = nesting_enter(stack + 890);
    (void)nesting_enter(stack + 490);
    /* longjmp to a frame further out than the outermost: nothing left by either. */
    assert_false(nesting_is_computing(stack + 950));
    assert_false(nesting_is_computing(stack + 100));
    again = nesting_enter(stack + 90);
    assert_true(nesting_is_computing(stack + 10));
    nesting_leave(&again);
    assert_false(nesting_is_computing(stack + 10));

    /* Out of the inner one only: the outer one leaves and everything is as before. */
    outer = nesting_enter(stack + 890);
    (void)nesting_enter(stack + 490);
    assert_true(nesting_is_computing(stack + 700));
    nesting_leave(&outer);
    assert_false(nesting_is_computing(stack + 100));
}

static void *is_computing_elsewhere(void *context)
{
    *(bool *)context = nesting_is_computing(stack + 10);
    return NULL;
}

static void test_nesting_is_of_the_thread(void **state)
{
    struct nesting_frame outer = nesting_enter(stack + 890);
    pthread_t thread;
    bool elsewhere = true;

    assert_int_equal(pthread_create(&thread, NULL, is_computing_elsewhere, &elsewhere), 0);
    pthread_join(thread, NULL);
    assert_false(elsewhere);
    assert_true(nesting_is_computing(stack + 10));
    nesting_leave(&outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting_goes_in_and_out),
        cmocka_unit_test(test_nesting_forgets_what_was_jumped_out_of),
        cmocka_unit_test(test_nesting_is_of_the_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
