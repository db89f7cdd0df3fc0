// SPDX-License-Identifier: MIT
/*
 * A library that knows how often each of its functions really ran. All of them but counted_drift
 * are pure functions of what they are given, apart from the count.
 *
 * The counts lie in the file that COUNTED_FILE names, mapped shared, so that they survive _exit,
 * exec and death by signal, and those of forked children add to their parent's. Its records are
 * struct counted_record, in the order of counted.def.
 */
#ifndef COUNTED_H
#define COUNTED_H

#include <complex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counted_record {
    char name[56];
    _Atomic int64_t n_calls;
};

enum counted_function {
#define FUNCTION(name) COUNTED_##name,
#include "counted.def"
#undef FUNCTION
    COUNTED_FUNCTIONS
};

/* Real calls of all functions together. */
int64_t counted_total(void);

/* Scalars of every kind, in registers and on the stack. */
long counted_square(long x);
double counted_mix(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f,
                   long g, float h, double i, long double j, bool k, long long l);
signed char counted_narrow(short x);
bool counted_odd(unsigned char x);
float counted_half(float x);
long double counted_extended(long double x);
double complex counted_turn(double complex z);

/* x * 1e300: raises FE_OVERFLOW when that is too much for a double. */
double counted_scale(double x);

/* The length of text, or -1 for NULL. */
long counted_length(const char *text);

/* A name for id in a buffer of the thread, or NULL for a negative id. */
const char *counted_name(int id);

struct counted_room {
    char output[96];
    char scratch[160]; /* written, and of no interest to anybody */
};

/* Writes "phrase:setting" into room->output and returns it; NULL when phrase is empty. */
char *counted_place(const char *phrase, const char *setting, struct counted_room *room);

/* A pointer into text, to the first letter, or NULL. */
char *counted_locate(const char *text, int letter);

/* As crypt_r: returns setting's text in room when phrase is "open", else "*". */
char *counted_check(const char *phrase, const char *setting, struct counted_room *room);

/* 0, or -1 with errno EDOM and nothing written. */
int counted_divide(int dividend, int divisor, int *ret_quotient, int *ret_remainder);

/* -1 for NULL values or ret_sum. */
int counted_sum(const int *values, size_t n, long *ret_sum);

/* Sorts in place, returns the number of exchanges. */
int counted_sort(int *values, size_t n);

uint32_t counted_digest(const void *data, size_t n_bytes);

/* Hexadecimal digits of text. *n_bytes is room before, length after; -1 if that is too little. */
int counted_encode(const char *text, unsigned char *ret_bytes, size_t *n_bytes);

/* No result at all: n bytes that depend on seed. */
void counted_fill(int seed, unsigned char *ret_bytes, size_t n);

/* Sets errno to which, unless that is 0, and returns which + 1. */
int counted_fail(int which);

/* x in its first five calls, whatever they ask for, and x + 1 from then on. */
long counted_drift(long x);

/* Calls itself as anybody else would call it. */
long counted_fib(int n);
long counted_fib_from_outside(int n);

/* Runs counted_hook, if there is one, then returns 3 * key. */
long counted_hooked(long key);
extern void (*counted_hook)(long key);

/*
 * For a hook that is about to be cancelled. Nobody tells AddressSanitizer that a cancellation
 * leaves frames: it would take what a later frame writes there for errors.
 */
void __asan_handle_no_return(void) __attribute__((weak));
static inline void counted_leaves_frames(void)
{
    if (__asan_handle_no_return != NULL) {
        __asan_handle_no_return();
    }
}

/* Calls of counted_square by constructors of plugins, which nobody else can know of. */
extern _Atomic long counted_by_constructors;

#endif
