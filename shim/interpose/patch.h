// SPDX-License-Identifier: MIT
/*
 * One walk over slots, as apply, revert and restore make it over all objects and later.c over those
 * that are new. The caller holds the patch lock from patch_try_lock to patch_unlock.
 */
#ifndef INTERPOSE_PATCH_H
#define INTERPOSE_PATCH_H

#include "interpose/bindings.h"
#include "interpose/callers.h"
#include "interpose/objects.h"
#include "interpose/slots.h"

struct pass {
    struct interpose_binding *bindings; /* NULL: all that are active */
    size_t n_bindings;
    bool is_revert;              /* replacement to original, else original to replacement */
    bool is_later;               /* at objects that came after the start */
    const struct object *object; /* the one at hand, if it is of the start */
    struct filter names, values;
    bool has_callers;           /* some binding is not for all objects */
    struct caller_names caller; /* if so: the object at hand */
    bool is_counted;            /* the object at hand is */
    bool is_ambiguous;          /* it has a slot that somebody will bind, nobody knows to what */
    bool has_preceded;          /* a slot was redirected before ld.so bound it */
    struct slots_relro relro;   /* of the object at hand */
    int error;
};

/* The first waits, as lock_acquire does; a thread that holds the loader's lock must not. */
bool patch_lock_acquire(void);
bool patch_try_lock(void);
void patch_unlock(void);

/* A pass over later objects for all active bindings; what it counts is in each binding's seen. */
void patch_begin_later_locked(struct pass *pass);

/* Redirects the slots of one object. */
void patch_object_locked(const struct elf_view *view, struct pass *pass);

/*
 * Adds what was seen to the counts of later objects, or puts it in their place. Readers of the
 * counts see the old ones or the new ones of each kind.
 */
void patch_end_later_locked(bool is_recount);

#endif
