// SPDX-License-Identifier: MIT
/*
 * Reads the keys that give entries a life, or another one: idle_ttl, ttl_from, ttl_jitter,
 * negative, stale_if_error, refresh; and seed. What they say of a function's result is read when
 * its prototype is known, wherever they stand; the nearest of each counts, as a whole.
 */
#include "config/language.h"

#include <stdlib.h>
#include <string.h>

#define MAX_EARLY 1000.0                    /* of which 1 is the optimum */
#define MAX_SEED  ((UINT64_C(1) << 53) - 1) /* every JSON parser keeps it exactly */

/* A member that must be there. */
static const struct value *find_member(struct workspace *work, const struct value *object,
                                       const char *key, const char *example)
{
    const struct value *member = value_find(object, key);

    if (member == NULL) {
        REPORT(work->list, object->source.place, MEMBER_MISSING, value_name(work, object), key,
               example);
    }
    return member;
}

static void read_outcome(struct workspace *work, const struct value *object, enum key_place place,
                         const char *duration_key, const char *example, uint64_t *ret_ns)
{
    const struct value *duration;

    if (!value_expect(work, object, VALUE_OBJECT, "an object")) {
        return;
    }
    keys_check(work, object, place);
    find_member(work, object, "if", example);
    duration = find_member(work, object, duration_key, example);
    if (duration != NULL) {
        units_read_duration(work, duration, ret_ns);
    }
}

static void read_refresh(struct workspace *work, const struct value *object,
                         struct config_function *function)
{
    const struct value *early;
    double number;

    if (!value_expect(work, object, VALUE_OBJECT, "an object")) {
        return;
    }
    keys_check(work, object, IN_REFRESH);
    early = find_member(work, object, "early", "{ \"early\": 1.0 }");
    if (early == NULL || !value_expect(work, early, VALUE_NUMBER, "a number")) {
        return;
    }
    number = strtod(early->source.text, NULL);
    if (!(number >= 1 / MAX_EARLY && number <= MAX_EARLY)) {
        REPORT(work->list, early->source.place, EARLY_RANGE, early->source.text);
        return;
    }
    function->refresh_early = number;
}

void lives_read(struct workspace *work, const struct value *object,
                struct config_function *function)
{
    const struct value *value;

    if ((value = value_find(object, "idle_ttl")) != NULL) {
        units_read_duration(work, value, &function->idle_ttl_ns);
    }
    if ((value = value_find(object, "ttl_jitter")) != NULL &&
        units_read_share(work, value, &function->ttl_jitter) && function->ttl_jitter >= 1) {
        REPORT(work->list, value->source.place, JITTER_OF_ALL);
    }
    if ((value = value_find(object, "negative")) != NULL) {
        read_outcome(work, value, IN_NEGATIVE, "ttl",
                     "{ \"if\": \"return == NULL\", \"ttl\": \"5s\" }", &function->negative_ttl_ns);
    }
    if ((value = value_find(object, "stale_if_error")) != NULL) {
        read_outcome(work, value, IN_STALE, "for", "{ \"if\": \"return != 0\", \"for\": \"10m\" }",
                     &function->stale_for_ns);
    }
    if ((value = value_find(object, "refresh")) != NULL) {
        read_refresh(work, value, function);
    }
    if ((value = value_find(object, "seed")) != NULL) {
        function->has_seed = units_read_integer(work, value, 0, MAX_SEED, &function->seed);
    }
}

/* The nearest of the objects that has the key says. */
static const struct value *find_nearest(const struct value *const *objects, const char *key)
{
    const struct value *value = NULL;

    for (int i = 0; i < LIVES_N_OBJECTS && value == NULL; i++) {
        value = value_find(objects[i], key);
    }
    return value;
}

static void read_condition(struct workspace *work, const struct value *object,
                           const struct condition_scope *scope, struct config_condition *ret)
{
    const struct value *condition = value_find(object, "if");

    if (condition != NULL) {
        condition_read(work, condition, scope, ret);
    }
}

/* What contradicts itself once all is read, if the entry itself says so: defaults are for many. */
static void check_lives(struct workspace *work, const struct value *given,
                        const struct config_function *function)
{
    const struct value *value;
    bool has_end =
        function->ttl_ns != 0 || function->has_ttl_from || function->negative_ttl_ns != 0;

    if ((value = value_find(given, "ttl_jitter")) != NULL && !has_end && function->ttl_jitter > 0) {
        REPORT(work->list, value->key_place, NO_LIFE, value->key, "");
    }
    if ((value = value_find(given, "refresh")) != NULL && !has_end) {
        REPORT(work->list, value->key_place, NO_LIFE, value->key, "");
    }
    if ((value = value_find(given, "stale_if_error")) != NULL && !has_end &&
        function->idle_ttl_ns == 0) {
        REPORT(work->list, value->key_place, NO_LIFE, value->key, ", 'idle_ttl'");
    }
    if ((value = value_find(given, "idle_ttl")) != NULL && function->ttl_ns != 0 &&
        function->idle_ttl_ns >= function->ttl_ns) {
        REPORT(work->list, value->source.place, LIFE_WITHOUT_EFFECT, "'idle_ttl'");
    }
    if ((value = value_find(value_find(given, "negative"), "ttl")) != NULL &&
        function->ttl_ns != 0 && function->negative_ttl_ns > function->ttl_ns) {
        REPORT(work->list, value->source.place, LIFE_WITHOUT_EFFECT, "the 'ttl' of 'negative'");
    }
}

void lives_read_result(struct workspace *work, const struct value *const *objects,
                       const struct condition_scope *scope, struct config_function *function)
{
    const struct value *ttl_from = find_nearest(objects, "ttl_from");
    struct condition_scope kept = *scope;

    /* Defaults are for many. */
    kept.needs_errno = !function->captures_errno && value_find(objects[0], "negative") != NULL;
    read_condition(work, find_nearest(objects, "negative"), &kept, &function->negative_if);
    read_condition(work, find_nearest(objects, "stale_if_error"), scope, &function->stale_if);
    if (ttl_from != NULL) {
        kept.is_tested = function->store_if.n_comparisons != 0;
        condition_read_number(work, ttl_from, &kept, &function->ttl_from);
        function->ttl_from_text = ttl_from->source.text;
        function->has_ttl_from = true;
    }
    check_lives(work, objects[0], function);
}
