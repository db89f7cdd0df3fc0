// SPDX-License-Identifier: MIT
/*
 * When a result is stored, how long it lives, what drops it, who computes it, and for which calls:
 * what is said of a function beside its descriptions.
 */
#include "cli/facts.h"

static const char *per_cent(double share)
{
    return facts_format("%.9g", share * 100);
}

/* Entries may end by themselves. */
static bool has_end(const struct config_function *function)
{
    return function->ttl_ns != 0 || function->has_ttl_from || function->negative_ttl_ns != 0;
}

/* In the order in which it is asked (call/life.c). */
static void add_stored(struct facts *facts)
{
    const struct config_function *function = facts->function;

    if (function->mode == CONFIG_MODE_OFF) {
        ADD_FACT(facts, nothing_stored, NULL, NULL);
        return;
    }
    if (!function->captures_errno) {
        ADD_FACT(facts, not_if_errno, NULL, NULL);
    }
    if (facts_uses_float(function)) {
        ADD_FACT(facts, not_if_raised, NULL, NULL);
    }
    if (function->negative_ttl_ns != 0) {
        ADD_FACT(facts, negative, NULL, function->negative_if.text,
                 facts_duration(function->negative_ttl_ns));
    }
    if (function->unless.n_comparisons > 0) {
        ADD_FACT(facts, unless, NULL, function->unless.text);
    }
    if (function->store_if.n_comparisons > 0) {
        ADD_FACT(facts, store_if, NULL, function->store_if.text);
    }
    if (function->has_ttl_from) {
        ADD_FACT(facts, not_if_no_life, NULL, function->ttl_from_text);
    }
    if (function->n_inputs > 0) {
        ADD_FACT(facts, not_if_changed, NULL, facts_inputs(function, "' or '"));
    }
    if (function->n_invalidations > 0) {
        ADD_FACT(facts, not_if_outdated, NULL, NULL);
    }
    ADD_FACT(facts, not_if_large, NULL, facts_size(function->max_bytes));
    if (function->store_if.n_comparisons == 0) {
        ADD_FACT(facts, all_stored, NULL, NULL);
    }
}

static void add_life(struct facts *facts)
{
    const struct config_function *function = facts->function;
    int n_lives = (function->ttl_ns != 0) + (function->idle_ttl_ns != 0) + function->has_ttl_from +
                  (function->negative_ttl_ns != 0);

    if (function->ttl_ns != 0) {
        ADD_FACT(facts, ttl, "ttl", facts_duration(function->ttl_ns));
    }
    if (function->has_ttl_from) {
        ADD_FACT(facts, ttl_from, "ttl_from", function->ttl_from_text);
    }
    if (function->negative_ttl_ns != 0) {
        ADD_FACT(facts, negative_ttl, "negative", facts_duration(function->negative_ttl_ns),
                 function->negative_if.text);
    }
    if (function->ttl_jitter > 0 && has_end(function)) {
        ADD_FACT(facts, jitter, "ttl_jitter", per_cent(function->ttl_jitter));
    }
    if (function->idle_ttl_ns != 0) {
        ADD_FACT(facts, idle_ttl, "idle_ttl", facts_duration(function->idle_ttl_ns));
    }
    if (n_lives > 1) {
        ADD_FACT(facts, shortest, NULL, NULL);
    } else if (n_lives == 0) {
        ADD_FACT(facts, no_end, NULL, NULL);
    } else if (function->negative_ttl_ns != 0) {
        ADD_FACT(facts, no_end, "otherwise", NULL);
    }
    if (function->stale_for_ns != 0) {
        ADD_FACT(facts, stale, "stale_if_error", function->stale_if.text,
                 facts_duration(function->stale_for_ns));
    }
    if (function->refresh_early > 0) {
        ADD_FACT(facts, refresh, "refresh", facts_format("%.9g", function->refresh_early));
    }
}

/* ---- what drops it --------------------------------------------------------------------------- */

static const char *const victims[] = {
    [CONFIG_POLICY_LRU] = "the least recently used",
    [CONFIG_POLICY_LFU] = "the least often used, of several the one that came first,",
    [CONFIG_POLICY_FIFO] = "the one that came first",
    [CONFIG_POLICY_MRU] = "the most recently used",
    [CONFIG_POLICY_RR] = "one drawn at random",
    [CONFIG_POLICY_SIEVE] = "the first in order of arrival that was not used since it was spared",
    [CONFIG_POLICY_S3_FIFO] = "a new one that was not used again, or an old one that no longer is,",
    [CONFIG_POLICY_W_TINYLFU] = "of a new and an old one the one that was seen less often",
    [CONFIG_POLICY_DIRECT] =
        "who has the place of the new one, even while there is room elsewhere,",
};

/* "'db' is that call's 'conn' and ..." */
static const char *matches_in_words(const struct config_function *function,
                                    const struct config_invalidation *rule)
{
    const char *text = "";

    for (uint32_t i = 0; i < rule->n_matches; i++) {
        text = facts_format("%s%s'%s' is that call's '%s'", text, i > 0 ? " and whose " : "",
                            function->prototype.parameters[rule->matches[i].ours].name,
                            rule->prototype.parameters[rule->matches[i].theirs].name);
    }
    return text;
}

static void add_rule(struct facts *facts, const struct config_invalidation *rule)
{
    const char *named = rule->kind != INVALIDATE_ON_CALL ? NULL
                        : rule->version == NULL
                            ? rule->symbol
                            : facts_format("%s@%s", rule->symbol, rule->version);

    if (rule->kind == INVALIDATE_ON_CALL && rule->n_matches == 0) {
        ADD_FACT(facts, dropped_by_call, NULL, named);
    } else if (rule->kind == INVALIDATE_ON_CALL) {
        ADD_FACT(facts, dropped_by_match, NULL, named, matches_in_words(facts->function, rule));
    } else if (rule->check_every_ns != 0) {
        ADD_FACT(facts, dropped_by_file_at_times, NULL, rule->file,
                 facts_duration(rule->check_every_ns));
    } else {
        ADD_FACT(facts, dropped_by_file, NULL, rule->file);
    }
}

static void add_dropped(struct facts *facts)
{
    const struct config_function *function = facts->function;

    for (uint32_t i = 0; i < function->n_invalidations; i++) {
        add_rule(facts, &function->invalidations[i]);
    }
    ADD_FACT(facts, bounds, NULL,
             facts_format("%llu entries", (unsigned long long)function->max_entries),
             facts_size(function->max_bytes), victims[function->policy]);
    if (has_end(function) || function->idle_ttl_ns != 0) {
        ADD_FACT(facts, expired_first, NULL, NULL);
    }
    if (function->has_instances) {
        ADD_FACT(facts, instances, "per_instance",
                 function->prototype.parameters[function->instance_parameter].name,
                 facts_format("%u", function->max_instances));
    }
    if (function->n_invalidations == 0) {
        ADD_FACT(facts, not_dropped, NULL, NULL);
    }
}

/* ---- who computes, and for which calls ------------------------------------------------------- */

static void add_together(struct facts *facts)
{
    const struct config_function *function = facts->function;

    if (!function->single_flight) {
        ADD_FACT(facts, each_computes, NULL, NULL);
        return;
    }
    ADD_FACT(facts, one_computes, NULL, NULL);
    if (function->single_flight_timeout_ns != 0) {
        ADD_FACT(facts, waits_bounded, NULL, facts_duration(function->single_flight_timeout_ns));
    } else {
        ADD_FACT(facts, waits_measured, NULL, NULL);
    }
}

static void add_mode(struct facts *facts)
{
    const struct config_function *function = facts->function;

    switch (function->mode) {
    case CONFIG_MODE_OFF:
        ADD_FACT(facts, is_off, NULL, NULL);
        return;
    case CONFIG_MODE_OBSERVE:
        ADD_FACT(facts, observes, NULL, NULL);
        return;
    case CONFIG_MODE_VERIFY:
        ADD_FACT(facts, verifies, NULL, NULL);
        return;
    case CONFIG_MODE_MEMOIZE:
        break;
    }
    ADD_FACT(facts, memoizes, NULL, NULL);
    if (function->verify_sample > 0) {
        ADD_FACT(facts, samples, "verify_sample", per_cent(function->verify_sample));
    }
}

static void add_calls(struct facts *facts)
{
    const struct config_function *function = facts->function;
    const char *callers = "";

    if (function->library != NULL) {
        ADD_FACT(facts, one_provider, "library", function->named, function->library);
    } else {
        ADD_FACT(facts, any_provider, NULL, function->named);
    }
    for (uint32_t i = 0; i < function->n_callers; i++) {
        callers = facts_format("%s%s%s", callers, i > 0 ? ", " : "", function->callers[i]);
    }
    if (function->n_callers > 0) {
        ADD_FACT(facts, some_callers, "callers", callers);
    } else {
        ADD_FACT(facts, any_caller, NULL, NULL);
    }
    if (facts_names_files(function)) {
        ADD_FACT(facts, settled, NULL, NULL);
    }
    if (facts_uses_float(function) && !function->keys_rounding) {
        ADD_FACT(facts, float_mode, NULL, NULL);
    }
}

void facts_add_life(struct facts *facts)
{
    add_stored(facts);
    add_life(facts);
    add_dropped(facts);
    add_together(facts);
    add_mode(facts);
    add_calls(facts);
}
