// SPDX-License-Identifier: MIT
/*
 * entry: functions that are seen before and after each call. Arguments and results arrive as
 * without us whatever the signature, the end of a call is seen however deep it was nested,
 * unwinders find their way through, and calls that never return use nothing up.
 */
#include "unit.h"

#include "base/guard.h"
#include "entry/entry.h"
#include "registers.h"

#include <complex.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define N_SEEN 16

struct seen {
    int n_before, n_after, n_without_after, n_inside;
    unsigned char order[N_SEEN]; /* of contexts: 'a' and up before, 'A' and up after */
    int n_order;
    struct abi_registers registers;
    uint64_t first_on_stack;
    const void *last_note;
};

static __thread struct seen seen;
static bool scribbles; /* over everything that the hooks may change */

static void scribble(void)
{
    if (scribbles) {
        __asm__ volatile("" ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
        __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm1, %%xmm1\n"
                         "pcmpeqd %%xmm2, %%xmm2\n pcmpeqd %%xmm7, %%xmm7\n" ::
                             : "xmm0", "xmm1", "xmm2", "xmm7");
        if (__builtin_cpu_supports("avx")) {
            __asm__ volatile("vzeroall" ::
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
        }
    }
    errno = EXDEV;
}

static void before(void *context, const struct abi_registers *registers, bool is_inside, void *note)
{
    const char *name = context;

    assert_true(memoshim_guard != 0);
    seen.n_before++;
    seen.n_inside += is_inside;
    seen.n_without_after += note == NULL;
    seen.registers = *registers;
    copy_words(&seen.first_on_stack, registers->stack, 1);
    if (seen.n_order < N_SEEN) {
        seen.order[seen.n_order++] = (unsigned char)*name;
    }
    if (note != NULL) {
        memset(note, *name, ENTRY_NOTE_BYTES);
    }
    scribble();
}

static void after(void *context, bool is_inside, const void *note)
{
    const char *name = context, *bytes = note;

    assert_true(memoshim_guard != 0);
    assert_int_equal(bytes[0], *name);
    assert_int_equal(bytes[ENTRY_NOTE_BYTES - 1], *name);
    seen.n_after++;
    seen.n_inside += is_inside;
    if (seen.n_order < N_SEEN) {
        seen.order[seen.n_order++] = (unsigned char)(*name - 'a' + 'A');
    }
    scribble();
}

static const struct entry_around hooks = {before, after};

/* Functions of the program reach others through these, as through slots. */
static void *thunk_of(void *function, const char *name)
{
    int around = entry_open_around(function, (void *)(uintptr_t)name);

    assert_true(around >= 0);
    assert_ptr_equal(entry_original(entry_around_thunk(around)), function);
    return entry_around_thunk(around);
}

/* ---- registers ------------------------------------------------------------------------------- */

struct registers registers_found;
unsigned char registers_have_avx;

/* Every argument register, al, the static chain, eight words of stack: all as they were. */
static void test_arguments_are_not_touched(void **state)
{
    struct registers wanted, direct;
    void *thunk = thunk_of((void *)registers_callee, "a");

    registers_vector_bytes(); /* asks the processor */
    memset(&wanted, 0, sizeof(wanted));
    for (size_t i = 0; i < sizeof(wanted); i++) {
        ((unsigned char *)&wanted)[i] = (unsigned char)(i * 7 + i / 256 + 1);
    }
    registers_call((void *)registers_callee, &wanted);
    direct = registers_found;
    scribbles = true;
    for (int i = 0; i < 3; i++) {
        memset(&seen, 0, sizeof(seen));
        memset(&registers_found, 0, sizeof(registers_found));
        errno = 0;
        registers_call(thunk, &wanted);
        assert_int_equal(errno, 0);
        assert_int_equal(seen.n_before, 1);
        assert_int_equal(seen.n_after, 1);
        assert_int_equal(seen.n_without_after, 0);
        for (int k = 0; k < 16; k++) {
            /* rbx is the callee's to preserve, r11 nobody's; GP(11) is where it returns to */
            if (k != 1 && k != 11) {
                assert_true(registers_found.general[k] == direct.general[k]);
            }
        }
        assert_memory_equal(registers_found.stack, direct.stack, sizeof(direct.stack));
        for (int k = 0; k < 8; k++) {
            assert_memory_equal(registers_found.vectors[k], direct.vectors[k],
                                registers_have_avx ? 32 : 16);
            assert_memory_equal(seen.registers.vectors[k], direct.vectors[k],
                                registers_have_avx ? 32 : 16);
        }
        assert_true(seen.registers.integers[0] == direct.general[5]); /* rdi */
        assert_true(seen.registers.integers[1] == direct.general[4]); /* rsi */
        assert_true(seen.registers.integers[2] == direct.general[3]);
        assert_true(seen.registers.integers[3] == direct.general[2]);
        assert_true(seen.registers.integers[4] == direct.general[8]);
        assert_true(seen.registers.integers[5] == direct.general[9]);
        assert_true(seen.first_on_stack == direct.stack[0]);
    }
    scribbles = false;
}

/* ---- results --------------------------------------------------------------------------------- */

struct pair {
    long a;
    double b;
};
struct large {
    long values[9];
};

static struct pair give_pair(long a, double b)
{
    return (struct pair){a + 1, b + 1};
}

static struct large give_large(long a)
{
    struct large large;

    for (int i = 0; i < 9; i++) {
        large.values[i] = a + i;
    }
    return large;
}

static long double give_long_double(long double a, int i)
{
    return a * 2 + i;
}

static _Complex long double give_complex(_Complex long double a)
{
    return a * 3;
}

static __int128 give_wide(__int128 a)
{
    return a + 1;
}

static int sum_of(int n, ...)
{
    va_list list;
    int sum = 0;

    va_start(list, n);
    for (int i = 0; i < n; i++) {
        sum += i % 2 == 0 ? va_arg(list, int) : (int)va_arg(list, double);
    }
    va_end(list);
    errno = ERANGE;
    return sum;
}

static void test_results_and_variadic_calls(void **state)
{
    struct pair (*volatile pair)(long, double) = thunk_of((void *)give_pair, "b");
    struct large (*volatile large)(long) = thunk_of((void *)give_large, "c");
    long double (*volatile long_double)(long double, int) = thunk_of((void *)give_long_double, "d");
    _Complex long double (*volatile complex_value)(_Complex long double) =
        thunk_of((void *)give_complex, "e");
    __int128 (*volatile wide)(__int128) = thunk_of((void *)give_wide, "f");
    int (*volatile sum)(int, ...) = thunk_of((void *)sum_of, "g");
    __int128 big = ((__int128)7 << 70) + 5;

    scribbles = true;
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(pair(4, 2.5).a, 5);
    assert_true(pair(4, 2.5).b == 3.5);
    assert_int_equal(large(10).values[8], 18);
    assert_true(long_double(1.25L, 3) == 5.5L);
    assert_true(complex_value(1 + 2 * I) == 3 + 6 * I);
    assert_true(wide(big) == big + 1);
    errno = 0;
    assert_int_equal(sum(12, 1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.0, 11, 12.0), 78);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(seen.n_before, 7);
    assert_int_equal(seen.n_after, 7);
    scribbles = false;
}

/* ---- nesting --------------------------------------------------------------------------------- */

static int (*volatile deeper)(int);
static int (*volatile last)(int);

static int count_down(int n)
{
    return n == 0 ? 0 : deeper(n - 1) + 1;
}

static int add_seven(int n)
{
    return n + 7;
}

/* A tail call; clang makes one of it by itself. */
#if !defined(__clang__)
__attribute__((optimize("O2", "optimize-sibling-calls")))
#endif
__attribute__((noinline)) static int
pass_on(int n)
{
    return last(n);
}

static void test_nesting(void **state)
{
    int (*volatile chain)(int);

    deeper = thunk_of((void *)count_down, "a");
    last = thunk_of((void *)add_seven, "b");
    chain = thunk_of((void *)pass_on, "c");
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(deeper(500), 500);
    assert_int_equal(seen.n_before, 501);
    assert_int_equal(seen.n_after, 501);
    assert_int_equal(seen.n_without_after, 0);
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(chain(1), 8);
    assert_memory_equal(seen.order, "cbBC", 5);
}

static void test_inside(void **state)
{
    memset(&seen, 0, sizeof(seen));
    guard_enter();
    assert_int_equal(last(1), 8);
    assert_true(memoshim_guard != 0);
    guard_leave();
    assert_int_equal(seen.n_inside, 2);
    assert_int_equal(last(1), 8);
    assert_int_equal(seen.n_inside, 2);
    assert_int_equal(memoshim_guard, 0);
}

/* ---- calls that do not return ---------------------------------------------------------------- */

static jmp_buf way_out;

static int jump_out(int depth)
{
    volatile char room[64];

    room[depth % 64] = 1;
    if (depth == 0) {
        longjmp(way_out, 1);
    }
    return depth < 0 ? 0 : jump_out(depth - 1) + room[0];
}

/* From many depths, so that many places on the stack are left behind. */
__attribute__((noinline)) static void leave_from(int (*volatile leave)(int), size_t n_bytes)
{
    char *room = __builtin_alloca(n_bytes);

    memset(room, 1, n_bytes);
    __asm__ volatile("" ::"r"(room) : "memory");
    if (setjmp(way_out) == 0) {
        leave((int)(n_bytes % 3));
        fail();
    }
}

static void test_longjmp_uses_nothing_up(void **state)
{
    int (*volatile leave)(int) = thunk_of((void *)jump_out, "l");

    memset(&seen, 0, sizeof(seen));
    for (size_t i = 0; i < 20000; i++) {
        leave_from(leave, 16 + i * 48 % 32768);
        if (i % 10 == 0) {
            assert_int_equal(last(1), 8);
        }
    }
    assert_int_equal(seen.n_before, 22000);
    assert_int_equal(seen.n_after, 2000);
    assert_int_equal(seen.n_without_after, 0);
}

/* More calls under way than there are places: the rest is said to have no end, and returns well. */
static void test_too_many_under_way(void **state)
{
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(deeper(3000), 3000);
    assert_int_equal(seen.n_before, 3001);
    assert_true(seen.n_without_after >= 3001 - 1024);
    assert_int_equal(seen.n_before, seen.n_after + seen.n_without_after);
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(deeper(100), 100);
    assert_int_equal(seen.n_without_after, 0);
}

/* ---- unwinding ------------------------------------------------------------------------------- */

static int n_frames;
static void *frames[64];

static int walk_stack(int n)
{
    n_frames = backtrace(frames, 64);
    return n;
}

__attribute__((noinline)) static int caller_of_walk(int (*volatile walk)(int))
{
    int n = walk(3);

    __asm__ volatile("" ::: "memory");
    return n;
}

static bool is_in(const void *address, const void *function)
{
    return (uintptr_t)address - (uintptr_t)function < 256;
}

static void test_backtrace(void **state)
{
    bool found = false;

    assert_int_equal(caller_of_walk(thunk_of((void *)walk_stack, "w")), 3);
    for (int i = 1; i < n_frames; i++) {
        found |= is_in(frames[i], (void *)caller_of_walk);
    }
    assert_true(found);
}

static int n_cleaned;
static int (*volatile leave_thread)(int);

static int end_thread(int n)
{
    pthread_exit((void *)(intptr_t)n);
}

static void clean(void *argument)
{
    n_cleaned += *(int *)argument;
}

/* The frames that clean up stand before the one that unwinds, ours in between. */
__attribute__((noinline)) static int frame_with_cleanup(int depth)
{
    int one = 1, result;

    pthread_cleanup_push(clean, &one);
    result = depth == 0 ? leave_thread(9) : frame_with_cleanup(depth - 1);
    pthread_cleanup_pop(0);
    return result + one;
}

static void *run_and_exit(void *argument)
{
    frame_with_cleanup(4);
    return NULL;
}

static void test_pthread_exit(void **state)
{
    pthread_t thread;
    void *result;

    leave_thread = thunk_of((void *)end_thread, "x");
    assert_int_equal(pthread_create(&thread, NULL, run_and_exit, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((intptr_t)result, 9);
    assert_int_equal(n_cleaned, 5);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *call_many(void *argument)
{
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(last(i), i + 7);
        if (i % 100 == 0) {
            assert_int_equal(deeper(20), 20);
        }
    }
    assert_int_equal(seen.n_before, seen.n_after);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void test_pool_has_an_end(void **state)
{
    static char name[] = "z";
    int last_opened = 0;

    for (int around = 0; around >= 0; around = entry_open_around((void *)add_seven, name)) {
        last_opened = around;
    }
    assert_int_equal(last_opened, 255);
    assert_int_equal(entry_open_around((void *)add_seven, name), -ENOSPC);
    assert_ptr_equal(entry_original(entry_around_thunk(255)), add_seven);
    assert_int_equal(((int (*)(int))entry_around_thunk(255))(1), 8);
    assert_ptr_equal(entry_original((char *)entry_around_thunk(255) + 32), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_not_touched),
        cmocka_unit_test(test_results_and_variadic_calls),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_inside),
        cmocka_unit_test(test_longjmp_uses_nothing_up),
        cmocka_unit_test(test_too_many_under_way),
        cmocka_unit_test(test_backtrace),
        cmocka_unit_test(test_pthread_exit),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_pool_has_an_end),
    };

    entry_around_init(&hooks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
