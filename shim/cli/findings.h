// SPDX-License-Identifier: MIT
/*
 * What the shim found in a process that was started to be asked (shim/check.c), taken out of the
 * text that came. Whoever wrote that is not trusted: what is not exactly as it must be is refused
 * as a whole, and text from it may hold anything but NUL.
 */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "config/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum finding_role {
    FINDING_ORDINARY,
    FINDING_MEMOSHIM,
    FINDING_LOADER,
    FINDING_VDSO,
};

struct finding_object {
    enum finding_role role;
    const char *library, *path;
};

/* An object's slots, by kind; those that could not be redirected last. */
struct finding_importer {
    const char *library, *path;
    uint64_t plt, got, pointers, copied, unaligned, sealed;
};

/* A name of the same code, and the slots that lead to it by that name. */
struct finding_alias {
    const char *name;
    uint64_t n_slots;
};

/* Something else that has the name of a function that was not found. */
struct finding_namesake {
    enum finding_role role; /* of the object */
    bool is_hidden, is_data;
    const char *library, *path;
    const char *version; /* or NULL */
};

enum finding_state {
    FINDING_HOOKED,
    FINDING_SPARE,   /* another definition of the function is used */
    FINDING_PENDING, /* nothing defines it */
    FINDING_REFUSED,
    FINDING_OFF,
};

/* One definition of a configured function, or that there is none. */
struct finding_hook {
    const struct config_function *function;
    const char *name; /* as statistics show it */
    enum finding_state state;
    const char *problem; /* or NULL */

    const char *library, *path; /* of FINDING_HOOKED and FINDING_SPARE, as what follows */
    const char *version;        /* or NULL */
    bool is_default, is_ifunc, is_protected, is_symbolic;
    uint64_t n_slots;
    const char *unexported; /* why later objects are not bound to it; NULL: they are */
    const struct finding_importer *importers;
    size_t n_importers;
    const struct finding_alias *names; /* that are hooked; none: just the configured one */
    size_t n_names;
    const struct finding_alias *aliases; /* that are not */
    size_t n_aliases;

    const struct finding_namesake *namesakes; /* of FINDING_PENDING */
    size_t n_namesakes;
};

enum finding_outcome {
    FINDINGS_STARTED,
    FINDINGS_NO_CONFIGURATION,
    FINDINGS_BAD_CONFIGURATION,
    FINDINGS_FAILED,
};

struct findings {
    enum finding_outcome outcome;
    const char *error;                    /* of FINDINGS_FAILED */
    bool is_late;                         /* other constructors have run before memoshim's */
    const struct finding_object *objects; /* in the order of the scope, the program first */
    size_t n_objects;
    const struct finding_hook *hooks;
    size_t n_hooks;
};

/*
 * Reads text[0..n_bytes], which ends with a NUL and is written to. What is found points into it.
 * False when it is not an answer about functions of this model, or without memory.
 */
bool findings_read(char *text, size_t n_bytes, const struct config_model *model,
                   struct config_memory memory, struct findings *ret_findings);

#endif
