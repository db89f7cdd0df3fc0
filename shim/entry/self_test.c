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

/* A thunk for `type f(type x)`, or an error. */
static int open_thunk(const struct ctype *type, void *real, entry_handler_fn handler,
                      bool is_general, struct arena *arena)
{
    const struct prototype_parameter parameter = {.name = "x", .type = type};
    const struct prototype prototype = {
        .name = "self_test", .result = type, .parameters = &parameter, .n_parameters = 1};
    struct abi_call *call;
    int error = abi_call_create(&prototype, arena, &call);

    if (error != 0) {
        return error;
    }
    call->is_typed = call->is_typed && !is_general;
    return entry_open(call, real, handler, NULL);
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
static uint64_t way_ps[2]; /* typed, general */

uint64_t entry_way_ps(const struct abi_call *call)
{
    return way_ps[!call->is_typed];
}

/* The shortest of some rounds; what the handler itself does is next to nothing. */
static void measure_way(int integer, bool is_general)
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
    way_ps[is_general] = shortest_ns * 1000 / CALLS_A_ROUND;
}

static int test_entries(bool is_general, struct arena *arena)
{
    static const struct ctype type_int = {.kind = CTYPE_SIGNED,
                                          .size_bytes = sizeof(int),
                                          .alignment_bytes = _Alignof(int),
                                          .text = "int"};
    static const struct ctype type_double = {.kind = CTYPE_DOUBLE,
                                             .size_bytes = sizeof(double),
                                             .alignment_bytes = _Alignof(double),
                                             .text = "double"};
    int integer = open_thunk(&type_int, (void *)real_integer, answer_integer, is_general, arena);
    int number = open_thunk(&type_double, (void *)real_double, answer_double, is_general, arena);
    bool is_good;

    if (integer < 0 || number < 0) {
        return integer < 0 ? integer : number;
    }
    is_good = both_answer(integer, number, -42, 1.25);
    entry_switch(integer, true);
    entry_switch(number, true);
    is_good = is_good && both_answer(integer, number, -40, 5.0);
    if (is_good) {
        measure_way(integer, is_general);
    }
    entry_switch(integer, false);
    entry_switch(number, false);
    return is_good ? 0 : -EPROTO;
}

int entry_self_test(struct arena *arena)
{
    int error = test_entries(true, arena);

    return error != 0 ? error : test_entries(false, arena);
}
