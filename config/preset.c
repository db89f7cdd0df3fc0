// SPDX-License-Identifier: MIT
/*
 * What memoshim knows of functions by itself: the presets, and the functions that must not be
 * remembered. The table of presets is generated from presets/ when memoshim is built; this reads
 * the one that an entry takes.
 */
#include "config/preset_table.h"
#include "config/shape.h"

#include <string.h>

enum refused_when {
    BARE,
    ALWAYS
};

static const struct {
    const char *name;
    enum refused_when when;
    const char *reason, *hint;
} refused[] = {
#define REFUSED(name, when, reason, hint) {name, when, reason, hint},
#include "config/refused.def"
#undef REFUSED
};

static const char *text_at(uint32_t offset)
{
    return offset == 0 ? NULL : preset_texts + offset;
}

struct config_preset config_preset_at(uint32_t i)
{
    const struct preset_row *row = &preset_rows[i];

    return (struct config_preset){
        .name = text_at(row->name),
        .text = text_at(row->text),
        .header = text_at(row->header),
        .note = text_at(row->note),
        .types = text_at(row->types),
        .fields = text_at(row->fields),
        .aliases = text_at(row->aliases),
        .needs_ttl = row->needs_ttl,
    };
}

static bool find_alias(const char *name, struct config_preset *ret_preset)
{
    for (uint32_t i = 0; i < config_n_presets; i++) {
        const char *alias = text_at(preset_rows[i].aliases);

        for (; alias != NULL && *alias != '\0'; alias += strlen(alias) + 1) {
            if (strcmp(alias, name) == 0) {
                *ret_preset = config_preset_at(i);
                return true;
            }
        }
    }
    return false;
}

bool config_preset_find(const char *name, struct config_preset *ret_preset)
{
    uint32_t begin = 0, end = config_n_presets;

    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        int order = strcmp(name, text_at(preset_rows[middle].name));

        if (order == 0) {
            *ret_preset = config_preset_at(middle);
            return true;
        }
        if (order < 0) {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    return find_alias(name, ret_preset);
}

bool preset_allows(struct workspace *work, const struct value *given, const char *symbol)
{
    bool is_bare = value_find(given, "prototype") == NULL;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (strcmp(refused[i].name, symbol) == 0 && (is_bare || refused[i].when == ALWAYS)) {
            return REPORT(work->list, given->key_place, FUNCTION_REFUSED, symbol, refused[i].reason,
                          refused[i].hint);
        }
    }
    return true;
}

static void report_unknown(struct workspace *work, struct place place, const char *symbol)
{
    const char **names = work_alloc(work, config_n_presets * sizeof(names[0]));

    for (uint32_t i = 0; i < config_n_presets; i++) {
        names[i] = text_at(preset_rows[i].name);
    }
    names[0] = words_nearest(symbol, names, config_n_presets);
    REPORT(work->list, place, NO_PRESET, symbol,
           names[0] != NULL ? work_join(work, ", or did you mean '", names[0], "'?") : "");
}

bool preset_read(struct workspace *work, const struct value *given, const struct value *defaults,
                 const char *symbol, const struct value **ret,
                 const struct fields_table **ret_fields)
{
    struct config_preset preset;
    const struct place *place = &given->key_place;
    const struct value *types = NULL, *fields = NULL;

    if (!config_preset_find(symbol, &preset)) {
        report_unknown(work, *place, symbol);
        return false;
    }
    if (preset.needs_ttl && value_find(given, "ttl") == NULL &&
        value_find(defaults, "ttl") == NULL) {
        REPORT(work->list, *place, PRESET_NEEDS_TTL, symbol);
    }
    if (preset.types != NULL) {
        if (value_read(work, place->file, preset.types, strlen(preset.types), place, &types) != 0) {
            return false;
        }
        work->preset = symbol;
        types_read(work, types);
        work->preset = NULL;
    }
    if (preset.fields != NULL &&
        (value_read(work, place->file, preset.fields, strlen(preset.fields), place, &fields) != 0 ||
         !fields_open(work, fields, ret_fields))) {
        return false;
    }
    return value_read(work, place->file, preset.text, strlen(preset.text), place, ret) == 0;
}
