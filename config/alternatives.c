// SPDX-License-Identifier: MIT
/*
 * Reads alternatives: [ D1, D2 ], each with an `if` on the arguments, the first of which holds.
 * Only the last may be without one, and then it is what holds otherwise. The conditions are read
 * when all descriptions are known.
 */
#include "config/shape.h"

#include <string.h>

/* The text of an `if`, to compare; NULL: there is none, or it is a list. */
static const char *condition_text(const struct value *value)
{
    const struct value *condition = value_find(value, "if");

    return condition != NULL && condition->kind == VALUE_STRING ? condition->source.text : NULL;
}

/* Whether one of those before it holds whenever this one does. */
static bool is_unreachable(const struct value *list, const struct value *alternative)
{
    const char *text = condition_text(alternative);

    for (const struct value *at = list->first; at != alternative; at = at->next) {
        const char *other = condition_text(at);

        if (value_find(at, "if") == NULL ||
            (text != NULL && other != NULL && strcmp(text, other) == 0)) {
            return true;
        }
    }
    return false;
}

static bool check_list(struct workspace *work, const struct value *list)
{
    bool is_good = true;

    if (list->n_children == 0) {
        return REPORT(work->list, list->source.place, EMPTY_LIST, value_name(work, list));
    }
    if (list->n_children > CONFIG_MAX_ALTERNATIVES) {
        return REPORT(work->list, list->source.place, ALTERNATIVES_MANY,
                      work_number(work, CONFIG_MAX_ALTERNATIVES));
    }
    for (const struct value *value = list->first; value != NULL; value = value->next) {
        if (value->kind == VALUE_ARRAY) {
            is_good = REPORT(work->list, value->source.place, ALTERNATIVES_WITHIN);
        } else if (is_unreachable(list, value)) {
            is_good = REPORT(work->list, value->source.place, ALTERNATIVE_UNREACHABLE);
        }
    }
    return is_good;
}

bool shape_read_alternatives(struct shape_scope *scope, const struct value *value,
                             uint32_t parameter, shape_read_one_fn read_one,
                             struct config_description *ret)
{
    struct config_description *alternatives, *at;
    bool is_good = check_list(scope->work, value);

    if (!is_good) {
        return false;
    }
    at = alternatives = work_alloc(scope->work, value->n_children * sizeof(alternatives[0]));
    for (const struct value *child = value->first; child != NULL; child = child->next, at++) {
        is_good &= read_one(scope, child, parameter, at);
        if (at->kind == DESCRIBE_STORAGE) {
            is_good = REPORT(scope->work->list, child->source.place, STORAGE_ALTERNATIVE);
        }
        claims_add_condition(scope, value_find(child, "if"), &at->condition, CLAIM_IF);
    }
    *ret = (struct config_description){.kind = DESCRIBE_ALTERNATIVES,
                                       .alternatives = alternatives,
                                       .n_alternatives = value->n_children};
    return is_good;
}

bool shape_any(const struct config_description *description,
               bool (*is_so)(const struct config_description *description))
{
    for (uint32_t i = 0; i < description->n_alternatives; i++) {
        if (is_so(&description->alternatives[i])) {
            return true;
        }
    }
    return is_so(description);
}
