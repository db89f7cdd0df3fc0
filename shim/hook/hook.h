// SPDX-License-Identifier: MIT
/*
 * Which functions are hooked in this process, from the configuration's names to slots that lead to
 * thunks: their definitions, what their plans need of the process, functions whose calls invalidate
 * or free, what came later, and what is let go of. A part of the composition root.
 */
#ifndef HOOK_HOOK_H
#define HOOK_HOOK_H

#include "call/call.h"
#include "config/config.h"
#include "interpose/interpose.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REST_TEXT_BYTES 240

/*
 * Whether the guard has let go of a function for a while, and what to say of it. Written by
 * let_go.c under its lock; statistics read without.
 */
struct hook_rest {
    _Atomic bool is_resting;
    _Atomic uint32_t n_rests, n_probes; /* how often it was let go of, and hooked again */
    uint32_t n_in_a_row;                /* rests since it paid for the last time */
    uint64_t due_ns;                    /* by clock_coarse_ns: when it is tried again */
    /* Of the calls that its thunk passed on, those while it was let go of: in all before, and what
     * the thunk had counted when it was let go of for the last time. */
    _Atomic uint64_t n_passed, n_passed_before;
    const char *_Atomic reason; /* one of texts, of which readers may hold an older one */
    char texts[4][REST_TEXT_BYTES];
};

/*
 * A configured function, or one of its definitions. Written before it is published, by the count of
 * hooks or, if it waited for a definition, by its plan; the name may change later.
 */
struct hook {
    const struct config_function *function;
    const char *_Atomic name;   /* as shown */
    const char *version;        /* of the definition, or NULL */
    const char *library, *path; /* of the definition, or NULL */
    const char *readable;       /* the symbol of a C++ function as it was written, or NULL */
    const char *problem;        /* why it is not hooked; see hooks_problem */
    const char *const *caller_problems; /* what to say of each caller that is not there */
    struct call_plan *_Atomic plan;     /* NULL: not hooked */
    /* One for each name that this definition has; NULL: not hooked. */
    struct interpose_binding *bindings;
    uint32_t n_bindings;
    int entry;
    bool is_off;                /* "mode": "off": never hooked */
    bool is_pending;            /* as long as there is no plan: nothing defines it */
    const char *_Atomic let_go; /* while running, for good: why, or NULL */
    struct hook_rest rest;
    bool is_spare; /* not shown while nothing uses it: another definition was used at start */
};

/* ---- hooks.c: which functions are hooked ----------------------------------------------------- */

/* Hooks everything that is there. 0 or -errno. */
int hooks_start(void);

/*
 * arrivals.c: hooks what objects that came since define, and keeps those objects loaded. Calls the
 * loader as the program may when it calls dlopen. The guard is set, no lock is held.
 */
void hooks_look_for_definitions(void);

/* For a forked child. */
void hooks_after_fork(void);

/* ---- definitions.c: where a function is defined, under any of its names ---------------------- */

#define MAX_DEFINITIONS 16 /* of one function: versions and libraries */

struct named_definition {
    struct interpose_definition definition;
    uint32_t names;                          /* bit i: it is definition_name i of the function */
    const struct interpose_arrival *arrival; /* the object that has it, if it came later; or NULL */
};

/* The function's own symbol, then its aliases; n_aliases + 1 in all. */
const char *definition_name(const struct config_function *function, uint32_t i);

/* Whether a binding has one of these names for the address. By whoever may add hooks. */
bool definition_is_bound(const struct config_function *function,
                         const struct named_definition *named);

/* Another binding has slots of symbol that hold original. */
bool hooks_is_bound(const char *symbol, const void *original);

/* A binding for slots of symbol that hold original; applied when hooking goes on. */
struct interpose_binding *hooks_bind(const char *symbol, void *original, void *replacement);

/* One for each name, in a row, that lead to the hook's entry. */
void definition_bind(struct hook *hook, const struct named_definition *named);

/* How many names the functions of the model have in all, and the most that one of them has. */
size_t definitions_count_names(size_t *ret_most);

/* Those in objects of the start, each address once. Returns how many, at most MAX_DEFINITIONS. */
size_t definitions_find(const struct config_function *function,
                        struct named_definition ret_named[MAX_DEFINITIONS]);

/* The same in a pinned object. wishes: one for each name, in their order. */
size_t definitions_find_in_arrival(const struct interpose_arrival *arrival,
                                   const struct interpose_wish *wishes, uint32_t n_names,
                                   struct named_definition ret_named[MAX_DEFINITIONS]);

/* ---- triggers.c: functions whose calls invalidate -------------------------------------------- */

#define MAX_TRIGGERS 256 /* definitions of such functions */

/* Catches those that are there. How many names there are is in *ret_n_symbols. 0 or -ENOMEM. */
int triggers_start(size_t *ret_n_symbols);

/* What they are looked for by in later objects: wish number i of *ret_n_symbols. */
struct interpose_wish triggers_wish(size_t i);

/* Ties the plan to those that its function names. NULL, or why it must not be memoized. */
const char *triggers_tie(struct call_plan *plan, const struct config_function *function);

/* A later object defines wish number i. The lock of arrivals.c is held. */
void triggers_add_later(size_t i, const struct interpose_definition *definition);

/*
 * After slots were redirected: plans whose triggers are not all seen are stopped, and what others
 * remember is dropped if calls may have gone unseen until now. The guard is set; of the locks, only
 * that of arrivals.c may be held.
 */
void triggers_settle(void);

/* A later object could not be looked into: whatever hangs on calls is not memoized any more. */
void triggers_stop(void);

/* What limits the function's invalidation, or NULL. Async-signal-safe. */
const char *triggers_problem(const struct config_function *function);

/* ---- names.c: what is shown of hooks ---------------------------------------------------- */

/* Slots that lead to it now, by any of its names; of one that is hooked, as what follows. */
uint64_t hooks_count_slots(const struct hook *hook);

/* Those of them in objects that came after the start. */
uint64_t hooks_count_later_slots(const struct hook *hook);

/*
 * The objects of the start that have, or had, such slots: after NULL the first one, NULL after the
 * last. An object that imports the function by two names comes twice.
 */
const struct interpose_importer *hooks_next_importer(const struct hook *hook,
                                                     const struct interpose_importer *importer);

/* Why objects that are loaded later do not find it at once by one of its names, or NULL. */
const char *hooks_unexported(const struct hook *hook);

/* True when nothing defines the function yet. */
bool hooks_is_pending(const struct hook *hook);

/* Why it is not hooked, or what limits it; NULL: nothing to say. */
const char *hooks_problem(const struct hook *hook);

/*
 * The symbol of a C++ function as it was written, in the arena; NULL for another symbol, or where
 * the stack is too small for the reading. By the constructor.
 */
const char *hook_read_symbol(const char *symbol);

/* Gives the hook a name that no other has. By whoever may add hooks. */
void hook_make_distinct(struct hook *hook);

/* The four parts as one text in the arena, or NULL without memory. By whoever may add hooks. */
char *hook_compose(const char *first, const char *second, const char *third, const char *fourth);

/*
 * What will be said of each of the function's callers as long as no object matches it: composed
 * beforehand, since statistics may be written where there is no memory. NULL without memory.
 */
const char *const *hook_describe_callers(const struct config_function *function);

/* ---- plan_bindings.c: what a plan is given of the process ------------------------------------ */

/*
 * Finds what the plan of this definition needs, in the arena. 0; -ENOTSUP with *ret_reason (a
 * sentence) when it cannot be had; -ENOMEM. By whoever may add hooks.
 */
int plan_bindings_create(const struct config_function *function,
                         const struct named_definition *named,
                         const struct marshal_bindings **ret_bindings, const char **ret_reason);

/* The program's free, or NULL. */
void (*plan_bindings_release(void))(void *block);

/* ---- freeing.c: functions that free what others hand out --------------------------------------
 */

#define MAX_FREEING 64 /* names of such functions, and definitions of them */

/* Hooks those that are there. How many names there are is in *ret_n_symbols. 0 or -ENOMEM. */
int freeing_start(size_t *ret_n_symbols);

/* What they are looked for by in later objects: wish number i of *ret_n_symbols. */
struct interpose_wish freeing_wish(size_t i);

/* Why what the function hands out must not be handed out, or NULL. */
const char *freeing_tie(const struct config_function *function);

/* A later object defines wish number i. The lock of arrivals.c is held. */
void freeing_add_later(size_t i, const struct interpose_definition *definition);

/*
 * After slots were redirected: functions are stopped that hand out what a function frees of which
 * not all calls are seen. The guard is set; of the locks, only that of arrivals.c may be held.
 */
void freeing_settle(void);

/* What is not seen of the calls that free the function's results, or NULL. Async-signal-safe. */
const char *freeing_problem(const struct config_function *function);

/* ---- let_go.c -------------------------------------------------------------------------------- */

/*
 * Lets go of a function for good: from here on its calls reach the real function as directly as
 * they can. reason (kept) is what statistics say. The guard is set, no lock is held; any thread.
 */
void hooks_let_go(struct call_plan *plan, const char *reason);

/*
 * The same for a while, because remembering does not pay: nothing happens when it cannot be done
 * right now. And: that is over for those that are due; one of them pays again.
 */
void hooks_rest(struct call_plan *plan, const struct call_balance *balance);
void hooks_try_again(void);
void hooks_note_pays(struct call_plan *plan);

/* Calls that its thunk passed on while it was let go of. */
uint64_t hooks_passed_off(const struct hook *hook);

/* For a forked child. */
void hooks_rest_after_fork(void);

/* ---- fixed_bindings.c: what is redirected whatever the configuration names ------------------- */

/* At most so many; the second takes thunks, at the start, and returns how many it filled in. */
size_t fixed_bindings_room(void);
size_t fixed_bindings_fill(struct interpose_binding *ret_bindings);

/* An entry_notice_fn: one of the functions that are announced is called. */
void fixed_bindings_notice(int notice, const uint64_t *integers);

/* ---- later.c: objects that are loaded while the program runs --------------------------------- */

/* From here on they are looked for. The last step of the constructor, when hooks exist. */
void later_start(void);

/* A call_hooks.miss: looks now and then. */
void later_look_on_miss(void);

/* An entry_dl.answer: looks first, so that what a plugin's first look-up finds is redirected. */
bool later_answer_dlsym(void *handle, const char *symbol, const char *version, const void *caller,
                        void **ret_address);

#endif
