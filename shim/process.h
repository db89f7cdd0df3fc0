// SPDX-License-Identifier: MIT
/*
 * The state of memoshim in this process: the one global object, owned by preload.c and shared with
 * the files it is split into. Modules never see it.
 */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/lock.h"
#include "call/call.h"
#include "config/config.h"
#include "hook/hook.h"
#include "interpose/interpose.h"
#include "stats/stats.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the MEMOSHIM_* variables say, laid over what the configuration says. */
struct settings {
    bool is_strict;   /* MEMOSHIM_STRICT=1 */
    bool is_valgrind; /* whose tools look at each byte that is read */
    bool has_mode;    /* MEMOSHIM_MODE overrides every function's own */
    enum config_mode mode;
    bool has_target;
    struct stats_target target;
    int signal;           /* 0: none */
    uint64_t interval_ns; /* 0: none */
};

/*
 * Reads the variables of the environment that the constructor was handed; MEMOSHIM_LOG is not among
 * them, it is needed earlier. 0, or -errno with what is wrong in *reterr; is_strict is right in any
 * case.
 */
int settings_read(char *const *environment, struct config_overrides *ret_overrides,
                  struct settings *settings, struct diagnostic_list *reterr);

/*
 * Lays the variables over the configuration. A signal or an interval without a place for statistics
 * means standard error.
 */
void settings_complete(struct settings *settings, const struct config_overrides *overrides,
                       const struct config_stats *configured);

/*
 * The program may write over its environment and change its folder: from here on the target is text
 * of our own and means the same file wherever the program goes.
 */
void settings_keep_target(struct settings *settings, struct arena *arena);

/* The mode of a function: MEMOSHIM_MODE overrides every function's own. */
enum config_mode settings_mode(const struct config_function *function);

/*
 * Written by the constructor, while there is one thread, and immutable after; the exceptions say
 * who writes them and when. The arena grows under the lock of hook/arrivals.c.
 */
struct process {
    struct arena arena;
    struct config_model model;
    struct settings settings;

    struct hook *hooks;
    _Atomic uint32_t n_hooks; /* grows while running: hook/ */
    struct interpose_binding *bindings;
    size_t n_bindings; /* grows with them */
    uint32_t *shown;   /* hooks in statistics, by number; guarded by dump_lock */

    const struct hash_mac_key *mac_key; /* its page is locked, not dumped and read-only */
    uint64_t seed;

    const char *program;    /* basename of the executable as started */
    const char *executable; /* its path */
    uint64_t started_ns;
    pid_t pid;     /* written again by a forked child, once, before its first call */
    bool is_child; /* the same */

    _Atomic uint64_t next_dump_ns; /* of the interval; any thread */
    struct lock dump_lock;         /* one dump at a time */
    bool dump_failed;              /* guarded by dump_lock: it was said once */
};

extern struct process process;

/* ---- preload.c ------------------------------------------------------------------------------- */

/* Why memoshim could not start, after its error. */
const char *start_problem(int error);

/* ---- debugger.c ------------------------------------------------------------------------------ */

/* After the parser of the configuration, and the libc that it came with, are unloaded. With what
 * the program was started with. */
void debugger_note_unloaded(const char *started_as, char **environment);

/* ---- children.c: what programs get that this one executes ------------------------------------ */

/* True in a program that another one with a list of `children` executed, as far as is known. */
bool children_is_one(char *const *environment);

/* Does to the environment what `children` asks for. While there is one thread, before libc knows
 * of it; the arena must stay. */
void children_prepare(char **environment);

/* ---- check.c: the answer to `memoshim check` ------------------------------------------------- */

/* True in a process that the command made to be asked; then check_answer must follow. */
bool check_is_wanted(char *const *environment);

enum check_outcome {
    CHECK_NO_CONFIGURATION, /* or one that does not act in this program */
    CHECK_BAD_CONFIGURATION,
    CHECK_FAILED, /* with an error */
    CHECK_STARTED,
};

/* Says what was found, and ends the process. error: 0 or -errno. */
void check_answer(enum check_outcome outcome, int error);

/* ---- report.c: statistics while running and at the end --------------------------------------- */

/* Writes them now, if there is somewhere to. Async-signal-safe; the guard is set. */
void report_dump(void);

/* An interval's worth of time may be over: a call_hooks.tick. */
void report_tick(void);

/* Arranges for a dump at exit, quick_exit, and on the signal if there is one. */
void report_start(void);

/* For a forked child, by its first thread in the shim: pid, counters, locks. */
void report_new_child(void);

#endif
