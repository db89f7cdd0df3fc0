// SPDX-License-Identifier: MIT
/* A function's settings in short. --explain says the same in sentences (facts.h). */
#include "cli/summary.h"

#include "cli/facts.h"

static const char *const mode_names[] = {
    [CONFIG_MODE_MEMOIZE] = "memoize",
    [CONFIG_MODE_OBSERVE] = "observe",
    [CONFIG_MODE_VERIFY] = "verify",
    [CONFIG_MODE_OFF] = "off",
};

static const char *const policy_names[] = {
    [CONFIG_POLICY_LRU] = "lru",         [CONFIG_POLICY_LFU] = "lfu",
    [CONFIG_POLICY_FIFO] = "fifo",       [CONFIG_POLICY_MRU] = "mru",
    [CONFIG_POLICY_RR] = "rr",           [CONFIG_POLICY_SIEVE] = "sieve",
    [CONFIG_POLICY_S3_FIFO] = "s3-fifo", [CONFIG_POLICY_W_TINYLFU] = "w-tinylfu",
    [CONFIG_POLICY_DIRECT] = "direct",
};

const char *summary_mode(const struct config_function *function)
{
    return mode_names[function->mode];
}

static const char *join(const char *text, const char *part)
{
    return text[0] == '\0' ? part : facts_format("%s, %s", text, part);
}

static const char *lives_in_short(const struct config_function *function)
{
    const struct {
        const char *name;
        uint64_t ns;
    } durations[] = {
        {"ttl", function->ttl_ns},
        {"idle_ttl", function->idle_ttl_ns},
        {"negative", function->negative_ttl_ns},
        {"stale_if_error", function->stale_for_ns},
    };
    const struct {
        const char *name;
        double number;
    } numbers[] = {
        {"ttl_jitter", function->ttl_jitter},
        {"refresh", function->refresh_early},
        {"verify_sample", function->verify_sample},
    };
    const char *text = "";

    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        if (durations[i].ns != 0) {
            text = join(text, facts_format("%s %s", durations[i].name,
                                           facts_duration_short(durations[i].ns)));
        }
    }
    if (function->has_ttl_from) {
        text = join(text, facts_format("ttl_from %s", function->ttl_from_text));
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].number > 0) {
            text = join(text, facts_format("%s %.9g", numbers[i].name, numbers[i].number));
        }
    }
    return text;
}

static const char *rules_in_short(const struct config_function *function)
{
    const char *text = "";

    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        const struct config_invalidation *rule = &function->invalidations[i];

        text = facts_format("%s%s%s%s", text, i > 0 ? " + " : "",
                            rule->kind == INVALIDATE_ON_CALL ? rule->symbol : rule->file,
                            rule->kind == INVALIDATE_ON_CALL ? "()" : "");
    }
    return text;
}

static const char *callers_in_short(const struct config_function *function)
{
    const char *text = "";

    for (uint32_t i = 0; i < function->n_callers; i++) {
        text = facts_format("%s%s%s", text, i > 0 ? " + " : "", function->callers[i]);
    }
    return text;
}

const char *summary_text(const struct config_function *function)
{
    const char *text = facts_format(
        "%s, %s, %llu entries, %s", mode_names[function->mode], policy_names[function->policy],
        (unsigned long long)function->max_entries, facts_size(function->max_bytes));
    const char *lives = lives_in_short(function);

    text = lives[0] != '\0' ? join(text, lives) : text;
    if (function->n_inputs > 0) {
        text = join(text, facts_format("key_also %s", facts_inputs(function, " + ")));
    }
    if (function->has_instances) {
        text = join(text,
                    facts_format("per_instance %s (%u)",
                                 function->prototype.parameters[function->instance_parameter].name,
                                 function->max_instances));
    }
    if (function->n_invalidations > 0) {
        text = join(text, facts_format("invalidate %s", rules_in_short(function)));
    }
    if (function->library != NULL) {
        text = join(text, facts_format("library %s", function->library));
    }
    if (function->n_callers > 0) {
        text = join(text, facts_format("callers %s", callers_in_short(function)));
    }
    if (function->shards != 0) {
        text = join(text, facts_format("shards %u", function->shards));
    }
    if (!function->single_flight) {
        text = join(text, "no single_flight");
    } else if (function->single_flight_timeout_ns != 0) {
        text = join(text, facts_format("single_flight_timeout %s",
                                       facts_duration_short(function->single_flight_timeout_ns)));
    }
    return function->from_preset ? facts_format("%s (preset)", text) : text;
}
