// SPDX-License-Identifier: MIT
/*
 * What the files of the storm share: the checked calls, and how often they ended in which way.
 */
#ifndef STRESS_STORM_H
#define STRESS_STORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum storm_function {
    STORM_square,
    STORM_name,
    STORM_length,
    STORM_check,
    STORM_divide,
    STORM_fill,
    STORM_digest,
    STORM_hooked,
    STORM_pending_step,
    STORM_FUNCTIONS
};

enum storm_end {
    STORM_RETURNED,
    STORM_THROWN,
    STORM_JUMPED,
    STORM_ENDED, /* the thread was cancelled, or left by pthread_exit */
    STORM_ENDS
};

/* Calls made by this process, by how they ended. Any thread, and signal handlers. */
extern _Atomic long storm_counts[STORM_FUNCTIONS][STORM_ENDS];
extern atomic_bool storm_is_over;

/* Ends the process, saying what, unless holds. Async-signal-safe. */
void storm_expect(bool holds, const char *what);
void storm_note(enum storm_function function, enum storm_end end);

/* Sets a state that draws are made from: the same for the same seed and number. */
uint64_t storm_seed(uint64_t seed, uint64_t number);
unsigned storm_draw(uint64_t *state, unsigned bound);

/* ---- storm_calls.c: one call of a function that is drawn, and its result checked ------------- */

/* Once, before the first call. */
void storm_calls_init(void);

/* may_throw: exceptions take memory from malloc, which some children must not touch. */
void storm_call_something(uint64_t *state, bool may_throw);

/* What handlers call. Async-signal-safe. */
void storm_call_from_handler(void);

/* A thread that calls until it is ended in the middle of a call, or has called often enough. */
void *storm_be_ended(void *state);

/* ---- storm_plugins.c ------------------------------------------------------------------------- */

/* Threads that load and unload the object at path until the storm is over. */
struct storm_load {
    const char *path;
    uint64_t state;
    _Atomic long n_loads; /* that are over */
};

void *storm_load_caller(void *load);   /* it calls counted_square */
void *storm_load_provider(void *load); /* it defines pending_step */

#endif
