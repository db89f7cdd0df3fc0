// SPDX-License-Identifier: MIT
/* What memoshim check says of each function without a program. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "config/config.h"

/* All that is configured, on one line of words and numbers: what is the default is left out, but
 * for mode, policy and bounds. */
const char *summary_text(const struct config_function *function);

/* The mode as the configuration writes it. */
const char *summary_mode(const struct config_function *function);

#endif
