// SPDX-License-Identifier: MIT
/* The MEMOSHIM_* variables. A value that is wrong is said and not guessed at. */
#include "process.h"

#include "base/environment.h"

#include <errno.h>
#include <string.h>

static void target_from_file(struct settings *settings, const char *file)
{
    settings->has_target = true;
    settings->target.to_stderr = strcmp(file, "stderr") == 0;
    settings->target.path = file;
    settings->target.format = settings->target.to_stderr ? STATS_TEXT : STATS_JSON;
}

static enum stats_format format_of(enum config_stats_format format)
{
    static const enum stats_format formats[] = {
        [STATS_FORMAT_TEXT] = STATS_TEXT,
        [STATS_FORMAT_JSON] = STATS_JSON,
        [STATS_FORMAT_PROMETHEUS] = STATS_PROMETHEUS,
    };

    return formats[format];
}

int settings_read(char *const *environment, struct settings *ret_settings,
                  struct diagnostic_list *reterr)
{
    struct settings settings = {0};
    enum config_stats_format format;
    uint32_t n_before = reterr->n_items;
    const char *value;

    value = environment_get(environment, "MEMOSHIM_STRICT");
    settings.is_strict = value != NULL && strcmp(value, "1") == 0;

    value = environment_get(environment, "MEMOSHIM_MODE");
    settings.has_mode = value != NULL && *value != '\0' &&
                        config_variable_mode("MEMOSHIM_MODE", value, &settings.mode, reterr) == 0;
    value = environment_get(environment, "MEMOSHIM_STATS");
    if (value != NULL && *value != '\0') {
        target_from_file(&settings, value);
    }
    value = environment_get(environment, "MEMOSHIM_STATS_FORMAT");
    if (value != NULL && *value != '\0' &&
        config_variable_format("MEMOSHIM_STATS_FORMAT", value, &format, reterr) == 0) {
        settings.has_format = true;
        settings.format = format_of(format);
    }
    value = environment_get(environment, "MEMOSHIM_STATS_SIGNAL");
    if (value != NULL && *value != '\0') {
        config_variable_signal("MEMOSHIM_STATS_SIGNAL", value, &settings.signal, reterr);
    }
    value = environment_get(environment, "MEMOSHIM_STATS_INTERVAL");
    if (value != NULL && *value != '\0') {
        config_variable_duration("MEMOSHIM_STATS_INTERVAL", value, &settings.interval_ns, reterr);
    }
    *ret_settings = settings;
    return reterr->n_items == n_before ? 0 : -EINVAL;
}

void settings_complete(struct settings *settings, const struct config_stats *stats)
{
    bool from_config = !settings->has_target && stats->file != NULL;

    if (from_config) {
        target_from_file(settings, stats->file);
    }
    if (settings->has_format) {
        settings->target.format = settings->format;
    } else if (from_config && stats->has_format) {
        settings->target.format = format_of(stats->format);
    }
    if (settings->signal == 0) {
        settings->signal = stats->signal;
    }
    if (settings->interval_ns == 0) {
        settings->interval_ns = stats->interval_ns;
    }
}
