// SPDX-License-Identifier: MIT
/* Whether a finished call may be kept: the conditions of the configuration, evaluated. */
#ifndef CALL_ADMISSION_H
#define CALL_ADMISSION_H

#include "config/config.h"
#include <stdbool.h>

/*
 * Whether every comparison of the condition holds for this finished call. NULL text equals
 * nothing; a comparison that reads through a NULL pointer does not hold.
 */
bool admission_holds(const struct config_condition *condition,
                     const struct config_function *function, void *const *arguments,
                     const void *result);

/* What the finished call gave there, as a number. False: it is none, or there is nothing. */
bool admission_number(const struct condition_operand *operand,
                      const struct config_function *function, void *const *arguments,
                      const void *result, long double *ret_number);

#endif
