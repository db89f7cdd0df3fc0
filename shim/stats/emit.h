// SPDX-License-Identifier: MIT
/*
 * The picture that all three formats are drawn from. It is taken in one walk, so that within one
 * output calls = hits + misses + bypasses whatever other threads do meanwhile. Internal to stats.
 */
#ifndef STATS_EMIT_H
#define STATS_EMIT_H

#include "stats/counters.h"
#include "stats/format.h"

/* The rows of counters.def, in order. */
enum shown {
#define COUNTER(name, help) SHOWN_##name,
#define TOTAL(name, help)   SHOWN_##name,
#define GAUGE(name, help)   SHOWN_##name,
#define RATIO(name, help)   SHOWN_##name,
#include "stats/counters.def"
    SHOWN_COUNT
};

enum shown_kind {
    SHOWN_IS_TOTAL,
    SHOWN_IS_GAUGE,
    SHOWN_IS_RATIO, /* in units of 1/10000 */
};

struct shown_row {
    const char *name, *help;
    enum shown_kind kind;
};

extern const struct shown_row shown_rows[SHOWN_COUNT];
extern const char *const bypass_names[STATS_BYPASS_COUNT];

struct picture_function {
    struct stats_function read; /* strings are never NULL, but for library and refused */
    uint64_t values[SHOWN_COUNT];
    struct stats_sums sums; /* re-entries included */
    uint64_t real_mean_ns;
    int64_t saved_us;       /* hits that spared a real call, times the mean of those, less what
                               memoshim itself took */
    uint64_t would_save_us; /* real calls that observed hits would have spared */
};

struct picture {
    const struct stats_snapshot *snapshot;
    const char *program; /* never NULL */
    const struct picture_function *functions;
    size_t n_functions;
};

/*
 * A function that was refused has no counters and a reason: it stands under "not hooked" only. One
 * that is off has neither, and is shown with nothing counted.
 */
static inline bool picture_is_shown(const struct picture_function *function)
{
    return function->read.counters != NULL || function->read.refused == NULL;
}

/* The i-th note, or NULL after the last. */
static inline const char *picture_note(const struct picture *picture, size_t i)
{
    const char *const *notes = picture->snapshot->notes;

    return i < sizeof(picture->snapshot->notes) / sizeof(notes[0]) ? notes[i] : NULL;
}

void emit_text(const struct picture *picture, struct format *out);
void emit_json(const struct picture *picture, struct format *out);
void emit_prometheus(const struct picture *picture, struct format *out);

#endif
