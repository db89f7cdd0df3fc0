// SPDX-License-Identifier: MIT
/*
 * Whether the way from a thunk to C and back works on this processor, through libffi as it is here
 * and through the typed entries: one integer and one floating-point signature, passed on and
 * answered; and how long it takes. The thunks that it uses are of no use to anybody else.
 */
#include "entry/entry.h"

#include "base/clock.h"
#include "base/guard.h"
#include <errno.h>
#include <string.h>

/* Of which the time is taken: some 3 us of each kind. */
enum {
    ROUNDS = 4,
    CALLS_A_ROUND = 24
};

static int real_integer(int x)
{
    return x - 1;
}

static double real_double(double x)
{
    return x / 2;
}

static struct abi_both answer_integer_quickly(int x, void *plan)
{
    return (struct abi_both){.integer = (uint64_t)(x + 1)};
}

static struct abi_both answer_double_quickly(void *plan, double x)
{
    return (struct abi_both){.vector = x * 2};
}

static void answer_integer(void *plan, void *result, void **arguments)
{
    int64_t wide = *(const int *)arguments[0] + 1;

    memcpy(result, &wide, sizeof(wide));
}

static void answer_double(void *plan, void *result, void **arguments)
{
    double value = *(const double *)arguments[0] * 2;

    memcpy(result, &value, sizeof(value));
}

/* The ways to C. */
enum way {
    WAY_GENERAL,
    WAY_TYPED,
    WAY_QUICK,
    WAY_COUNT
};

/*
 * A thunk for `type f(type x)`, -ENOSYS where there is no such way, or another error. quick: the
 * handler of WAY_QUICK.
 */
static int open_thunk(const struct ctype *type, void *real, entry_handler_fn handler,
                      void (*quick)(void), enum way way, struct arena *arena)
{
    const struct prototype_parameter parameter = {.name = "x", .type = type};
    const struct prototype prototype = {
        .name = "self_test", .result = type, .parameters = &parameter, .n_parameters = 1};
    struct abi_call *call;
    int error = abi_call_create(&prototype, arena, &call);

    if (error != 0) {
        return error;
    }
    if (way != WAY_GENERAL && !call->is_typed) {
        return -ENOSYS;
    }
    call->is_typed = way != WAY_GENERAL;
    return way == WAY_QUICK ? entry_open_quick(call, real, quick, NULL)
                            : entry_open(call, real, handler, NULL);
}

static bool both_answer(int integer, int number, int expected_integer, double expected_number)
{
    int (*call_integer)(int) = (int (*)(int))entry_thunk(integer);
    double (*call_double)(double) = (double (*)(double))entry_thunk(number);
    bool is_good;

    guard_leave(); /* or the thunks pass everything on */
    is_good = call_integer(-41) == expected_integer && call_double(2.5) == expected_number;
    guard_enter();
    return is_good;
}

/* Written by entry_self_test. */
static uint64_t way_ps[WAY_COUNT];

uint64_t entry_way_ps(const struct abi_call *call, bool is_quick)
{
    return way_ps[is_quick ? WAY_QUICK : call->is_typed ? WAY_TYPED : WAY_GENERAL];
}

/* The shortest of some rounds; what the handler itself does is next to nothing. */
static void measure_way(int integer, enum way way)
{
    int (*call_integer)(int) = (int (*)(int))entry_thunk(integer);
    uint64_t shortest_ns = UINT64_MAX;

    guard_leave();
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began_ns = clock_precise_ns(), took_ns;

        for (int i = 0; i < CALLS_A_ROUND; i++) {
            call_integer(i);
        }
        took_ns = clock_precise_ns() - began_ns;
        shortest_ns = took_ns < shortest_ns ? took_ns : shortest_ns;
    }
    guard_enter();
    way_ps[way] = shortest_ns * 1000 / CALLS_A_ROUND;
}

static int test_entries(enum way way, struct arena *arena)
{
    static const struct ctype type_int = {.kind = CTYPE_SIGNED,
                                          .size_bytes = sizeof(int),
                                          .alignment_bytes = _Alignof(int),
                                          .text = "int"};
    static const struct ctype type_double = {.kind = CTYPE_DOUBLE,
                                             .size_bytes = sizeof(double),
                                             .alignment_bytes = _Alignof(double),
                                             .text = "double"};
    int integer = open_thunk(&type_int, (void *)real_integer, answer_integer,
                             (void (*)(void))answer_integer_quickly, way, arena);
    int number = open_thunk(&type_double, (void *)real_double, answer_double,
                            (void (*)(void))answer_double_quickly, way, arena);
    bool is_good;

    if (integer < 0 || number < 0) {
        return integer < 0 ? integer : number;
    }
    is_good = both_answer(integer, number, -42, 1.25);
    entry_switch(integer, true);
    entry_switch(number, true);
    is_good = is_good && both_answer(integer, number, -40, 5.0);
    if (is_good) {
        measure_way(integer, way);
    }
    entry_switch(integer, false);
    entry_switch(number, false);
    return is_good ? 0 : -EPROTO;
}

int entry_self_test(struct arena *arena)
{
    int error = 0;

    for (enum way way = 0; way < WAY_COUNT && error == 0; way++) {
        error = test_entries(way, arena);
        error = error == -ENOSYS ? 0 : error;
    }
    return error;
}
