// SPDX-License-Identifier: MIT
/*
 * Looks things up in the tree of values, and finds keys that stand twice in one object. Reads the
 * tree only.
 */
#include "config/value.h"

#include <string.h>

const struct value *value_find(const struct value *object, const char *key)
{
    if (object == NULL || object->kind != VALUE_OBJECT) {
        return NULL;
    }
    for (const struct value *child = object->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

const char *value_kind_text(const struct value *value)
{
    static const char *const texts[] = {
        [VALUE_NULL] = "null",       [VALUE_BOOL] = "true or false", [VALUE_NUMBER] = "a number",
        [VALUE_STRING] = "a string", [VALUE_ARRAY] = "an array",     [VALUE_OBJECT] = "an object",
    };

    return texts[value->kind];
}

const char *value_name(struct workspace *work, const struct value *value)
{
    return value->key != NULL ? work_join(work, "'", value->key, "'") : "this value";
}

bool value_expect(struct workspace *work, const struct value *value, enum value_kind kind,
                  const char *wanted)
{
    if (value->kind == kind) {
        return true;
    }
    REPORT(work->list, value->source.place, WRONG_KIND, value_name(work, value), wanted,
           value_kind_text(value));
    return false;
}

/* FNV-1a: small and good enough for keys that their author wrote by hand. */
static uint64_t hash_key(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
    }
    return hash;
}

void value_report_duplicates(struct workspace *work, const struct value *object)
{
    const struct value **slots;
    uint32_t n_slots = 4;

    while (n_slots < object->n_children * 2) {
        n_slots *= 2;
    }
    slots = work_alloc(work, n_slots * sizeof(slots[0]));
    for (const struct value *child = object->first; child != NULL; child = child->next) {
        uint32_t at = (uint32_t)hash_key(child->key) & (n_slots - 1);

        while (slots[at] != NULL && strcmp(slots[at]->key, child->key) != 0) {
            at = (at + 1) & (n_slots - 1);
        }
        if (slots[at] != NULL) {
            REPORT(work->list, child->key_place, DUPLICATE_KEY, child->key,
                   work_number(work, slots[at]->key_place.line));
        } else {
            slots[at] = child;
        }
    }
}
