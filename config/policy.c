// SPDX-License-Identifier: MIT
/*
 * Reads the policy keys, which may stand in an entry of `functions`, in its preset, and in
 * `defaults`; the caller applies them in the order that lets the nearer one win.
 */
#include "config/language.h"

#include <string.h>

#define DEFAULT_MAX_ENTRIES   4096
#define DEFAULT_MAX_BYTES     (UINT64_C(64) << 20)
#define MAX_MAX_ENTRIES       (UINT64_C(1) << 31)
#define DEFAULT_MAX_INSTANCES 1024
#define MAX_SHARDS            1024

void policy_init(struct config_function *function)
{
    function->mode = CONFIG_MODE_MEMOIZE;
    function->policy = CONFIG_POLICY_LRU;
    function->max_entries = DEFAULT_MAX_ENTRIES;
    function->max_bytes = DEFAULT_MAX_BYTES;
    function->single_flight = true;
    function->guard = true;
    function->max_instances = DEFAULT_MAX_INSTANCES;
}

static void read_bool(struct workspace *work, const struct value *value, bool *ret)
{
    if (value != NULL && value_expect(work, value, VALUE_BOOL, "true or false")) {
        *ret = value->is_true;
    }
}

static void read_library(struct workspace *work, const struct value *value,
                         struct config_function *function)
{
    if (!value_expect(work, value, VALUE_STRING, "a string")) {
        return;
    }
    if (value->source.text[0] == '\0' || strchr(value->source.text, '/') != NULL) {
        REPORT(work->list, value->source.place, LIBRARY_PATH, value->source.text);
        return;
    }
    function->library = value->source.text;
}

static void read_callers(struct workspace *work, const struct value *list,
                         struct config_function *function)
{
    const char **patterns;
    uint32_t n_patterns = 0;

    if (!value_expect(work, list, VALUE_ARRAY, "a list of strings")) {
        return;
    }
    if (list->n_children == 0) {
        REPORT(work->list, list->source.place, EMPTY_LIST, value_name(work, list));
        return;
    }
    if (list->n_children > CONFIG_MAX_CALLERS) {
        REPORT(work->list, list->source.place, TOO_MANY_CALLERS,
               work_number(work, CONFIG_MAX_CALLERS));
        return;
    }
    patterns = work_alloc(work, list->n_children * sizeof(patterns[0]));
    for (const struct value *child = list->first; child != NULL; child = child->next) {
        if (!value_expect(work, child, VALUE_STRING, "the name of an object")) {
            continue;
        }
        if (child->source.text[0] == '\0' || strchr(child->source.text, '/') != NULL) {
            REPORT(work->list, child->source.place, CALLER_PATH, child->source.text);
            continue;
        }
        patterns[n_patterns++] = child->source.text;
    }
    function->callers = patterns;
    function->n_callers = n_patterns;
}

void policy_read(struct workspace *work, const struct value *object,
                 struct config_function *function)
{
    const struct value *value;
    uint64_t number;
    int word;

    if ((value = value_find(object, "library")) != NULL) {
        read_library(work, value, function);
    }
    if ((value = value_find(object, "callers")) != NULL) {
        read_callers(work, value, function);
    }
    if ((value = value_find(object, "mode")) != NULL && word_read(work, value, WORDS_MODE, &word)) {
        function->mode = word;
    }
    if ((value = value_find(object, "policy")) != NULL &&
        word_read(work, value, WORDS_POLICY, &word)) {
        function->policy = word;
    }
    if ((value = value_find(object, "max_entries")) != NULL) {
        units_read_integer(work, value, 1, MAX_MAX_ENTRIES, &function->max_entries);
    }
    if ((value = value_find(object, "max_bytes")) != NULL) {
        units_read_size(work, value, &function->max_bytes);
    }
    if ((value = value_find(object, "ttl")) != NULL) {
        units_read_duration(work, value, &function->ttl_ns);
    }
    if ((value = value_find(object, "shards")) != NULL &&
        units_read_integer(work, value, 1, MAX_SHARDS, &number)) {
        function->shards = (uint32_t)number;
    }
    if ((value = value_find(object, "verify_sample")) != NULL) {
        units_read_share(work, value, &function->verify_sample);
    }
    lives_read(work, object, function);
    if ((value = value_find(object, "max_instances")) != NULL &&
        units_read_integer(work, value, 1, CONFIG_MAX_INSTANCES, &number)) {
        function->max_instances = (uint32_t)number;
    }
    read_bool(work, value_find(object, "single_flight"), &function->single_flight);
    read_bool(work, value_find(object, "guard"), &function->guard);
    if ((value = value_find(object, "single_flight_timeout")) != NULL) {
        units_read_duration(work, value, &function->single_flight_timeout_ns);
    }
}
