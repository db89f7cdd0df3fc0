// SPDX-License-Identifier: MIT
/*
 * The text exposition format of Prometheus, version 0.0.4: the lines of one metric stand together
 * under their HELP and TYPE, times are in seconds, every line carries its function as a label.
 * A metric that no function has is left out with its heading.
 */
#include "stats/emit.h"

static void heading(struct format *out, const char *name, const char *suffix, const char *help,
                    const char *type)
{
    format_text(out, "# HELP memoshim_");
    format_text(out, name);
    format_text(out, suffix);
    format_text(out, " ");
    format_text(out, help);
    format_text(out, "\n# TYPE memoshim_");
    format_text(out, name);
    format_text(out, suffix);
    format_text(out, " ");
    format_text(out, type);
    format_text(out, "\n");
}

/* memoshim_NAMESUFFIX{function="F" -- further labels, the brace and the value follow */
static void sample(struct format *out, const char *name, const char *suffix,
                   const struct picture_function *function)
{
    format_text(out, "memoshim_");
    format_text(out, name);
    format_text(out, suffix);
    format_text(out, "{function=");
    format_prometheus_label(out, function->read.name);
}

static void label(struct format *out, const char *name, const char *value)
{
    format_text(out, ",");
    format_text(out, name);
    format_text(out, "=");
    format_prometheus_label(out, value);
}

/* "} VALUE" and the line's end. */
static void sample_value(struct format *out, uint64_t value, unsigned n_decimals)
{
    format_text(out, "} ");
    format_decimal(out, value, n_decimals, false);
    format_text(out, "\n");
}

static void emit_process(const struct picture *picture, struct format *out)
{
    heading(out, "info", "", "Version of memoshim and the program it runs in.", "gauge");
    format_text(out, "memoshim_info{version=\"" MEMOSHIM_VERSION "\",program=");
    format_prometheus_label(out, picture->program);
    format_text(out, ",pid=\"");
    format_signed(out, picture->snapshot->pid);
    format_text(out, "\"} 1\n");
    heading(out, "uptime", "_seconds", "Seconds since memoshim started in this process.", "gauge");
    format_text(out, "memoshim_uptime_seconds ");
    format_decimal(out, picture->snapshot->uptime_ns / 1000000, 3, false);
    format_text(out, "\n");
}

static void emit_row(const struct picture *picture, enum shown shown, struct format *out)
{
    const struct shown_row *row = &shown_rows[shown];
    const char *suffix = row->kind == SHOWN_IS_TOTAL ? "_total" : "";

    heading(out, row->name, suffix, row->help, row->kind == SHOWN_IS_TOTAL ? "counter" : "gauge");
    for (size_t i = 0; i < picture->n_functions; i++) {
        if (picture_is_shown(&picture->functions[i])) {
            sample(out, row->name, suffix, &picture->functions[i]);
            sample_value(out, picture->functions[i].values[shown],
                         row->kind == SHOWN_IS_RATIO ? 4 : 0);
        }
    }
}

static void emit_slots(const struct picture *picture, struct format *out)
{
    heading(out, "hooked_slots", "", "Slots through which calls reach memoshim.", "gauge");
    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];

        if (picture_is_shown(function)) {
            sample(out, "hooked_slots", "", function);
            label(out, "mode", function->read.mode);
            label(out, "policy", function->read.policy);
            label(out, "library", function->read.library != NULL ? function->read.library : "");
            sample_value(out, function->read.hooked_slots, 0);
        }
    }
}

static void emit_bypass_reasons(const struct picture *picture, struct format *out)
{
    bool has_heading = false;

    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];

        for (unsigned reason = 0; reason < STATS_BYPASS_COUNT; reason++) {
            if (function->sums.bypasses[reason] == 0) {
                continue;
            }
            if (!has_heading) {
                heading(out, "bypass_reasons", "_total", "Bypasses by reason.", "counter");
                has_heading = true;
            }
            sample(out, "bypass_reasons", "_total", function);
            label(out, "reason", bypass_names[reason]);
            sample_value(out, function->sums.bypasses[reason], 0);
        }
    }
}

static void emit_real_seconds(const struct picture *picture, struct format *out)
{
    heading(out, "real", "_seconds", "Time that real calls took.", "summary");
    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];

        if (!picture_is_shown(function)) {
            continue;
        }
        if (function->sums.real_count > 0) {
            sample(out, "real", "_seconds", function);
            label(out, "quantile", "0.5");
            sample_value(out, function->sums.real_p50_ns, 9);
            sample(out, "real", "_seconds", function);
            label(out, "quantile", "0.99");
            sample_value(out, function->sums.real_p99_ns, 9);
        }
        sample(out, "real", "_seconds_sum", function);
        sample_value(out, function->sums.real_sum_ns, 9);
        sample(out, "real", "_seconds_count", function);
        sample_value(out, function->sums.real_count, 0);
    }
}

static void emit_saved(const struct picture *picture, struct format *out)
{
    heading(out, "saved", "_seconds",
            "Hits that spared a real call, times the mean of those, less what memoshim took.",
            "gauge");
    for (size_t i = 0; i < picture->n_functions; i++) {
        if (picture_is_shown(&picture->functions[i])) {
            sample(out, "saved", "_seconds", &picture->functions[i]);
            format_text(out, "} ");
            format_signed_decimal(out, picture->functions[i].saved_us, 6);
            format_text(out, "\n");
        }
    }
}

static void emit_would_save(const struct picture *picture, struct format *out)
{
    bool has_heading = false;

    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];

        if (function->values[SHOWN_would_hit] == 0) {
            continue;
        }
        if (!has_heading) {
            heading(out, "would_save", "_seconds",
                    "Observed hits, times the mean of the real calls.", "gauge");
            has_heading = true;
        }
        sample(out, "would_save", "_seconds", function);
        sample_value(out, function->would_save_us, 6);
    }
}

/* Functions that are not reached (hooked: false) or not everywhere (hooked: true). */
static void emit_remarks(const struct picture *picture, bool hooked, const char *name,
                         const char *help, struct format *out)
{
    bool has_heading = false;

    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];
        const char *reason = function->read.refused;

        if (picture_is_shown(function) != hooked || reason == NULL) {
            continue;
        }
        if (!has_heading) {
            heading(out, name, "", help, "gauge");
            has_heading = true;
        }
        sample(out, name, "", function);
        label(out, "reason", reason);
        sample_value(out, 1, 0);
    }
}

static void emit_notes(const struct picture *picture, struct format *out)
{
    const char *note;

    for (size_t i = 0; (note = picture_note(picture, i)) != NULL; i++) {
        if (i == 0) {
            heading(out, "note", "", "Further remarks.", "gauge");
        }
        format_text(out, "memoshim_note{text=");
        format_prometheus_label(out, note);
        sample_value(out, 1, 0);
    }
}

void emit_prometheus(const struct picture *picture, struct format *out)
{
    bool any_hooked = false;

    for (size_t i = 0; i < picture->n_functions; i++) {
        any_hooked = any_hooked || picture_is_shown(&picture->functions[i]);
    }
    emit_process(picture, out);
    if (any_hooked) {
        emit_slots(picture, out);
        for (unsigned shown = 0; shown < SHOWN_COUNT; shown++) {
            emit_row(picture, (enum shown)shown, out);
        }
        emit_bypass_reasons(picture, out);
        emit_real_seconds(picture, out);
        emit_saved(picture, out);
        emit_would_save(picture, out);
    }
    emit_remarks(picture, false, "not_hooked", "Named functions that could not be hooked.", out);
    emit_remarks(picture, true, "limits", "Hooked functions that are not reached everywhere.", out);
    emit_notes(picture, out);
}
