// SPDX-License-Identifier: MIT
/*
 * Every bit of every argument is part of the key on the short way of a hit, and nothing else is:
 * functions of one to three numbers of all sizes that fit into a key of two words are called with
 * arguments that differ in one bit, and with anything in the bits of a register that are none of
 * the argument's. The oracle is the result, which hangs on each of those bits.
 */
#include "quick_subject.h"

#include "call/call_private.h"

#include <stdio.h>

#define MAX_PARAMETERS 3

static const struct type {
    const char *name;
    uint32_t n_bytes;
    bool is_vector;
} types[] = {{"signed char", 1, false}, {"short", 2, false}, {"int", 4, false},
             {"long", 8, false},        {"float", 4, true},  {"double", 8, true}};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* The function that is called, and what its arguments are, each in a word. */
static const struct type *parameters[MAX_PARAMETERS];
static uint32_t n_parameters;

static uint64_t mask_of(const struct type *type)
{
    return type->n_bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * type->n_bytes) - 1;
}

static uint64_t mix(const uint64_t *arguments)
{
    uint64_t sum = n_parameters;

    for (uint32_t i = 0; i < n_parameters; i++) {
        sum = (sum ^ (arguments[i] & mask_of(parameters[i]))) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}

static uint64_t bits(double value)
{
    uint64_t word;

    memcpy(&word, &value, sizeof(word));
    return word;
}

static double value(uint64_t word)
{
    double number;

    memcpy(&number, &word, sizeof(number));
    return number;
}

/* In registers, as any of them is called. */
static uint64_t real_function(uint64_t i0, uint64_t i1, uint64_t i2, double v0, double v1,
                              double v2)
{
    const uint64_t integers[] = {i0, i1, i2}, vectors[] = {bits(v0), bits(v1), bits(v2)};
    uint64_t arguments[MAX_PARAMETERS];
    uint32_t n_integers = 0, n_vectors = 0;

    for (uint32_t i = 0; i < n_parameters; i++) {
        arguments[i] = parameters[i]->is_vector ? vectors[n_vectors++] : integers[n_integers++];
    }
    n_real++;
    return mix(arguments);
}

/* By the short way, which gets the plan behind the integers. Widened to an int, then dirt. */
static uint64_t call(struct call_plan *plan, const uint64_t *arguments)
{
    void (*code)(void) = call_plan_quick(plan);
    uint64_t integers[MAX_PARAMETERS] = {0};
    double vectors[MAX_PARAMETERS] = {0};
    uint32_t n_integers = 0, n_vectors = 0;

    for (uint32_t i = 0; i < n_parameters; i++) {
        uint32_t n_bytes = parameters[i]->n_bytes;
        uint64_t word = arguments[i] & mask_of(parameters[i]);

        if (n_bytes < 4) {
            word = (uint32_t)((int32_t)(word << (32 - 8 * n_bytes)) >> (32 - 8 * n_bytes));
        }
        if (n_bytes < 8) {
            word |= (uint64_t)draw(UINT32_MAX) << 32;
        }
        if (parameters[i]->is_vector) {
            vectors[n_vectors++] = value(word);
        } else {
            integers[n_integers++] = word;
        }
    }
    switch (n_integers) {
    case 0:
        return ((struct abi_both(*)(struct call_plan *, double, double, double))code)(
                   plan, vectors[0], vectors[1], vectors[2])
            .integer;
    case 1:
        return ((struct abi_both(*)(uint64_t, struct call_plan *, double, double, double))code)(
                   integers[0], plan, vectors[0], vectors[1], vectors[2])
            .integer;
    case 2:
        return ((struct abi_both(*)(uint64_t, uint64_t, struct call_plan *, double, double,
                                    double))code)(integers[0], integers[1], plan, vectors[0],
                                                  vectors[1], vectors[2])
            .integer;
    default:
        return ((struct abi_both(*)(uint64_t, uint64_t, uint64_t, struct call_plan *, double,
                                    double, double))code)(integers[0], integers[1], integers[2],
                                                          plan, vectors[0], vectors[1], vectors[2])
            .integer;
    }
}

static void expect(struct call_plan *plan, const uint64_t *arguments, const char *prototype)
{
    uint64_t seen = call(plan, arguments), wanted = mix(arguments);

    if (seen != wanted) {
        fail_msg("%s: %#jx, and not %#jx, of %#jx, %#jx, %#jx", prototype, (uintmax_t)seen,
                 (uintmax_t)wanted, (uintmax_t)arguments[0], (uintmax_t)arguments[1],
                 (uintmax_t)arguments[2]);
    }
}

/* At first many calls go the long way, to be timed: until it is one in eight at most. */
static void warm_up(struct call_plan *plan, const uint64_t *arguments, const char *prototype)
{
    for (int i = 0; i < 100000; i++) {
        expect(plan, arguments, prototype);
        if (atomic_load(&plan->quick.look_mask) >= 7) {
            return;
        }
    }
    fail_msg("%s: the long way is gone again and again", prototype);
}

/* All that differ from these arguments in one bit, twice. Returns how many. */
static int call_neighbours(struct call_plan *plan, uint64_t *arguments, const char *prototype)
{
    int n_calls = 0;

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < n_parameters; i++) {
            for (uint32_t bit = 0; bit < 8 * parameters[i]->n_bytes; bit++) {
                arguments[i] ^= UINT64_C(1) << bit;
                expect(plan, arguments, prototype);
                arguments[i] ^= UINT64_C(1) << bit;
                n_calls++;
            }
        }
    }
    return n_calls;
}

/* A bit that is lost, or taken for another, makes a key of zeroes, or its neighbour's. */
static void test_one_function(const char *policy, bool is_direct)
{
    uint64_t arguments[MAX_PARAMETERS] = {0};
    char prototype[100] = "unsigned long f(", entry[300];
    struct call_plan *plan;
    int n_calls, before;

    for (uint32_t i = 0; i < n_parameters; i++) {
        size_t n = strlen(prototype);

        snprintf(prototype + n, sizeof(prototype) - n, "%s%s", parameters[i]->name,
                 i + 1 < n_parameters ? ", " : ")");
    }
    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s\",\"policy\":\"%s\",\"max_entries\":1000,\"guard\":false}",
             prototype, policy);
    plan = make_plan("f", entry, (void *)real_function);
    assert_non_null(call_plan_quick(plan));
    warm_up(plan, arguments, prototype);
    before = n_real;
    n_calls = call_neighbours(plan, arguments, prototype);
    for (uint32_t i = 0; i < n_parameters; i++) {
        arguments[i] = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
    }
    n_calls += call_neighbours(plan, arguments, prototype);
    if (!is_direct) {
        assert_in_range(n_real - before, n_calls / 4, n_calls / 2);
    }
}

static void test_every_bit_counts(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
    uint32_t n = 0;

    random_state = 88172645463325252u;
    for (n_parameters = 1; n_parameters <= MAX_PARAMETERS; n_parameters++) {
        uint32_t n_functions = 1;

        for (uint32_t i = 0; i < n_parameters; i++) {
            n_functions *= (uint32_t)N_TYPES;
        }
        for (uint32_t f = 0; f < n_functions; f++) {
            uint32_t rest = f, n_bytes = 0;

            for (uint32_t i = 0; i < n_parameters; i++) {
                parameters[i] = &types[rest % N_TYPES];
                rest /= (uint32_t)N_TYPES;
                n_bytes += parameters[i]->n_bytes;
            }
            if (n_bytes <= 16) {
                test_one_function(policies[n % 4], n % 4 == 3);
                n++;
            }
        }
    }
    assert_in_range(n, 100, N_TYPES * N_TYPES * N_TYPES * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_bit_counts, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
