// SPDX-License-Identifier: MIT
/* memoshim check --explain FUNCTION. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "config/config.h"
#include <stdbool.h>

/* The function that the configuration names so. False after a complaint with the nearest name. */
bool explain_find(const struct config_model *model, const char *name,
                  const struct config_function **ret_function);

/* On stdout, at most 80 columns wide where words allow it. */
void explain_print_text(const struct config_function *function);

/* The same as one JSON object, without a line end. */
void explain_print_json(const struct config_function *function);

#endif
