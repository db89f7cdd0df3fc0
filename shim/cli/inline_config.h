// SPDX-License-Identifier: MIT
/* Configurations made of presets and policy keys on the command line. */
#ifndef CLI_INLINE_CONFIG_H
#define CLI_INLINE_CONFIG_H

/*
 * The configuration of n functions, each as "NAME" or "NAME:KEY=VALUE,KEY=VALUE", as JSON on one
 * line; from malloc, and the caller's. Numbers, true and false are written as they are, every other
 * value as a string; whether keys and values make sense is for the configuration's own checks. NULL
 * with *ret_problem when one of them is not written so, or (NULL as the problem) without memory.
 */
char *inline_config_make(char *const *functions, unsigned n_functions, const char **ret_problem);

#endif
