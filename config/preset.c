// SPDX-License-Identifier: MIT
/* Finds a preset by name. The table is generated from presets/ when memoshim is built. */
#include "config/config.h"

#include <string.h>

const struct config_preset *config_preset_find(const char *name)
{
    uint32_t begin = 0, end = config_n_presets;

    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        int order = strcmp(name, config_presets[middle].name);

        if (order == 0) {
            return &config_presets[middle];
        }
        if (order < 0) {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    return NULL;
}
