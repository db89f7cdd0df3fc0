// SPDX-License-Identifier: MIT
/*
 * Where statistics go: the object `stats` of a configuration, and the environment variables that
 * say the same things and win. Both take the same words and give the same diagnostics.
 */
#include "config/language.h"

#include <errno.h>
#include <string.h>

static void read_signal(struct workspace *work, const struct value *value,
                        struct config_stats *stats)
{
    int result;

    if (!value_expect(work, value, VALUE_STRING, "the name of a signal")) {
        return;
    }
    result = signal_parse(value->source.text, &stats->signal);
    if (result == -EPERM) {
        REPORT(work->list, value->source.place, SIGNAL_REFUSED, value->source.text);
    } else if (result < 0) {
        REPORT(work->list, value->source.place, UNKNOWN_SIGNAL, value->source.text);
    }
}

static void read_stats_file(struct workspace *work, const struct value *value,
                            struct config_stats *stats)
{
    const char *text = value->source.text;

    if (!value_expect(work, value, VALUE_STRING, "a path")) {
        return;
    }
    if (text[0] == '\0') {
        REPORT(work->list, value->source.place, STATS_FILE_EMPTY);
        return;
    }
    for (const char *at = strchr(text, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] != 'p' && at[1] != 'n' && at[1] != '%') {
            REPORT(work->list, place_inside(&value->source, (size_t)(at - text)), BAD_PERCENT,
                   work_copy_text(work, at, at[1] != '\0' ? 2 : 1));
            return;
        }
    }
    stats->file = text;
}

static void read_format(struct workspace *work, const struct value *value,
                        struct config_stats *stats)
{
    int format;

    if (word_read(work, value, WORDS_STATS_FORMAT, &format)) {
        stats->has_format = true;
        stats->format = format;
    }
}

void stats_read(struct workspace *work, const struct value *object, struct config_stats *stats)
{
    const struct value *value;

    if (!value_expect(work, object, VALUE_OBJECT, "an object")) {
        return;
    }
    keys_check(work, object, IN_STATS);
    if ((value = value_find(object, "file")) != NULL) {
        read_stats_file(work, value, stats);
    }
    if ((value = value_find(object, "format")) != NULL) {
        read_format(work, value, stats);
    }
    if ((value = value_find(object, "signal")) != NULL) {
        read_signal(work, value, stats);
    }
    if ((value = value_find(object, "interval")) != NULL) {
        units_read_duration(work, value, &stats->interval_ns);
    }
}

/* ---- environment variables ------------------------------------------------------------------- */

/* The value of a variable as if it stood in a file of the variable's name. */
static struct value variable_value(const char *name, const char *text)
{
    struct place place = {name, 0, 0};

    return (struct value){.kind = VALUE_STRING,
                          .key = name,
                          .key_place = place,
                          .source = {.text = text, .place = place}};
}

static bool is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

/* Of text that is not empty. */
static bool ends_in_digit(const char *text)
{
    char last = text[strlen(text) - 1];

    return last >= '0' && last <= '9';
}

int config_read_variables(const struct config_variables *variables,
                          struct config_overrides *ret_overrides, struct diagnostic_list *reterr)
{
    struct workspace work = {.memory = reterr->memory, .list = reterr};
    struct config_overrides overrides = {0};
    uint32_t n_before = reterr->n_items;
    struct value value;
    int mode, unused;

    if (setjmp(work.on_no_memory) != 0) {
        return -ENOMEM;
    }
    if (is_set(variables->mode)) {
        value = variable_value("MEMOSHIM_MODE", variables->mode);
        if (word_read(&work, &value, WORDS_MODE, &mode)) {
            overrides.has_mode = true;
            overrides.mode = mode;
        }
    }
    if (is_set(variables->stats)) {
        value = variable_value("MEMOSHIM_STATS", variables->stats);
        read_stats_file(&work, &value, &overrides.stats);
    }
    if (is_set(variables->stats_format)) {
        value = variable_value("MEMOSHIM_STATS_FORMAT", variables->stats_format);
        read_format(&work, &value, &overrides.stats);
    }
    if (is_set(variables->stats_signal)) {
        value = variable_value("MEMOSHIM_STATS_SIGNAL", variables->stats_signal);
        read_signal(&work, &value, &overrides.stats);
    }
    if (is_set(variables->stats_interval)) {
        value = variable_value("MEMOSHIM_STATS_INTERVAL", variables->stats_interval);
        if (ends_in_digit(variables->stats_interval)) {
            value.kind = VALUE_NUMBER; /* of seconds: there are no quotes here to leave out */
        }
        units_read_duration(&work, &value, &overrides.stats.interval_ns);
    }
    if (is_set(variables->strict)) {
        value = variable_value("MEMOSHIM_STRICT", variables->strict);
        word_read(&work, &value, WORDS_SWITCH, &unused);
    }
    if (reterr->n_items != n_before) {
        return -EINVAL;
    }
    *ret_overrides = overrides;
    return 0;
}
