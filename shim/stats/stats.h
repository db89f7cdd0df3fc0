// SPDX-License-Identifier: MIT
/*
 * Counters of one function, and the ways of showing them. Does not know who counts.
 *
 * Counting takes no lock: every thread adds to one of a few cache-line-sized stripes; readers sum
 * them. Everything here is async-signal-safe: a dump may be asked for by a signal at any
 * instruction, so there is no stdio, no allocation and no locale.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include "base/foreign_libc.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stats_counter {
#define COUNTER(name, help) STATS_##name,
#include "stats/counters.def"
#undef COUNTER
    STATS_COUNTER_COUNT
};

/* Reasons of bypassed calls; each such call also adds to STATS_bypasses. */
enum stats_bypass {
#define BYPASS(name, help) STATS_BYPASS_##name,
#include "stats/bypasses.def"
#undef BYPASS
    STATS_BYPASS_COUNT
};

struct stats_counters; /* of one function; size stats_counters_bytes() */

size_t stats_counters_bytes(void);

/* In zeroed memory aligned to 64. */
void stats_counters_init(struct stats_counters *counters);

void stats_add(struct stats_counters *counters, enum stats_counter counter, uint64_t amount);

/* A count of hits for a process without threads, where it may be added to as plain memory. */
static inline _Atomic uint64_t *stats_hits_alone(struct stats_counters *counters)
{
    return (_Atomic uint64_t *)(void *)counters; /* counters.c asserts that it is the first */
}

/* Where the stripe that is this thread's alone is, in bytes; 0: it has none. counters.c writes it.
 */
extern __thread uint32_t stats_owned_at;

/*
 * The same count for this thread alone, beside others; NULL: it counts by stats_add. Readers add
 * it up, so it is stored with release.
 */
static inline _Atomic uint64_t *stats_hits_own(struct stats_counters *counters)
{
    return stats_owned_at == 0 ? NULL
                               : (_Atomic uint64_t *)(void *)((char *)counters + stats_owned_at);
}

/* One more of any of them, in such a process. */
static inline void stats_add_alone(struct stats_counters *counters, enum stats_counter counter)
{
    _Atomic uint64_t *cell = stats_hits_alone(counters) + counter;

    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The same with threads or without. */
static inline void stats_count(struct stats_counters *counters, enum stats_counter counter)
{
    _Atomic uint64_t *own = stats_hits_own(counters);

    if (__builtin_expect(__libc_single_threaded, 1)) {
        stats_add_alone(counters, counter);
    } else if (__builtin_expect(own != NULL, 1)) {
        atomic_store_explicit(own + counter,
                              atomic_load_explicit(own + counter, memory_order_relaxed) + 1,
                              memory_order_release);
    } else {
        stats_add(counters, counter, 1);
    }
}

void stats_add_bypass(struct stats_counters *counters, enum stats_bypass reason);

/* One real call took this long. Kept in a histogram of 8 steps to each power of two. */
void stats_add_real_ns(struct stats_counters *counters, uint64_t ns);

/* The p-quantile (0 < p <= 1) of the real calls so far, in ns, as the middle of its step; 0: none.
 */
uint64_t stats_real_quantile_ns(const struct stats_counters *counters, double p);

/* How many real calls were timed so far, and their sum. */
uint64_t stats_real_count(const struct stats_counters *counters, uint64_t *ret_sum_ns);

/* One counter so far. */
uint64_t stats_counted(const struct stats_counters *counters, enum stats_counter counter);

/* hits + misses + bypasses so far. */
uint64_t stats_calls(const struct stats_counters *counters);

/* Everything to zero, in a forked child. */
void stats_counters_reset(struct stats_counters *counters);

/* An object's slots that lead to a function, by kind; and those that could not be redirected. */
struct stats_importer {
    const char *object, *path;
    uint64_t plt, got, pointers, copied, unaligned, sealed;
};

/* One function as it is shown. Strings are borrowed until stats_emit or stats_dump returns. */
struct stats_function {
    const char *name;
    const char *mode, *policy;
    const char *library; /* that provides it, or NULL; the following are of this definition */
    const char *path, *version;
    const char *readable;   /* a C++ name as its author wrote it, or NULL */
    uint64_t hooked_slots;  /* in all; the following are part of it */
    uint64_t later_slots;   /* in objects that came after the start */
    const char *unexported; /* why later objects are not bound to it as they load; NULL: they are */
    const void *importers;  /* for next_importer; NULL: none */
    const struct stats_counters *counters; /* NULL: it was refused, or (refused is NULL) is off */
    uint64_t reentries;       /* calls that the assembly let through; added to bypasses */
    uint64_t off_calls;       /* the same, since the function was turned off */
    uint64_t hit_ps, miss_ps; /* memoshim's own part of one, in picoseconds; 0: not measured */
    uint64_t evictions, expirations, invalidations;
    uint64_t rests, probes, resting; /* what the guard did */
    uint64_t entries, max_entries, bytes, max_bytes, instances;
    const char *refused; /* why it was not hooked, or what limits it; NULL: nothing to say */
};

struct stats_snapshot {
    const char *program;
    int64_t pid;
    int64_t time_s; /* since 1970 */
    uint64_t uptime_ns;
    size_t n_functions;
    /* Fills the i-th function. Called once for each i, in order. */
    void (*read_function)(void *context, size_t i, struct stats_function *ret_function);
    /*
     * Fills in the next of a function's importers (at first after NULL) and returns what stands for
     * it, or NULL after the last one.
     */
    const void *(*next_importer)(const void *importers, const void *importer,
                                 struct stats_importer *ret_importer);
    void *context;
    const char
        *notes[4]; /* further remarks ("signal handler was replaced"), NULL-terminated if fewer */
};

enum stats_format {
    STATS_TEXT,
    STATS_JSON,
    STATS_PROMETHEUS
};

/* Where the bytes of an emitter go. Returns 0 or -errno, after which nothing more is written. */
struct stats_sink {
    int (*write)(void *context, const char *text, size_t n_bytes);
    void *context;
};

int stats_emit(const struct stats_snapshot *snapshot, enum stats_format format,
               const struct stats_sink *sink);

/*
 * text as a JSON string, with its quotes: what is not UTF-8 becomes U+FFFD. For whoever else prints
 * JSON. 0, or the sink's error.
 */
int stats_write_json_string(const struct stats_sink *sink, const char *text);

/*
 * text[0..n_bytes) for a terminal: controls and what is not UTF-8 become "?". text[n_bytes] must be
 * readable, and no byte in the middle of a character.
 */
int stats_write_plain(const struct stats_sink *sink, const char *text, size_t n_bytes);

/* A destination, settled at start. */
struct stats_target {
    bool to_stderr;
    const char *path; /* template with %p (pid), %n (program), %% */
    enum stats_format format;
};

/*
 * Checks a destination: the template expands, the directory exists and a file can be made there.
 * 0 or -errno; -EEXIST: what stands there is no file that could be replaced.
 */
int stats_target_check(const struct stats_target *target, const char *program, int64_t pid);

/* What such an error, or one of stats_dump, is to its user: a part of a sentence. */
const char *stats_target_problem(int error);

/*
 * Writes the snapshot: to stderr, or as a new file renamed into place, mode 0644 whatever the
 * umask. 0 or -errno; nothing half-written is ever seen under the final name.
 */
int stats_dump(const struct stats_snapshot *snapshot, const struct stats_target *target);

#endif
