// SPDX-License-Identifier: MIT
/*
 * The short way of a miss of a function that is called again before it returns, or never returns:
 * what is left behind, and what comes in between, lengthens no other way. In a process without
 * threads and in one with them.
 */
#include "quick_miss_subject.h"

#include <setjmp.h>

static jmp_buf out;

static void jump_out(double x)
{
    longjmp(out, 1);
}

static bool call_and_jump(double x)
{
    during = jump_out;
    if (setjmp(out) == 0) {
        call_twice(x);
        return false;
    }
    during = NULL;
    return true;
}

/* What was left behind is no computation of this thread any more, in whatever way the next comes.
 */
static void test_jumping_out(void **state)
{
    BOTH_WAYS(alone)
    {
        for (int again = 0; again < 3; again++) {
            begin(again == 2 ? ",\"single_flight\":false" : "", alone);
            for (int i = 0; i < 3; i++) {
                assert_true(call_and_jump(1));
                assert_true(call_and_jump(1 + again));
            }
            call_twice(1);
            call_twice(1);
            call_twice(1 + again);
            expect(again == 0 ? 2 : 1, again == 0 ? 1 : 2, 0, 0);
            assert_int_equal(n_real, 6 + (again == 0 ? 1 : 2));
        }
    }
}

/* How many locks this call took, after which it is remembered. */
static uint64_t locks_of(double x)
{
#if MEMOSHIM_CHECKS
    uint64_t before = lock_count_acquired();

    call_twice(x);
    return lock_count_acquired() - before;
#else
    call_twice(x);
    return 0;
#endif
}

/*
 * ... nor does it lengthen the way of the misses that follow, which takes one lock. In one shard,
 * which is full.
 */
static void test_what_was_left_is_in_nobodys_way(void **state)
{
    NEED(MEMOSHIM_CHECKS, "locks are not counted");
    begin(",\"max_entries\":50", true);
    for (int i = 0; i < 100; i++) {
        call_twice(i);
    }
    assert_int_equal(locks_of(99), 0);
    assert_int_equal(locks_of(100), 1);
    for (int i = 0; i < 20; i++) {
        assert_true(call_and_jump(200 + i));
        assert_true(call_and_jump(200 + i));
        assert_int_equal(locks_of(300 + i), 1);
        assert_int_equal(locks_of(200 + i), 1);
    }
    expect(1, 141, 0, 0);
}

static void call_halves(double x)
{
    if (x > 1) {
        call_twice(x / 2);
        call_twice(x / 2);
    }
}

static void call_itself(double x)
{
    static int depth;

    if (depth++ < 3) {
        call_twice(x);
    }
    depth--;
}

static void test_recursion(void **state)
{
    BOTH_WAYS(alone)
    {
        begin("", alone);
        during = call_halves;
        call_twice(64);
        call_twice(64);
        expect(7, 7, 0, 0);
        begin("", alone);
        during = call_itself;
        call_twice(1);
        expect(0, 1, 0, 3);
        begin(",\"single_flight\":false", alone);
        during = call_itself;
        call_twice(1); /* is there by then */
        call_twice(2);
        expect(0, 8, 0, 0);
        expect_counts(plan, 8, 2, 8);
    }
}

static uint64_t most_locks;

static void count_locks_of_halves(double x)
{
    uint64_t n;

    if (x > 1) {
        n = locks_of(x / 2);
        most_locks = n > most_locks ? n : most_locks;
        assert_int_equal(locks_of(x / 2), 0);
    }
}

/* What computes meanwhile takes the same way, as deep as that goes. */
static void test_recursion_is_short(void **state)
{
    NEED(MEMOSHIM_CHECKS, "locks are not counted");
    begin(",\"max_entries\":50", true);
    for (int i = 0; i < 100; i++) {
        call_twice(-i);
    }
    during = count_locks_of_halves;
    most_locks = 0;
    assert_int_equal(locks_of(64), 7); /* itself and six more */
    assert_int_equal(most_locks, 6);
    assert_int_equal(locks_of(64 * 1024), 10);
    expect(17, 117, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_BOTH(test_jumping_out),
        BY_BOTH(test_what_was_left_is_in_nobodys_way),
        BY_BOTH(test_recursion),
        BY_BOTH(test_recursion_is_short),
    };

    return cmocka_run_group_tests_name("call_quick_nested", tests, NULL, NULL);
}
