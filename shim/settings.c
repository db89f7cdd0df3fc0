// SPDX-License-Identifier: MIT
/* The MEMOSHIM_* variables, and which of them and the configuration has the last word. */
#include "process.h"

#include "base/environment.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int settings_read(char *const *environment, struct config_overrides *ret_overrides,
                  struct settings *settings, struct diagnostic_list *reterr)
{
    const char *preloads = environment_get(environment, "LD_PRELOAD");
    struct config_variables variables = {
        .mode = environment_get(environment, "MEMOSHIM_MODE"),
        .stats = environment_get(environment, "MEMOSHIM_STATS"),
        .stats_format = environment_get(environment, "MEMOSHIM_STATS_FORMAT"),
        .stats_signal = environment_get(environment, "MEMOSHIM_STATS_SIGNAL"),
        .stats_interval = environment_get(environment, "MEMOSHIM_STATS_INTERVAL"),
        .strict = environment_get(environment, "MEMOSHIM_STRICT"),
    };

    settings->is_valgrind = preloads != NULL && strstr(preloads, "/vgpreload_") != NULL;
    settings->is_strict = variables.strict != NULL && strcmp(variables.strict, "1") == 0;
    return config_read_variables(&variables, ret_overrides, reterr);
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

void settings_complete(struct settings *settings, const struct config_overrides *overrides,
                       const struct config_stats *configured)
{
    const struct config_stats *variables = &overrides->stats;
    const char *file = variables->file != NULL ? variables->file : configured->file;

    settings->signal = variables->signal != 0 ? variables->signal : configured->signal;
    settings->interval_ns =
        variables->interval_ns != 0 ? variables->interval_ns : configured->interval_ns;
    if (file == NULL && (settings->signal != 0 || settings->interval_ns != 0)) {
        file = "stderr"; /* whoever says when wants to see them */
    }
    settings->has_mode = overrides->has_mode;
    settings->mode = overrides->mode;
    if (file != NULL) {
        settings->has_target = true;
        settings->target.path = file;
        settings->target.to_stderr = strcmp(file, "stderr") == 0;
        settings->target.format = settings->target.to_stderr ? STATS_TEXT : STATS_JSON;
    }
    if (variables->has_format) {
        settings->target.format = format_of(variables->format);
    } else if (configured->has_format && variables->file == NULL) {
        /* The configured format belongs to the configured file. */
        settings->target.format = format_of(configured->format);
    }
}

/* The pattern with the current folder in front, in which a % is a %; NULL: that cannot be told. */
static char *anchor_pattern(const char *pattern, struct arena *arena)
{
    char folder[PATH_MAX];
    size_t n_anchored = 0, n_pattern = strlen(pattern) + 1;
    int saved_errno = errno;
    char *anchored = NULL;

    /* "(unreachable)..." when the folder lies outside the root */
    if (syscall(SYS_getcwd, folder, sizeof(folder)) > 0 && folder[0] == '/') {
        anchored = arena_alloc(arena, 2 * strlen(folder) + 1 + n_pattern);
    }
    errno = saved_errno;
    if (anchored == NULL) {
        return NULL;
    }
    for (const char *at = folder; *at != '\0'; at++) {
        anchored[n_anchored++] = *at;
        if (*at == '%') {
            anchored[n_anchored++] = '%';
        }
    }
    anchored[n_anchored++] = '/';
    memcpy(anchored + n_anchored, pattern, n_pattern);
    return anchored;
}

void settings_keep_target(struct settings *settings, struct arena *arena)
{
    const char *pattern = settings->target.path;
    const char *kept = NULL;

    if (!settings->has_target) {
        return;
    }
    if (!settings->target.to_stderr && pattern[0] != '/') {
        kept = anchor_pattern(pattern, arena);
    }
    if (kept == NULL) {
        kept = arena_copy_text(arena, pattern, strlen(pattern));
    }
    if (kept != NULL) {
        settings->target.path = kept;
    }
}

enum config_mode settings_mode(const struct config_function *function)
{
    return process.settings.has_mode ? process.settings.mode : function->mode;
}
