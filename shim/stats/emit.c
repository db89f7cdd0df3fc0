// SPDX-License-Identifier: MIT
/*
 * Takes the picture and hands it to one of the three formats. What is taken lies, like the room of
 * the formatter, in pages mapped for the one call: nothing is allocated, and a signal handler on a
 * small alternate stack can do it.
 */
#include "stats/emit.h"

#include "base/arena.h"
#include <errno.h>
#include <string.h>

#define ROOM_BYTES 4096

const struct shown_row shown_rows[SHOWN_COUNT] = {
#define COUNTER(name, help) {#name, help, SHOWN_IS_TOTAL},
#define TOTAL(name, help)   {#name, help, SHOWN_IS_TOTAL},
#define GAUGE(name, help)   {#name, help, SHOWN_IS_GAUGE},
#define RATIO(name, help)   {#name, help, SHOWN_IS_RATIO},
#include "stats/counters.def"
};

const char *const bypass_names[STATS_BYPASS_COUNT] = {
#define BYPASS(name, help) #name,
#include "stats/bypasses.def"
#undef BYPASS
};

/* What one dump works in. */
struct workplace {
    char room[ROOM_BYTES];
    struct format out;
    struct picture picture;
    struct picture_function functions[];
};

static uint64_t scaled_ratio(uint64_t part, uint64_t whole)
{
    /* Rounded down: 1 means that there was not a single miss. */
    return whole == 0 ? 0 : (uint64_t)((unsigned __int128)part * 10000 / whole);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* What so many real calls take, in the mean of those that were timed. */
static double spared_us(const struct stats_sums *sums, uint64_t n_calls)
{
    return sums->real_count == 0
               ? 0
               : (double)n_calls * (double)sums->real_sum_ns / (double)sums->real_count / 1000;
}

/* What memoshim's own part of the calls took. */
static double spent_us(const struct picture_function *function)
{
    return ((double)function->values[SHOWN_hits] * (double)function->read.hit_ps +
            (double)function->values[SHOWN_misses] * (double)function->read.miss_ps) /
           1e6;
}

static int64_t rounded(double us)
{
    us += us < 0 ? -0.5 : 0.5;
    return us > 1e18 ? (int64_t)1e18 : us < -1e18 ? -(int64_t)1e18 : (int64_t)us;
}

static void complete_function(struct picture_function *function)
{
    struct stats_function *read = &function->read;
    struct stats_sums *sums = &function->sums;
    uint64_t *values = function->values;
    uint64_t n_judged, n_spared;

    read->name = or_empty(read->name);
    read->mode = or_empty(read->mode);
    read->policy = or_empty(read->policy);
    if (read->counters == NULL) {
        return;
    }
    stats_counters_read(read->counters, sums);
    sums->counters[STATS_bypasses] += read->reentries;
    sums->bypasses[STATS_BYPASS_reentry] += read->reentries;
    sums->counters[STATS_bypasses] += read->off_calls;
    sums->bypasses[STATS_BYPASS_off] += read->off_calls;
#define COUNTER(name, help) values[SHOWN_##name] = sums->counters[STATS_##name];
#include "stats/counters.def"
    values[SHOWN_calls] = values[SHOWN_hits] + values[SHOWN_misses] + values[SHOWN_bypasses];
    values[SHOWN_hit_ratio] = scaled_ratio(values[SHOWN_hits], values[SHOWN_calls]);
    values[SHOWN_evictions] = read->evictions;
    values[SHOWN_expirations] = read->expirations;
    values[SHOWN_invalidations] = read->invalidations;
    values[SHOWN_rests] = read->rests;
    values[SHOWN_probes] = read->probes;
    values[SHOWN_resting] = read->resting;
    values[SHOWN_entries] = read->entries;
    values[SHOWN_max_entries] = read->max_entries;
    values[SHOWN_bytes] = read->bytes;
    values[SHOWN_max_bytes] = read->max_bytes;
    values[SHOWN_instances] = read->instances;
    function->real_mean_ns = sums->real_count > 0 ? sums->real_sum_ns / sums->real_count : 0;
    n_judged = values[SHOWN_verified] + values[SHOWN_mismatches];
    /* Read while others count: a hit may be judged that is not among those yet. */
    n_spared = values[SHOWN_hits] > n_judged ? values[SHOWN_hits] - n_judged : 0;
    function->saved_us = rounded(spared_us(sums, n_spared) - spent_us(function));
    function->would_save_us = (uint64_t)rounded(spared_us(sums, values[SHOWN_would_hit]));
}

int stats_emit(const struct stats_snapshot *snapshot, enum stats_format format,
               const struct stats_sink *sink)
{
    int saved_errno = errno, error;
    size_t n_bytes = sizeof(struct workplace), page = pages_size();
    struct workplace *work;

    if (snapshot->n_functions > SIZE_MAX / 2 / sizeof(struct picture_function)) {
        return -EOVERFLOW;
    }
    n_bytes += snapshot->n_functions * sizeof(struct picture_function);
    n_bytes = (n_bytes + page - 1) / page * page;
    work = pages_map(n_bytes);
    if (work == NULL) {
        errno = saved_errno;
        return -ENOMEM;
    }
    for (size_t i = 0; i < snapshot->n_functions; i++) {
        snapshot->read_function(snapshot->context, i, &work->functions[i].read);
        complete_function(&work->functions[i]);
    }
    work->picture = (struct picture){
        .snapshot = snapshot,
        .program = or_empty(snapshot->program),
        .functions = work->functions,
        .n_functions = snapshot->n_functions,
    };
    format_init(&work->out, work->room, sizeof(work->room), sink);
    switch (format) {
    case STATS_TEXT:
        emit_text(&work->picture, &work->out);
        break;
    case STATS_JSON:
        emit_json(&work->picture, &work->out);
        break;
    case STATS_PROMETHEUS:
        emit_prometheus(&work->picture, &work->out);
        break;
    }
    error = format_finish(&work->out);
    pages_unmap(work, n_bytes);
    errno = saved_errno;
    return error;
}
