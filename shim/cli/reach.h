// SPDX-License-Identifier: MIT
/*
 * What the findings mean for whoever wrote the configuration: of each function whether its calls
 * are seen, what is not seen, why, and what would change that.
 */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "cli/findings.h"
#include "config/config.h"

enum verdict {
    VERDICT_HOOKED,
    VERDICT_PARTLY,  /* some slots could not be redirected */
    VERDICT_UNUSED,  /* nothing that is loaded at start calls it */
    VERDICT_PENDING, /* nothing that is loaded at start defines it */
    VERDICT_REFUSED,
    VERDICT_OFF,
};

/* A sentence without full stop; hint: the way out, or NULL. code: for scripts. */
struct remark {
    const struct finding_hook *hook; /* that it is about; NULL: the function */
    const char *code, *text, *hint;
};

struct reach_function {
    const struct config_function *function;
    enum verdict verdict;
    const char *readable;              /* a C++ name as it was written, or NULL */
    const struct finding_hook **hooks; /* its definitions, those that are used first */
    size_t n_hooks;
    struct remark *remarks;
    size_t n_remarks;
};

struct reach {
    struct reach_function *functions; /* in the order of the model */
    size_t n_functions;
    size_t n_hooked, n_off; /* of them */
};

/* Looks into the files of the objects for what nothing defines. False without memory. */
bool reach_conclude(const struct config_model *model, const struct findings *findings,
                    struct config_memory memory, struct reach *ret_reach);

/* As scripts and people read it: "hooked", "partly", "unused", "pending", "refused", "off". */
const char *verdict_name(enum verdict verdict);

#endif
