// SPDX-License-Identifier: MIT
/*
 * Functions of any scalars, described by a letter for each, whose results hang on each bit that
 * counts: for tests that hold short ways against the long one.
 */
#ifndef TESTS_CALL_FORMS_H
#define TESTS_CALL_FORMS_H

#include "call_short.h"

#define MAX_TAKEN 6

/* Of each argument: l, i, s, c: an integer of 8, 4, 2 or 1 bytes; d, f; a capital: not in keys. */
struct form {
    const char *arguments;
    const char *result;
    bool has_code;
};

static const struct form *now; /* the function that is called now */

static uint32_t bytes_of(char argument)
{
    switch (argument | 0x20) {
    case 'l':
    case 'd':
        return 8;
    case 's':
        return 2;
    case 'c':
        return 1;
    default:
        return 4;
    }
}

static bool is_vector(char argument)
{
    return (argument | 0x20) == 'd' || (argument | 0x20) == 'f';
}

static bool is_ignored(char argument)
{
    return argument < 'a';
}

/* Hangs on each bit of each argument that counts, and on its place. */
static uint64_t worth(const uint64_t *integers, const double *vectors)
{
    uint64_t sum = 1, word;

    n_real++;
    for (const char *a = now->arguments; *a != '\0'; a++) {
        memcpy(&word, is_vector(*a) ? (const void *)vectors++ : (const void *)integers++, 8);
        if (!is_ignored(*a)) {
            sum = (sum ^ (word & (UINT64_MAX >> (64 - 8 * bytes_of(*a))))) * 0x9e3779b97f4a7c15;
            sum ^= sum >> 29;
        }
    }
    return sum;
}

static uint64_t to_integer(uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3, uint64_t i4,
                           uint64_t i5, double v0, double v1, double v2, double v3, double v4)
{
    return worth((const uint64_t[]){i0, i1, i2, i3, i4, i5}, (const double[]){v0, v1, v2, v3, v4});
}

static double to_vector(uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3, uint64_t i4,
                        uint64_t i5, double v0, double v1, double v2, double v3, double v4)
{
    uint64_t word = to_integer(i0, i1, i2, i3, i4, i5, v0, v1, v2, v3, v4);
    double value;

    if (now->result[0] == 'f') {
        word &= UINT32_MAX; /* which of a register nobody looks at, but for this test */
    }
    memcpy(&value, &word, sizeof(value));
    return value;
}

/* more: of its entry, with a comma before it. */
static struct call_plan *make_form(const char *policy, const char *more)
{
    static const char *const names = "abcdef";
    bool has_vector_result = now->result[0] == 'd' || now->result[0] == 'f';
    char entry[600], parameters[200] = "", args[200] = "";

    for (uint32_t i = 0; now->arguments[i] != '\0'; i++) {
        char a = now->arguments[i] | 0x20;
        size_t n = strlen(parameters), n_args = strlen(args);

        snprintf(parameters + n, sizeof(parameters) - n, "%s%s %c", i == 0 ? "" : ", ",
                 a == 'l'   ? "long"
                 : a == 'i' ? "int"
                 : a == 's' ? "short"
                 : a == 'c' ? "signed char"
                 : a == 'd' ? "double"
                            : "float",
                 names[i]);
        if (is_ignored(now->arguments[i])) {
            snprintf(args + n_args, sizeof(args) - n_args, "%s\"%c\":\"ignore\"",
                     n_args == 0 ? "" : ",", names[i]);
        }
    }
    snprintf(entry, sizeof(entry), "{\"prototype\":\"%s f(%s)\",\"args\":{%s},\"policy\":\"%s\"%s}",
             now->result, parameters, args, policy, more);
    return make_plan("f", entry, has_vector_result ? (void *)to_vector : (void *)to_integer);
}

/*
 * The k-th arguments, which differ from those of many others in one only; what does not count
 * differs always.
 */
static void make_arguments(uint32_t k, uint64_t values[MAX_TAKEN],
                           struct argument arguments[MAX_ARGUMENTS])
{
    uint32_t n = (uint32_t)strlen(now->arguments);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_bytes = bytes_of(now->arguments[i]), value = k / n + 1;

        /* A byte of which those that the argument has hang on the number: the upper ones first. */
        values[i] = 0x0101010101010101u * (i + 1);
        if (k % n == i) {
            values[i] += (uint64_t)value << (8 * n_bytes - 8 - value % n_bytes * 8);
        }
        if (is_ignored(now->arguments[i])) {
            values[i] = draw(UINT32_MAX);
        }
        arguments[i] = (struct argument){&values[i], n_bytes};
    }
}

/* Of a result what a caller may look at. */
static uint64_t seen_of(const struct call_plan *plan, struct abi_both both)
{
    uint64_t seen = both.integer;

    if (call_plan_abi(plan)->result_is_vector) {
        memcpy(&seen, &both.vector, sizeof(seen));
    }
    return now->result[0] == 'f' ? seen & UINT32_MAX : seen;
}

#endif
