// SPDX-License-Identifier: MIT
/*
 * The whole way of a call, for random signatures with structs and unions by value, and for those
 * that need registers only, by both entries: declared in a
 * configuration, hooked through a thunk, passed on, remembered and answered. Each real function
 * checks its arguments and each caller its result, member by member, against what the compiler's
 * own call would have passed. How many there are is chosen when the test is built (-Dsignatures=N).
 *
 *     test_signatures             each by the entry that it would have in a program
 *     test_signatures by-libffi   those that need no libffi, by the general entry
 *
 * Two runs, since both together take more thunks than there are.
 */
#include "unit.h"

#include "base/guard.h"
#include "call/call.h"
#include "entry/entry.h"
#include "marshal/marshal.h"
#include "types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>

struct signature {
    const char *types, *prototype, *args, *returns; /* for a configuration */
    uint32_t n_arguments;
    const uint32_t *sizes; /* of the arguments */
    uint32_t result_size;
    void *const *values;      /* the arguments; NULL: one that leads to what is written */
    const char *const *masks; /* of each of their bytes what it is: gen_structs.py */
    void *real;
    void (*call)(void *function); /* through a pointer of the true type */
};

static bool is_by_libffi;
static unsigned n_real_calls, n_wrong, n_quick, n_words;

static void check(const void *actual, const void *expected, size_t n_bytes)
{
    n_wrong += memcmp(actual, expected, n_bytes) != 0;
}

static void check_complex(const void *actual, const void *expected)
{
    check(actual, expected, LONG_DOUBLE_BYTES);
    check((const char *)actual + sizeof(long double), (const char *)expected + sizeof(long double),
          LONG_DOUBLE_BYTES);
}

#include "structs.inc"

#define N_SIGNATURES (sizeof(signatures) / sizeof(signatures[0]))

/* Each has ways of its own. */
static const char *const policies[] = {
    "",
    ", \"policy\": \"sieve\"",
    ", \"policy\": \"fifo\"",
    ", \"ttl\": \"1h\"",
    ", \"errno\": true, \"policy\": \"lfu\"",
};
#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

static struct arena arena;
static struct config_model model;

/* One configuration with all types and functions. */
static void load(void)
{
    static struct diagnostic_list diagnostics;
    struct config_memory memory = {arena_alloc_callback, &arena};
    size_t n_room = 4096 + 4096 * N_SIGNATURES, n_used = 0;
    char *text = malloc(n_room), printed[4096];

#define ADD(...) (n_used += (size_t)snprintf(text + n_used, n_room - n_used, __VA_ARGS__))
    ADD("{ \"version\": 1, \"types\": [");
    for (size_t i = 0; i < N_SIGNATURES; i++) {
        ADD("%s\"%s\"", i > 0 ? ", " : "", signatures[i].types);
    }
    ADD("], \"functions\": {");
    for (size_t i = 0; i < N_SIGNATURES; i++) {
        ADD("%s\"f%zu\": { \"prototype\": \"%s\", \"args\": %s%s%s }", i > 0 ? ",\n" : "", i,
            signatures[i].prototype, signatures[i].args, signatures[i].returns,
            policies[i % N_POLICIES]);
    }
    ADD("} }");
    assert_true(n_used < n_room);
    diagnostics_init(&diagnostics, memory);
    if (config_load("signatures", text, n_used, memory, &model, &diagnostics) != 0) {
        diagnostics_print(&diagnostics, printed, sizeof(printed));
        fail_msg("%s", printed);
    }
    free(text);
}

static void expect(size_t i, void *function, unsigned n_real_expected)
{
    n_real_calls = n_wrong = 0;
    signatures[i].call(function);
    if (n_wrong != 0 || n_real_calls != n_real_expected) {
        fail_msg("seed %u, signature %zu: %s: %u values differ, %u real calls instead of %u\n%s",
                 SEED, i, signatures[i].prototype, n_wrong, n_real_calls, n_real_expected,
                 signatures[i].types);
    }
}

static void check_layout(size_t i)
{
    const struct prototype *prototype = &model.functions[i].prototype;

    assert_int_equal(prototype->n_parameters, signatures[i].n_arguments);
    assert_int_equal(prototype->result->size_bytes, signatures[i].result_size);
    for (uint32_t k = 0; k < prototype->n_parameters; k++) {
        assert_int_equal(prototype->parameters[k].type->size_bytes, signatures[i].sizes[k]);
    }
}

/* On AArch64: what begins in a register with an even number. */
static bool is_in_even_register(const struct ctype *type)
{
    return (type->kind == CTYPE_STRUCT || type->kind == CTYPE_UNION) && type->size_bytes == 16 &&
           type->alignment_bytes == 16;
}

/* Some signatures with those are refused, and no others. */
static bool may_be_refused(const struct prototype *prototype)
{
#if defined(__x86_64__)
    return false;
#endif
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (is_in_even_register(prototype->parameters[i].type)) {
            return true;
        }
    }
    return is_in_even_register(prototype->result);
}

/* It is in no value. */
static bool is_padding(char what)
{
    return what == 'p' || (what == 'x' && LONG_DOUBLE_BYTES == 10);
}

/* What is in padding makes no difference. */
static void expect_padding_is_nothing(size_t i, void *thunk)
{
    static const unsigned char fillers[] = {0xff, 0x5a, 0};

    for (size_t f = 0; f < sizeof(fillers); f++) {
        for (uint32_t k = 0; k < signatures[i].n_arguments; k++) {
            const char *mask = signatures[i].masks[k];

            for (size_t at = 0; mask[at] != '\0'; at++) {
                if (is_padding(mask[at])) {
                    ((unsigned char *)signatures[i].values[k])[at] = fillers[f];
                }
            }
        }
        expect(i, thunk, 0);
    }
}

/* With one bit more or less it is another call, whichever byte has it. */
static void expect_each_byte_counts(size_t i, void *thunk)
{
    for (uint32_t k = 0; k < signatures[i].n_arguments; k++) {
        const char *mask = signatures[i].masks[k];

        for (size_t at = 0; mask[at] != '\0'; at++) {
            unsigned char *byte = (unsigned char *)signatures[i].values[k] + at;
            unsigned char bit = (unsigned char)(mask[at] == 'b' ? 1 : 1 << (i + 3 * k + at) % 8);

            if (is_padding(mask[at]) || mask[at] == '-') {
                continue;
            }
            *byte ^= bit;
            expect(i, thunk, 1);
            expect(i, thunk, 0);
            *byte ^= bit;
        }
    }
    expect(i, thunk, 0);
}

/*
 * A function is hooked and called through an entry: off, a miss, a hit, and with the guard set.
 * Returns whether it needs no libffi.
 */
static bool run_entry(size_t i)
{
    const struct config_function *function = &model.functions[i];
    const char *reason = NULL;
    struct abi_call *call;
    struct call_plan *plan;
    void (*quick)(void);
    abi_words_fn words;
    void *thunk;
    bool is_typed;
    int entry, error;

    error = call_plan_create(&(struct call_plan_options){.function = function,
                                                         .shown_as = function->named,
                                                         .original = signatures[i].real,
                                                         .seed = SEED},
                             &arena, &plan, &reason);
    if (error == -ENOTSUP && may_be_refused(&function->prototype)) {
        return false;
    }
    assert_int_equal(error, 0);
    call = (struct abi_call *)call_plan_abi(plan); /* of the arena */
    is_typed = call->is_typed;
    if (is_by_libffi && !is_typed) {
        return false;
    }
    call->is_typed = is_typed && !is_by_libffi;
    quick = is_by_libffi ? NULL : call_plan_quick(plan);
    words = is_by_libffi ? NULL : call_plan_words(plan);
    entry = quick != NULL   ? entry_open_quick(call, signatures[i].real, quick, plan)
            : words != NULL ? entry_open_words(call, signatures[i].real, words, plan)
                            : entry_open(call, signatures[i].real, call_handle, plan);
    n_quick += quick != NULL;
    n_words += words != NULL;
    assert_true(entry >= 0);
    thunk = entry_thunk(entry);
    expect(i, signatures[i].real, 1);
    expect(i, thunk, 1); /* off */
    entry_switch(entry, true);
    expect(i, thunk, 1); /* a miss */
    expect(i, thunk, 0); /* a hit */
    guard_enter();
    expect(i, thunk, 1);
    guard_leave();
    expect(i, thunk, 0);
    expect_padding_is_nothing(i, thunk);
    __libc_single_threaded = 0;
    expect(i, thunk, 0);
    __libc_single_threaded = 1;
    expect_each_byte_counts(i, thunk);
    return is_typed;
}

static void test_each_signature(void **state)
{
    size_t n_typed = 0;

    print_message("# seed %u, %zu signatures\n", SEED, N_SIGNATURES);
    load();
    for (size_t i = 0; i < N_SIGNATURES; i++) {
        check_layout(i);
        n_typed += run_entry(i);
    }
    assert_true(n_typed >= 20);
    if (!is_by_libffi) {
        assert_true(n_quick >= 10);
        print_message("# %u of them by words\n", n_words);
        assert_true(n_words >= 40);
    }
}

#if defined(__x86_64__)

static void give_sevens(void *plan, void *result, void **arguments)
{
    memset(result, 7, 3 * sizeof(int64_t));
}

/* Of a result in memory: compilers rely on that when they pass it on. */
static void test_its_address_comes_back(void **state)
{
    static const struct ctype_member members[] = {
        {.name = "a", .type = &type_i64, .offset_bytes = 0},
        {.name = "b", .type = &type_i64, .offset_bytes = 8},
        {.name = "c", .type = &type_i64, .offset_bytes = 16},
    };
    static const struct ctype three = {.kind = CTYPE_STRUCT,
                                       .size_bytes = 3 * sizeof(int64_t),
                                       .alignment_bytes = sizeof(int64_t),
                                       .text = "struct three",
                                       .members = members,
                                       .n_members = 3,
                                       .depth = 1};
    const struct prototype prototype = {"f", &three, NULL, 0};
    int64_t room[3] = {0};
    struct abi_call *call;
    int entry;

    assert_int_equal(abi_call_create(&prototype, &arena, &call), 0);
    assert_true(call->is_typed);
    call->is_typed = !is_by_libffi;
    entry = entry_open(call, NULL, give_sevens, NULL);
    assert_true(entry >= 0);
    entry_switch(entry, true);
    assert_ptr_equal(((void *(*)(void *))entry_thunk(entry))(room), room);
    assert_true(room[0] == 0x0707070707070707 && room[1] == room[0] && room[2] == room[0]);
}

#endif

static int set_up(void **state)
{
    arena_init(&arena, (size_t)1 << 30);
    return marshal_init();
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return 0;
}

int main(int n_arguments, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_signature),
#if defined(__x86_64__)
        cmocka_unit_test(test_its_address_comes_back),
#endif
    };

    is_by_libffi = n_arguments == 2 && strcmp(arguments[1], "by-libffi") == 0;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
