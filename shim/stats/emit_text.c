// SPDX-License-Identifier: MIT
/*
 * A table for people, at most 100 columns wide as long as one word fits. Below it, for each
 * function that has more to tell, the counters that are not zero and have no column, under their
 * JSON names; then what was not hooked and why.
 */
#include "stats/emit.h"

#include <string.h>

#define LINE_COLUMNS 100
#define CELL_BYTES   16
#define GAP          2 /* between columns */

enum column {
    COLUMN_CALLS,
    COLUMN_HITS,
    COLUMN_HIT_RATIO,
    COLUMN_MISSES,
    COLUMN_STORES,
    COLUMN_ENTRIES,
    COLUMN_MEMORY,
    COLUMN_REAL,
    COLUMN_SAVED,
    COLUMN_COUNT
};

static const char *const headings[COLUMN_COUNT] = {
    [COLUMN_CALLS] = "calls",   [COLUMN_HITS] = "hits",      [COLUMN_HIT_RATIO] = "hit %",
    [COLUMN_MISSES] = "misses", [COLUMN_STORES] = "stores",  [COLUMN_ENTRIES] = "entries",
    [COLUMN_MEMORY] = "memory", [COLUMN_REAL] = "real call", [COLUMN_SAVED] = "saved",
};

/* How wide the columns are: as wide as what stands in them. */
struct layout {
    size_t name_width;
    size_t widths[COLUMN_COUNT];
    bool has_remarks; /* the empty line below the table was written */
};

static void format_cell(const struct picture_function *function, enum column column,
                        struct format *out)
{
    const uint64_t *values = function->values;

    switch (column) {
    case COLUMN_CALLS:
        format_count(out, values[SHOWN_calls]);
        break;
    case COLUMN_HITS:
        format_count(out, values[SHOWN_hits]);
        break;
    case COLUMN_HIT_RATIO:
        format_decimal(out, (values[SHOWN_hit_ratio] + 5) / 10, 1, true);
        break;
    case COLUMN_MISSES:
        format_count(out, values[SHOWN_misses]);
        break;
    case COLUMN_STORES:
        format_count(out, values[SHOWN_stores]);
        break;
    case COLUMN_ENTRIES:
        format_count(out, values[SHOWN_entries]);
        break;
    case COLUMN_MEMORY:
        format_size(out, values[SHOWN_bytes]);
        break;
    case COLUMN_REAL:
        if (function->sums.real_count > 0) {
            format_duration(out, function->real_mean_ns);
        } else {
            format_text(out, "-");
        }
        break;
    case COLUMN_SAVED:
        format_text(out, function->saved_us < 0 ? "-" : "");
        format_duration(
            out,
            (uint64_t)(function->saved_us < 0 ? -function->saved_us : function->saved_us) * 1000);
        break;
    case COLUMN_COUNT:
        break;
    }
}

/* A name in the first column; one that is too long gets a line of its own. */
static void emit_name(const char *name, size_t width, struct format *out)
{
    size_t n = format_terminal_width(name);

    format_terminal(out, name);
    if (n > width) {
        format_text(out, "\n");
        n = 0;
    }
    format_fill(out, ' ', width - n);
}

static void emit_cell(const char *text, size_t n_bytes, size_t width, struct format *out)
{
    format_fill(out, ' ', GAP + (n_bytes < width ? width - n_bytes : 0));
    format_bytes(out, text, n_bytes);
}

static void emit_table(const struct picture *picture, const struct layout *layout,
                       struct format *out)
{
    emit_name("function", layout->name_width, out);
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        emit_cell(headings[column], strlen(headings[column]), layout->widths[column], out);
    }
    format_text(out, "\n");
    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];

        if (!picture_is_shown(function)) {
            continue;
        }
        emit_name(function->read.name, layout->name_width, out);
        for (unsigned column = 0; column < COLUMN_COUNT; column++) {
            char text[CELL_BYTES];
            struct format cell;

            format_init(&cell, text, sizeof(text), NULL);
            format_cell(function, (enum column)column, &cell);
            emit_cell(text, cell.n_used, layout->widths[column], out);
        }
        format_text(out, "\n");
    }
}

static void choose_layout(const struct picture *picture, struct layout *ret_layout)
{
    size_t widest_name = LINE_COLUMNS, width = strlen("function");

    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        size_t widest = strlen(headings[column]);

        for (size_t i = 0; i < picture->n_functions; i++) {
            char text[CELL_BYTES];
            struct format cell;

            format_init(&cell, text, sizeof(text), NULL);
            format_cell(&picture->functions[i], (enum column)column, &cell);
            widest = cell.n_used > widest ? cell.n_used : widest;
        }
        ret_layout->widths[column] = widest;
        widest_name -= widest + GAP;
    }
    for (size_t i = 0; i < picture->n_functions; i++) {
        size_t n = format_terminal_width(picture->functions[i].read.name);

        if (n <= widest_name && n > width) {
            width = n;
        }
    }
    ret_layout->name_width = width;
    ret_layout->has_remarks = false;
}

/*
 * Words behind a label, broken into lines that begin below the first word. A label is shown once:
 * wrap_begin empties it, and what follows it stands below.
 */
struct wrapped {
    struct format *out;
    size_t indent, column;
};

static void wrap_begin(struct wrapped *line, const char **label, struct layout *layout,
                       struct format *out)
{
    size_t indent = layout->name_width + GAP;

    format_text(out, layout->has_remarks ? "" : "\n");
    layout->has_remarks = true;
    emit_name(*label, layout->name_width, out);
    *label = "";
    format_fill(out, ' ', GAP);
    *line = (struct wrapped){.out = out, .indent = indent, .column = indent};
}

/* A word is not broken. Its bytes are taken for its width, which they are never less than. */
static void wrap_word(struct wrapped *line, const char *text, size_t n_bytes)
{
    if (line->column > line->indent && line->column + 1 + n_bytes > LINE_COLUMNS) {
        format_text(line->out, "\n");
        format_fill(line->out, ' ', line->indent);
        line->column = line->indent;
    } else if (line->column > line->indent) {
        format_text(line->out, " ");
        line->column++;
    }
    format_terminal_bytes(line->out, text, n_bytes);
    line->column += n_bytes;
}

static void wrap_text(struct wrapped *line, const char *text)
{
    while (*text != '\0') {
        size_t n_bytes = strcspn(text, " ");

        if (n_bytes > 0) {
            wrap_word(line, text, n_bytes);
        }
        text += n_bytes + (text[n_bytes] == ' ');
    }
}

/* "name 17," as one word; "name 17:" or "name 17" when another mark follows. */
static void wrap_count(struct wrapped *line, const char *name, uint64_t n, const char *mark)
{
    char text[64];
    struct format item;

    format_init(&item, text, sizeof(text), NULL);
    format_text(&item, name);
    format_text(&item, " ");
    format_unsigned(&item, n);
    format_text(&item, mark);
    wrap_word(line, text, item.n_used);
}

static bool is_detail(const struct picture_function *function, unsigned shown)
{
    static const bool elsewhere[SHOWN_COUNT] = {
        [SHOWN_calls] = true,    [SHOWN_hits] = true,        [SHOWN_hit_ratio] = true,
        [SHOWN_misses] = true,   [SHOWN_stores] = true,      [SHOWN_bypasses] = true,
        [SHOWN_entries] = true,  [SHOWN_max_entries] = true, [SHOWN_bytes] = true,
        [SHOWN_max_bytes] = true};

    return !elsewhere[shown] && function->values[shown] > 0;
}

static void emit_counters(const struct picture_function *function, const char **label,
                          struct layout *layout, struct format *out)
{
    struct wrapped line;
    unsigned n_left = 0;

    for (unsigned i = 0; i < SHOWN_COUNT; i++) {
        n_left += is_detail(function, i);
    }
    if (n_left == 0) {
        return;
    }
    wrap_begin(&line, label, layout, out);
    for (unsigned i = 0; i < SHOWN_COUNT; i++) {
        if (is_detail(function, i)) {
            n_left--;
            wrap_count(&line, shown_rows[i].name, function->values[i], n_left > 0 ? "," : "");
        }
    }
    format_text(out, "\n");
}

static void emit_bypasses(const struct picture_function *function, const char **label,
                          struct layout *layout, struct format *out)
{
    struct wrapped line;
    unsigned n_left = 0;

    if (function->values[SHOWN_bypasses] == 0) {
        return;
    }
    for (unsigned i = 0; i < STATS_BYPASS_COUNT; i++) {
        n_left += function->sums.bypasses[i] > 0;
    }
    wrap_begin(&line, label, layout, out);
    wrap_count(&line, "bypasses", function->values[SHOWN_bypasses], n_left > 0 ? ":" : "");
    for (unsigned i = 0; i < STATS_BYPASS_COUNT; i++) {
        if (function->sums.bypasses[i] > 0) {
            n_left--;
            wrap_count(&line, bypass_names[i], function->sums.bypasses[i], n_left > 0 ? "," : "");
        }
    }
    format_text(out, "\n");
}

static void emit_sentence(const char **label, const char *lead, const char *text,
                          struct layout *layout, struct format *out)
{
    struct wrapped line;

    wrap_begin(&line, label, layout, out);
    wrap_text(&line, lead);
    wrap_text(&line, text);
    format_text(out, "\n");
}

static void emit_would_save(const struct picture_function *function, const char **label,
                            struct layout *layout, struct format *out)
{
    char text[CELL_BYTES];
    struct format time;

    if (function->values[SHOWN_would_hit] > 0) {
        format_init(&time, text, sizeof(text) - 1, NULL);
        format_duration(&time, function->would_save_us * 1000);
        text[time.n_used] = '\0';
        emit_sentence(label, "would have saved", text, layout, out);
    }
}

static void emit_remarks(const struct picture *picture, struct layout *layout, struct format *out)
{
    const char *note;

    for (size_t i = 0; i < picture->n_functions; i++) {
        const struct picture_function *function = &picture->functions[i];
        const struct stats_function *read = &function->read;
        const char *label = read->name;

        if (!picture_is_shown(function)) {
            if (read->readable != NULL) {
                emit_sentence(&label, "is", read->readable, layout, out);
            }
            emit_sentence(&label, "not hooked:", read->refused, layout, out);
            continue;
        }
        if (read->readable != NULL) {
            emit_sentence(&label, "is", read->readable, layout, out);
        }
        if (strcmp(read->mode, "memoize") != 0) {
            emit_sentence(&label, "mode", read->mode, layout, out);
        }
        emit_would_save(function, &label, layout, out);
        emit_counters(function, &label, layout, out);
        emit_bypasses(function, &label, layout, out);
        if (read->refused != NULL) {
            emit_sentence(&label, "limits:", read->refused, layout, out);
        }
    }
    for (size_t i = 0; (note = picture_note(picture, i)) != NULL; i++) {
        const char *label = "note:";

        emit_sentence(&label, "", note, layout, out);
    }
}

void emit_text(const struct picture *picture, struct format *out)
{
    const struct stats_snapshot *snapshot = picture->snapshot;
    struct layout layout;
    bool any_hooked = false;

    choose_layout(picture, &layout);
    for (size_t i = 0; i < picture->n_functions; i++) {
        any_hooked = any_hooked || picture_is_shown(&picture->functions[i]);
    }
    format_text(out, "memoshim " MEMOSHIM_VERSION ": ");
    format_terminal(out, picture->program);
    format_text(out, " (pid ");
    format_signed(out, snapshot->pid);
    format_text(out, "), up ");
    format_duration(out, snapshot->uptime_ns);
    format_text(out, ", ");
    format_utc(out, snapshot->time_s);
    format_text(out, "\n");
    if (any_hooked) {
        emit_table(picture, &layout, out);
    } else {
        format_text(out, "no function is memoized\n");
    }
    emit_remarks(picture, &layout, out);
}
