// SPDX-License-Identifier: MIT
/*
 * The table of presets as it is generated: offsets into one text, so that a process in which no
 * preset is read has nothing to relocate, and no page of it to copy.
 */
#ifndef CONFIG_PRESET_TABLE_H
#define CONFIG_PRESET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* As struct config_preset. 0: NULL. */
struct preset_row {
    uint32_t name, text, header, note, types, fields, aliases;
    bool needs_ttl;
};

extern const struct preset_row preset_rows[];
extern const char preset_texts[];

#endif
