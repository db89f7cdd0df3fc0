// SPDX-License-Identifier: MIT
/*
 * libtarget: functions that count their own calls, one for each way of reaching a function. Each
 * returns its argument plus its place in the list.
 */
#ifndef TESTS_INTERPOSE_TARGET_H
#define TESTS_INTERPOSE_TARGET_H

/* called; called and address taken; static pointer; const static pointer; unaligned pointer */
#define TARGET_FUNCTIONS \
    TARGET(called)       \
    TARGET(taken)        \
    TARGET(pointed) TARGET(fixed) TARGET(packed) TARGET(copied) TARGET(chosen) TARGET(exported)

enum {
#define TARGET(name) TARGET_##name,
    TARGET_FUNCTIONS
#undef TARGET
        N_TARGETS
};

extern unsigned target_calls[N_TARGETS]; /* calls that arrived at the real functions */

#define TARGET(name) int target_##name(int x);
TARGET_FUNCTIONS
#undef TARGET

/* Data that the executable duplicates by COPY relocations: the pointer is the second word. */
struct target_copy {
    long number;
    int (*function)(int x);
};
extern struct target_copy target_copy;
extern const struct target_copy target_const_copy;

/* The library's own call through its exported name, and through its copied data. */
int target_call_exported(int x);
int target_call_copied(int x);

/* target_versioned@@TARGET_2 gives x + 200, target_versioned@TARGET_1 gives x + 100. */
int target_versioned(int x);
/* target_alias@@TARGET_2 and target_alias@TARGET_1 are one function. */
int target_alias(int x);

#endif
