// SPDX-License-Identifier: MIT
/*
 * entry: the thunks. A generated corpus of signatures runs through each of them in four ways (off,
 * guard set, answered by the handler, handed on by the handler) and is compared with the compiler's
 * own call; what the assembly must not touch is checked by an assembly caller and callee.
 */
#include "unit.h"

#include "base/guard.h"
#include "entry/entry.h"
#include "entry_signature.h"
#include "registers.h"
#include "types.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;

/* ---- the corpus ------------------------------------------------------------------------------ */

static unsigned n_real_calls, n_handled, n_wrong_arguments;

static void check_argument(const struct ctype *type, const void *actual, const void *expected)
{
    unsigned char a[32], b[32];

    abi_copy_value(type, actual, a);
    abi_copy_value(type, expected, b);
    n_wrong_arguments += memcmp(a, b, abi_value_bytes(type)) != 0;
}

#include "signatures.inc"

#define N_SIGNATURES (sizeof(signatures) / sizeof(signatures[0]))

struct subject {
    const struct signature *signature;
    struct abi_call *call;
    bool answers;
};

/* Leaves a result as handlers must: integers widened to eight bytes. */
static void give(const struct ctype *type, const void *value, void *result)
{
    if (type->kind == CTYPE_SIGNED) {
        int64_t wide = 0;

        memcpy(&wide, value, type->size_bytes);
        wide =
            (int64_t)((uint64_t)wide << (64 - 8 * type->size_bytes)) >> (64 - 8 * type->size_bytes);
        memcpy(result, &wide, sizeof(wide));
    } else if (type->kind == CTYPE_UNSIGNED || type->kind == CTYPE_BOOL) {
        uint64_t wide = 0;

        memcpy(&wide, value, type->size_bytes);
        memcpy(result, &wide, sizeof(wide));
    } else {
        memcpy(result, value, type->size_bytes);
    }
}

static void handle(void *plan, void *result, void **arguments)
{
    const struct subject *subject = plan;
    const struct signature *signature = subject->signature;

    n_handled++;
    for (uint32_t i = 0; i < signature->n_arguments; i++) {
        check_argument(signature->types[i], arguments[i], signature->values[i]);
    }
    if (subject->answers) {
        if (signature->hit_value != NULL) {
            give(signature->result, signature->hit_value, result);
        }
    } else {
        abi_call_real(subject->call, signature->real, result, arguments);
    }
}

static void expect_result(const struct signature *signature, const void *actual,
                          const void *expected)
{
    unsigned char a[32], b[32];

    if (expected != NULL) {
        abi_copy_value(signature->result, actual, a);
        abi_copy_value(signature->result, expected, b);
        assert_memory_equal(a, b, abi_value_bytes(signature->result));
    }
}

static void run(const struct signature *signature, void *function, const void *expected,
                unsigned n_handled_expected, unsigned n_real_expected)
{
    _Alignas(16) unsigned char result[32] = {0};

    n_handled = n_real_calls = 0;
    signature->call(function, result);
    expect_result(signature, result, expected);
    assert_int_equal(n_handled, n_handled_expected);
    assert_int_equal(n_real_calls, n_real_expected);
    assert_int_equal(n_wrong_arguments, 0);
}

/* One signature through one entry: off, a miss, a hit, and with the guard set. */
static void run_entry(struct subject *subject)
{
    const struct signature *signature = subject->signature;
    int entry = entry_open(subject->call, signature->real, handle, subject);
    void *thunk;

    assert_true(entry >= 0);
    thunk = entry_thunk(entry);
    subject->answers = false;
    run(signature, signature->real, signature->result_value, 0, 1);
    run(signature, thunk, signature->result_value, 0, 1); /* off */
    assert_int_equal(entry_passed(entry), 1);
    entry_switch(entry, true);
    run(signature, thunk, signature->result_value, 1, 1); /* a miss */
    subject->answers = true;
    run(signature, thunk, signature->hit_value, 1, 0);
    assert_int_equal(entry_passed(entry), 1);
    guard_enter();
    run(signature, thunk, signature->result_value, 0, 1);
    guard_leave();
    assert_int_equal(entry_passed(entry), 2);
    run(signature, thunk, signature->hit_value, 1, 0);
    entry_switch(entry, false);
    run(signature, thunk, signature->result_value, 0, 1);
    assert_int_equal(entry_passed(entry), 3);
    entry_reset_passed(entry);
    assert_int_equal(entry_passed(entry), 0);
}

/* Both entries of calls that have two, and whether they have. */
static void test_corpus(void **state)
{
    static struct subject subjects[N_SIGNATURES][2];
    static struct abi_call general[N_SIGNATURES];
    static struct prototype_parameter parameters[PROTOTYPE_MAX_PARAMETERS];

    for (size_t s = 0; s < N_SIGNATURES; s++) {
        const struct signature *signature = &signatures[s];
        struct prototype prototype = {"f", signature->result, parameters, signature->n_arguments};
        struct subject *subject = subjects[s];

        for (uint32_t i = 0; i < signature->n_arguments; i++) {
            parameters[i] = (struct prototype_parameter){"x", signature->types[i]};
        }
        subject->signature = signature;
        assert_int_equal(abi_call_create(&prototype, &arena, &subject->call), 0);
        run_entry(subject);
        assert_int_equal(subject->call->is_typed, needs_no_libffi(signature));
        assert_int_equal(abi_is_in_words(subject->call), is_in_words(signature));
        if (subject->call->is_typed) {
            general[s] = *subject->call;
            general[s].is_typed = false;
            subject[1] = (struct subject){.signature = signature, .call = &general[s]};
            run_entry(&subject[1]);
        }
    }
}

/* Narrow results are extended in the register as a compiler's callee does it. */
static void give_minus_two(void *plan, void *result, void **arguments)
{
    int64_t value = -2;

    if (plan != NULL) {
        value &= 0xff;
    }
    memcpy(result, &value, sizeof(value));
}

static int open_simple(const struct ctype *result, const struct ctype *argument, void *original,
                       entry_handler_fn handler, void *plan)
{
    struct prototype_parameter parameter = {"x", argument};
    struct prototype prototype = {"f", result, &parameter, argument != NULL ? 1 : 0};
    struct abi_call *call;
    int entry;

    assert_int_equal(abi_call_create(&prototype, &arena, &call), 0);
    entry = entry_open(call, original, handler, plan);
    assert_true(entry >= 0);
    return entry;
}

static void test_narrow_results_are_extended(void **state)
{
    int signed_entry = open_simple(&type_i8, NULL, NULL, give_minus_two, NULL);
    int unsigned_entry = open_simple(&type_u8, NULL, NULL, give_minus_two, &arena);

    entry_switch(signed_entry, true);
    entry_switch(unsigned_entry, true);
    assert_int_equal(((int (*)(void))entry_thunk(signed_entry))(), -2);
    assert_int_equal(((int (*)(void))entry_thunk(unsigned_entry))(), 0xfe);
}

static void test_self_test(void **state)
{
    guard_enter();
    assert_int_equal(entry_self_test(&arena), 0);
    assert_int_equal(memoshim_guard, 1);
    guard_leave();
}

/* ---- registers ------------------------------------------------------------------------------- */

struct registers registers_found;
#if defined(__x86_64__)
unsigned char registers_have_avx;
#endif

static void make_registers(struct registers *wanted)
{
    unsigned char *bytes = (unsigned char *)wanted;

    for (size_t i = 0; i < sizeof(*wanted); i++) {
        bytes[i] = (unsigned char)(i * 37 + (i >> 8) + 11);
    }
}

static void never(void *plan, void *result, void **arguments)
{
    n_handled++;
}

static void test_bypass_touches_nothing(void **state)
{
    size_t n_vector_bytes = registers_vector_bytes();
    struct registers wanted, direct;
    int entry = open_simple(&type_double, &type_double, (void *)registers_callee, never, NULL);

    make_registers(&wanted);
    registers_call((void *)registers_callee, &wanted);
    direct = registers_found;
    for (size_t i = 0; i < N_REGISTERS_ARGUMENTS; i++) { /* the instrument itself */
        unsigned k = registers_arguments[i];

        assert_true(direct.general[k] == wanted.general[k]);
    }
    assert_memory_equal(direct.stack, wanted.stack, sizeof(wanted.stack));
    assert_memory_equal(direct.vectors, wanted.vectors[0], n_vector_bytes);

    n_handled = 0;
    for (int i = 0; i < 2; i++) { /* off, then guard set */
        memset(&registers_found, 0, sizeof(registers_found));
        if (i == 1) {
            entry_switch(entry, true);
            guard_enter();
        }
        registers_call(entry_thunk(entry), &wanted);
        guard_leave();
        assert_memory_equal(&registers_found, &direct, sizeof(direct));
    }
    assert_int_equal(n_handled, 0);
    assert_int_equal(entry_passed(entry), 2);
}

static void test_variadic_through_the_bypass(void **state)
{
    int entry = open_simple(&type_i32, &type_pointer, (void *)snprintf, never, NULL);
    int (*print)(char *, size_t, const char *, ...) =
        (int (*)(char *, size_t, const char *, ...))entry_thunk(entry);
    char text[200];

    assert_int_equal(print(text, sizeof(text), "%d %g %s %g %d %d %d %g %Lg", 1, 2.5, "x", 3.5, 4,
                           5, 6, 7.5, 8.5L),
                     25);
    assert_string_equal(text, "1 2.5 x 3.5 4 5 6 7.5 8.5");
}

#if defined(__x86_64__)
static void test_misaligned_stack_is_passed(void **state)
{
    int entry = open_simple(&type_double, &type_double, (void *)misaligned_callee, never, NULL);
    uint64_t (*aligned)(uint64_t, double) = (uint64_t(*)(uint64_t, double))entry_thunk(entry);

    entry_switch(entry, true);
    n_handled = 0;
    assert_int_equal(misaligned_call(entry_thunk(entry), 7, 1.0, 0, 0), 7);
    assert_int_equal(n_handled, 0);
    assert_int_equal(entry_passed(entry), 1);
    aligned(7, 1.0);
    assert_int_equal(n_handled, 1);
    assert_int_equal(entry_passed(entry), 1);
}
#endif

/* ---- counts ---------------------------------------------------------------------------------- */

#define N_THREADS 4
#define N_CALLS   200000

static pthread_barrier_t all_started;

static void nothing(void)
{
}

static void *call_many(void *thunk)
{
    pthread_barrier_wait(&all_started);
    for (int i = 0; i < N_CALLS; i++) {
        ((void (*)(void))thunk)();
    }
    return NULL;
}

static void test_passed_is_exact_with_threads(void **state)
{
    int entry = open_simple(&type_void, NULL, (void *)nothing, never, NULL);
    pthread_t threads[N_THREADS];

    pthread_barrier_init(&all_started, NULL, N_THREADS);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, entry_thunk(entry)), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&all_started);
    assert_int_equal(entry_passed(entry), N_THREADS * N_CALLS);
}

/* ---- notices --------------------------------------------------------------------------------- */

static unsigned n_notices;
static int last_notice;
static uint32_t guard_in_notice;
static uint64_t notice_integers[6];

static void notice(int number, const uint64_t *integers)
{
    memcpy(notice_integers, integers, sizeof(notice_integers));
    n_notices++;
    last_notice = number;
    guard_in_notice = memoshim_guard;
    errno = EBADF;
    registers_clobber();
}

static void test_notice_announces_once_and_keeps_arguments(void **state)
{
#if defined(__x86_64__)
    static const unsigned integers[] = {5, 4, 3, 2, 8, 9}; /* rdi, rsi, rdx, rcx, r8, r9 */
#else
    static const unsigned integers[] = {0, 1, 2, 3, 4, 5};
#endif
    const struct entry_dl dl = {.notice = notice};
    struct registers wanted, direct;
    int number, second;

    entry_init(&dl);
    number = entry_open_notice((void *)nothing);
    second = entry_open_notice((void *)registers_callee);
    assert_true(number >= 0 && second == number + 1);
    make_registers(&wanted);
    registers_call((void *)registers_callee, &wanted);
    direct = registers_found;
    memset(&registers_found, 0, sizeof(registers_found));
    n_notices = 0;
    errno = ENOTTY;
    registers_call(entry_notice_thunk(second), &wanted);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(n_notices, 1);
    assert_int_equal(last_notice, second);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(notice_integers[i] == direct.general[integers[i]]);
    }
    assert_int_equal(guard_in_notice, 1);
    assert_int_equal(memoshim_guard, 0);
    for (size_t i = 0; i < N_REGISTERS_ARGUMENTS; i++) {
        unsigned k = registers_arguments[i];

        assert_true(registers_found.general[k] == direct.general[k]);
    }
    for (size_t i = 0; i < N_REGISTERS_SAVED; i++) {
        unsigned k = registers_saved[i];

        assert_true(registers_found.general[k] == direct.general[k]);
    }
    assert_true(registers_found.general[REGISTERS_RETURN] == direct.general[REGISTERS_RETURN]);
    assert_memory_equal(registers_found.stack, direct.stack, sizeof(direct.stack));
    for (int i = 0; i < 8; i++) {
        assert_memory_equal(registers_found.vectors[i], direct.vectors[i], 16);
    }

    guard_enter(); /* our own call of it is nobody's business */
    registers_call(entry_notice_thunk(second), &wanted);
    assert_int_equal(memoshim_guard, 1);
    guard_leave();
    assert_int_equal(n_notices, 1);

    ((void (*)(void))entry_notice_thunk(number))();
    assert_int_equal(n_notices, 2);
    assert_int_equal(last_notice, number);
}

#if defined(__x86_64__)
static void test_notice_on_a_misaligned_stack(void **state)
{
    int number = entry_open_notice((void *)misaligned_callee);

    n_notices = 0;
    assert_int_equal(misaligned_call(entry_notice_thunk(number), 7, 1.0, 0, 0), 7);
    assert_int_equal(n_notices, 1);
}
#endif

/* ---- the pools end; last, since it uses them up ---------------------------------------------- */

static void test_pools_end(void **state)
{
    struct prototype prototype = {"f", &type_void, NULL, 0};
    struct abi_call *call;
    void *pages;
    size_t n_bytes;
    int entry, last = -1;

    assert_int_equal(abi_call_create(&prototype, &arena, &call), 0);
    while ((entry = entry_open(call, (void *)nothing, never, NULL)) >= 0) {
        last = entry;
    }
    assert_int_equal(entry, -ENOSPC);
    assert_int_equal(last, 1023);
    ((void (*)(void))entry_thunk(last))();
    assert_int_equal(entry_passed(last), 1);
    entry_switch(last, true);
    n_handled = 0;
    ((void (*)(void))entry_thunk(last))();
    assert_int_equal(n_handled, 1);

    last = -1;
    while ((entry = entry_open_notice((void *)nothing)) >= 0) {
        last = entry;
    }
    assert_int_equal(entry, -ENOSPC);
    n_notices = 0;
    ((void (*)(void))entry_notice_thunk(last))();
    assert_int_equal(last_notice, last);
    assert_int_equal(n_notices, 1);

    entry_sealable(&pages, &n_bytes);
    assert_int_equal((uintptr_t)pages % pages_size(), 0);
    assert_int_equal(n_bytes % pages_size(), 0);
}

static int set_up(void **state)
{
    arena_init(&arena, (size_t)1 << 24);
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_narrow_results_are_extended),
        cmocka_unit_test(test_self_test),
        cmocka_unit_test(test_bypass_touches_nothing),
        cmocka_unit_test(test_variadic_through_the_bypass),
        cmocka_unit_test(test_passed_is_exact_with_threads),
        cmocka_unit_test(test_notice_announces_once_and_keeps_arguments),
#if defined(__x86_64__) /* AArch64 has no misaligned stacks */
        cmocka_unit_test(test_misaligned_stack_is_passed),
        cmocka_unit_test(test_notice_on_a_misaligned_stack),
#endif
        cmocka_unit_test(test_pools_end),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
