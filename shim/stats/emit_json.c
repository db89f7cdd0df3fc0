// SPDX-License-Identifier: MIT
/*
 * One JSON object, a key a line. The names and their order are a promise to scripts; only
 * "demangled", "not_exported", "importers_not_shown", "bypass_reasons", "limits", "would_save_s",
 * "not_hooked" and "notes" are left out when they have nothing to say.
 */
#include "stats/emit.h"

#define IMPORTERS_MAX 100 /* of a function; more are counted */

static void key(struct format *out, unsigned depth, const char *name)
{
    format_fill(out, ' ', 2 * depth);
    format_json_string(out, name);
    format_text(out, ": ");
}

static void string_member(struct format *out, unsigned depth, const char *name, const char *value)
{
    key(out, depth, name);
    if (value != NULL) {
        format_json_string(out, value);
    } else {
        format_text(out, "null");
    }
    format_text(out, ",\n");
}

static void number_member(struct format *out, unsigned depth, const char *name, uint64_t value)
{
    key(out, depth, name);
    format_unsigned(out, value);
    format_text(out, ",\n");
}

/* "a": 1, "b": 2 */
static void emit_inline_number(struct format *out, const char *name, uint64_t value, bool *is_first)
{
    format_text(out, *is_first ? "" : ", ");
    *is_first = false;
    key(out, 0, name);
    format_unsigned(out, value);
}

static void emit_real_ns(const struct picture_function *function, struct format *out)
{
    bool is_first = true;

    key(out, 3, "real_ns");
    format_text(out, "{ ");
    emit_inline_number(out, "count", function->sums.real_count, &is_first);
    emit_inline_number(out, "mean", function->real_mean_ns, &is_first);
    emit_inline_number(out, "p50", function->sums.real_p50_ns, &is_first);
    emit_inline_number(out, "p99", function->sums.real_p99_ns, &is_first);
    format_text(out, " },\n");
}

static void emit_bypass_reasons(const struct picture_function *function, struct format *out)
{
    bool is_first = true;

    key(out, 3, "bypass_reasons");
    format_text(out, "{ ");
    for (unsigned i = 0; i < STATS_BYPASS_COUNT; i++) {
        if (function->sums.bypasses[i] > 0) {
            emit_inline_number(out, bypass_names[i], function->sums.bypasses[i], &is_first);
        }
    }
    format_text(out, is_first ? "},\n" : " },\n");
}

static void emit_importer(const struct stats_importer *importer, struct format *out)
{
    bool is_first = false;

    format_fill(out, ' ', 8);
    format_text(out, "{ ");
    key(out, 0, "object");
    format_json_string(out, importer->object);
    format_text(out, ", ");
    key(out, 0, "path");
    format_json_string(out, importer->path);
    emit_inline_number(out, "plt", importer->plt, &is_first);
    emit_inline_number(out, "got", importer->got, &is_first);
    emit_inline_number(out, "pointers", importer->pointers, &is_first);
    emit_inline_number(out, "copied", importer->copied, &is_first);
    emit_inline_number(out, "unaligned", importer->unaligned, &is_first);
    emit_inline_number(out, "sealed", importer->sealed, &is_first);
    format_text(out, " }");
}

/* Who calls it, and who will. */
static void emit_reach(const struct stats_snapshot *snapshot, const struct stats_function *read,
                       struct format *out)
{
    struct stats_importer importer;
    const void *at = NULL;
    uint64_t n = 0;

    number_member(out, 3, "later_slots", read->later_slots);
    key(out, 3, "exported");
    format_text(out, read->unexported == NULL ? "true,\n" : "false,\n");
    if (read->unexported != NULL) {
        string_member(out, 3, "not_exported", read->unexported);
    }
    key(out, 3, "importers");
    format_text(out, "[");
    while (read->importers != NULL &&
           (at = snapshot->next_importer(read->importers, at, &importer)) != NULL) {
        if (n++ < IMPORTERS_MAX) {
            format_text(out, n > 1 ? ",\n" : "\n");
            emit_importer(&importer, out);
        }
    }
    format_text(out, n > 0 ? "\n      ],\n" : "],\n");
    if (n > IMPORTERS_MAX) {
        number_member(out, 3, "importers_not_shown", n - IMPORTERS_MAX);
    }
}

static void emit_function(const struct picture *picture, const struct picture_function *function,
                          struct format *out)
{
    const struct stats_function *read = &function->read;

    key(out, 2, read->name);
    format_text(out, "{\n");
    string_member(out, 3, "mode", read->mode);
    string_member(out, 3, "policy", read->policy);
    number_member(out, 3, "hooked_slots", read->hooked_slots);
    string_member(out, 3, "library", read->library);
    string_member(out, 3, "path", read->path);
    string_member(out, 3, "version", read->version);
    if (read->readable != NULL) {
        string_member(out, 3, "demangled", read->readable);
    }
    if (read->counters != NULL) {
        emit_reach(picture->snapshot, read, out);
    }
    for (unsigned i = 0; i < SHOWN_COUNT; i++) {
        key(out, 3, shown_rows[i].name);
        format_decimal(out, function->values[i], shown_rows[i].kind == SHOWN_IS_RATIO ? 4 : 0,
                       false);
        format_text(out, ",\n");
    }
    emit_real_ns(function, out);
    if (function->values[SHOWN_bypasses] > 0) {
        emit_bypass_reasons(function, out);
    }
    if (read->refused != NULL) {
        string_member(out, 3, "limits", read->refused);
    }
    key(out, 3, "saved_s");
    format_signed_decimal(out, function->saved_us, 6);
    if (function->values[SHOWN_would_hit] > 0) {
        format_text(out, ",\n");
        key(out, 3, "would_save_s");
        format_decimal(out, function->would_save_us, 6, false);
    }
    format_text(out, "\n    }");
}

static void emit_not_hooked(const struct picture *picture, struct format *out)
{
    bool is_first = true;

    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct stats_function *read = &picture->functions[i].read;

        if (picture_is_shown(&picture->functions[i])) {
            continue;
        }
        format_text(out, is_first ? ",\n  \"not_hooked\": {\n" : ",\n");
        is_first = false;
        key(out, 2, read->name);
        format_json_string(out, read->refused);
    }
    format_text(out, is_first ? "" : "\n  }");
}

static void emit_notes(const struct picture *picture, struct format *out)
{
    const char *note;
    bool is_first = true;

    for (size_t i = 0; (note = picture_note(picture, i)) != NULL; i++) {
        format_text(out, is_first ? ",\n  \"notes\": [\n    " : ",\n    ");
        is_first = false;
        format_json_string(out, note);
    }
    format_text(out, is_first ? "" : "\n  ]");
}

void emit_json(const struct picture *picture, struct format *out)
{
    const struct stats_snapshot *snapshot = picture->snapshot;
    bool is_first = true;

    format_text(out, "{\n");
    string_member(out, 1, "memoshim", MEMOSHIM_VERSION);
    key(out, 1, "pid");
    format_signed(out, snapshot->pid);
    format_text(out, ",\n");
    string_member(out, 1, "program", picture->program);
    key(out, 1, "time");
    format_text(out, "\"");
    format_utc(out, snapshot->time_s);
    format_text(out, "\",\n");
    key(out, 1, "uptime_s");
    format_decimal(out, snapshot->uptime_ns / 1000000, 3, false);
    format_text(out, ",\n");
    key(out, 1, "functions");
    format_text(out, "{");
    for (size_t i = 0; i < picture->n_functions; i++) {
        if (picture_is_shown(&picture->functions[i])) {
            format_text(out, is_first ? "\n" : ",\n");
            is_first = false;
            emit_function(picture, &picture->functions[i], out);
        }
    }
    format_text(out, is_first ? "}" : "\n  }");
    emit_not_hooked(picture, out);
    emit_notes(picture, out);
    format_text(out, "\n}\n");
}
