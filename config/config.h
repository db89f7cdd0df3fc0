// SPDX-License-Identifier: MIT
/*
 * The configuration language: JSON text in, an immutable validated model out. This is the only
 * header of the module that others include. Nothing here knows the shim.
 *
 * Every pointer in the model points into memory that came from the caller's allocation callback
 * and lives until the caller releases that memory as a whole. Nothing is freed one by one.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/description.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where memory comes from. alloc returns zeroed memory aligned to 16, or NULL. */
struct config_memory {
    void *(*alloc)(void *context, size_t n_bytes);
    void *context;
};

/* ---- invalidation (invalidate.c) ------------------------------------------------------------- */

enum invalidation_kind {
    INVALIDATE_ON_CALL, /* of `symbol`: everything, or the entries that match */
    INVALIDATE_ON_FILE  /* `file` changed, appeared or went: everything */
};

/* The invalidating call's parameter `theirs` has the value of the remembered call's `ours`. */
struct config_match {
    uint32_t theirs, ours;
};

#define CONFIG_MAX_INSTANCES     16384
#define CONFIG_MAX_INVALIDATIONS 32
#define CONFIG_MAX_MATCHES       4 /* in one rule; and rules with any, of one function */

struct config_invalidation {
    enum invalidation_kind kind;
    const char *symbol, *version;       /* of ON_CALL; version NULL: any */
    struct prototype prototype;         /* name NULL: none was given, so nothing matches */
    const struct config_match *matches; /* all of them must hold */
    uint32_t n_matches;                 /* 0: everything goes */
    const char *file;                   /* of ON_FILE; an absolute path */
    uint64_t check_every_ns;            /* 0: the file is looked at for each call */
    uint32_t line, column;
};

/* ---- further inputs (inputs.c) ----------------------------------------------------------------
 */

enum input_kind {
    INPUT_VARIABLE, /* of the environment: its value, or that it is not there */
    INPUT_ZONE,     /* TZ, TZDIR and the state of the file that they name */
    INPUT_FILE,     /* its state */
    INPUT_FOLDER,   /* the current one: its path, device and inode */
    INPUT_IDS,      /* of the thread: real, effective and saved user and group, and its groups */
    INPUT_LOCALE,   /* the names of all categories in force in the thread */
    INPUT_THREAD,   /* which thread it is */
    INPUT_ROUNDING, /* the rounding mode, flush-to-zero and the like */
};

struct config_input {
    enum input_kind kind;
    const char *text; /* as configured: "env:TZ" */
    const char *name; /* of the variable; the path of the file, which is absolute */
};

#define CONFIG_MAX_INPUTS 32

/* ---- the model (load.c, check.c) ------------------------------------------------------------- */

enum config_mode {
    CONFIG_MODE_MEMOIZE,
    CONFIG_MODE_OBSERVE, /* never answers: counts what it would have answered */
    CONFIG_MODE_VERIFY,  /* answers from the real function, compares */
    CONFIG_MODE_OFF
};
enum config_policy {
    CONFIG_POLICY_LRU,
    CONFIG_POLICY_LFU,
    CONFIG_POLICY_FIFO,
    CONFIG_POLICY_MRU,
    CONFIG_POLICY_RR,
    CONFIG_POLICY_SIEVE,
    CONFIG_POLICY_S3_FIFO,
    CONFIG_POLICY_W_TINYLFU,
    CONFIG_POLICY_DIRECT
};
/* What programs get that a program with this configuration executes. */
enum config_children {
    CONFIG_CHILDREN_INHERIT, /* the same */
    CONFIG_CHILDREN_OFF,     /* no memoshim */
    CONFIG_CHILDREN_LISTED,  /* the same, if they are named */
};
enum config_stats_format {
    STATS_FORMAT_TEXT,
    STATS_FORMAT_JSON,
    STATS_FORMAT_PROMETHEUS
};

#define CONFIG_MAX_CALLERS      64 /* patterns of one function */
#define CONFIG_MAX_GLOBALS      16
#define CONFIG_MAX_ALIASES      16
#define CONFIG_MAX_ALTERNATIVES 8 /* of one parameter, or the result */

struct config_function {
    const char *named;   /* as the config names it: "pow@GLIBC_2.29" */
    const char *symbol;  /* without the version: "pow" */
    const char *version; /* "GLIBC_2.29", or NULL for any */
    const char *library; /* soname or basename of the provider, or NULL for each that exports it */
    /* Patterns (base/pattern.h) of the objects whose calls are memoized; none: all objects'. */
    const char *const *callers;
    uint32_t n_callers;
    bool from_preset;      /* the prototype came from a preset */
    uint32_t line, column; /* of the entry's name in its file, from 1 */

    struct prototype prototype;
    const char *declaration;                     /* the prototype as written, for messages */
    const struct config_description *parameters; /* prototype.n_parameters of them */
    struct config_description result;
    struct config_condition unless, store_if;
    bool captures_errno;               /* "errno": true */
    const struct config_input *inputs; /* "key_also" */
    uint32_t n_inputs;
    bool keys_rounding;      /* one of them is INPUT_ROUNDING */
    uint64_t check_every_ns; /* the files among them are looked at no more often; 0: at each call */
    bool has_secret;         /* any description of what is read is secret: keys are MACs */
    bool has_secret_out;     /* of what is written: records are wiped */
    const struct config_global *globals;
    uint32_t n_globals;
    const char *const *aliases; /* other exported names of the same function */
    uint32_t n_aliases;

    enum config_mode mode;
    enum config_policy policy;
    uint64_t max_entries; /* at least 1 */
    uint64_t max_bytes;   /* at least 1 */
    uint64_t ttl_ns;      /* 0: none */
    uint32_t shards;      /* 0: chosen by size and cores */
    bool single_flight;
    uint64_t single_flight_timeout_ns; /* 0: from measured times */
    bool guard;
    double verify_sample;        /* share of hits that is verified, 0 to 1 */
    bool has_instances;          /* "per_instance": a cache for each value of a parameter */
    uint32_t instance_parameter; /* a scalar, an address or a text, without secrets */
    uint32_t max_instances;
    const struct config_invalidation *invalidations;
    uint32_t n_invalidations;

    /* Further lives; a result's is the shortest of those that apply. */
    uint64_t idle_ttl_ns; /* from the last use; 0: none */
    bool has_ttl_from;
    struct condition_operand ttl_from;   /* RETURN or POINTEE: seconds, an integer or real */
    const char *ttl_from_text;           /* as written, for messages */
    double ttl_jitter;                   /* share of a life drawn and taken off, below 1 */
    struct config_condition negative_if; /* of these results the life is negative_ttl_ns */
    uint64_t negative_ttl_ns;            /* 0: no result is one of them */
    struct config_condition stale_if;    /* the real call failed */
    uint64_t stale_for_ns;               /* 0: no answer is served after its end */
    double refresh_early;                /* beta of XFetch; 0: no early recomputation */
    bool has_seed;
    uint64_t seed; /* of draws, when has_seed */
};

struct config_stats {
    const char *file; /* "stderr", a path with %p and %n, or NULL: nowhere */
    bool has_format;
    enum config_stats_format format; /* when has_format; else text on stderr, json for a path */
    int signal;                      /* signal number, 0: none */
    uint64_t interval_ns;            /* 0: none */
};

struct config_model {
    const char *file; /* for messages */
    const char *const *programs;
    uint32_t n_programs; /* 0: any program */
    enum config_children children;
    const char *const *child_programs; /* of CONFIG_CHILDREN_LISTED */
    uint32_t n_child_programs;
    const struct config_function *functions;
    uint32_t n_functions;
    struct config_stats stats;
};

/* ---- diagnostics (diag.c, diagnostics.def) --------------------------------------------------- */

/* One complaint. Printed as FILE:LINE:COLUMN: error: TEXT, then, if there is one, a hint line. */
struct diagnostic {
    const char *file;
    uint32_t line, column; /* from 1, columns in code points; 0: the file as a whole */
    const char *text;
    const char *hint; /* or NULL */
};

#define DIAGNOSTICS_MAX 100 /* more are counted in n_suppressed, not kept */

struct diagnostic_list {
    struct config_memory memory;
    struct diagnostic items[DIAGNOSTICS_MAX];
    uint32_t n_items;
    uint32_t n_suppressed;
};

void diagnostics_init(struct diagnostic_list *list, struct config_memory memory);

/*
 * Writes "FILE:LINE:COLUMN: error: TEXT\n" and, with a hint, "FILE:LINE:COLUMN: hint: HINT\n" for
 * each item in the order of their positions into buffer (always NUL-terminated, cut if too small).
 * Returns the length that would have been needed, without the NUL.
 */
size_t diagnostics_print(const struct diagnostic_list *list, char *buffer, size_t n_bytes);

/* ---- entry points ---------------------------------------------------------------------------- */

/*
 * Loads text (n_bytes, need not end in NUL) as a configuration. file is the name used in messages.
 * On success fills *ret_model and returns 0. On bad input returns -EINVAL with at least one item
 * in *reterr; without memory, or without the JSON parser, returns -ENOMEM or -ENOENT, also with an
 * item. All problems are collected in one go. Not re-entrant: one load at a time per process.
 */
int config_load(const char *file, const char *text, size_t n_bytes, struct config_memory memory,
                struct config_model *ret_model, struct diagnostic_list *reterr);

/* True if the model acts in a program of this absolute path, started under this name. */
bool config_applies_to(const struct config_model *model, const char *path, const char *started_as);

/* True if the model's `children` lets memoshim act in this program, executed by another one. */
bool config_applies_to_child(const struct config_model *model, const char *path,
                             const char *started_as);

/* Where configuration text was found. */
struct config_source {
    const char *file; /* path for messages; "MEMOSHIM_CONFIG" for inline text */
    const char *text; /* from memory; not NUL-terminated */
    size_t n_bytes;
};

/* What config_find looks at; strings may be NULL when the variable is not set. */
struct config_surroundings {
    const char *memoshim_config; /* MEMOSHIM_CONFIG */
    const char *xdg_config_home; /* XDG_CONFIG_HOME */
    const char *home;            /* HOME */
    const char *started_as;      /* argv[0] or AT_EXECFN: its basename is the first program name */
    const char *executable;      /* the resolved file: its basename is the second; or NULL */
    bool check_only_explicit;    /* do not fall back to the folders of the user and the system */
};

/*
 * False when config_find would find nothing: the variable is not set, and neither folder is there.
 * Takes two system calls; `executable` is not looked at.
 */
bool config_may_be_found(const struct config_surroundings *surroundings);

/*
 * Finds and reads the configuration as spec'd for MEMOSHIM_CONFIG: a file, a folder holding
 * <program>.json, JSON text, or the default folders. Returns 1 and fills *ret_source; 0 when there
 * is none (not an error); -errno with an item in *reterr when there is one that must not or
 * cannot be used: wrong owner or mode, a folder others can write to, unreadable, larger than 1 MiB.
 */
int config_find(const struct config_surroundings *surroundings, struct config_memory memory,
                struct config_source *ret_source, struct diagnostic_list *reterr);

/* Reads one named file under the same rules of ownership. 0 or -errno with an item in *reterr. */
int config_read_file(const char *path, struct config_memory memory,
                     struct config_source *ret_source, struct diagnostic_list *reterr);

/* The MEMOSHIM_* variables that override a configuration; NULL or "": not set. Borrowed. */
struct config_variables {
    const char *mode, *stats, *stats_format, *stats_signal, *stats_interval, *strict;
};

/* What they say. Members of stats that no variable set are zero. */
struct config_overrides {
    bool has_mode;
    enum config_mode mode;
    struct config_stats stats;
};

/*
 * Reads the variables. 0, -EINVAL with items in *reterr that name the variable as their file, or
 * -ENOMEM. Memory comes from reterr's.
 */
int config_read_variables(const struct config_variables *variables,
                          struct config_overrides *ret_overrides, struct diagnostic_list *reterr);

/* The functions that need no prototype. Sorted by name; text is the entry as JSON, compact. */
struct config_preset {
    const char *name;
    const char *text;
    const char *header;  /* the #include lines that declare it, one a line, for the header check */
    const char *note;    /* what makes remembering it safe, or not, in a sentence */
    const char *types;   /* the declarations it rests on, as a JSON list, or NULL */
    const char *fields;  /* what the fields of their structs mean, as a JSON object, or NULL */
    const char *aliases; /* other names of the function, one behind the other's NUL, and behind the
                            last an empty one; or NULL */
    bool needs_ttl;      /* its answers change unseen: only with a `ttl` that the user gives */
};

extern const uint32_t config_n_presets;

/* The i-th. Its texts stay. */
struct config_preset config_preset_at(uint32_t i);

/* By its name, or another one of the same function. False: there is none. */
bool config_preset_find(const char *name, struct config_preset *ret_preset);

/*
 * Visits who owns each piece of memory that the function's descriptions of what it writes hand out,
 * also those behind pointers in such memory, each at least once and until visit returns something
 * else than 0. pointee: how that memory is described; NULL: a result that is text. Returns what
 * visit returned last, or -E2BIG: more than CONFIG_MAX_RECORDS records with fields of their own.
 */
#define CONFIG_MAX_RECORDS 128

typedef int (*config_visit_lifetime_fn)(const struct config_lifetime *lifetime,
                                        const struct config_pointee *pointee, void *context);
int config_each_lifetime(const struct config_function *function, config_visit_lifetime_fn visit,
                         void *context);

/* Of names[0..n_names) the one that name may be a misspelling of, or NULL. */
const char *config_nearest(const char *name, const char *const *names, size_t n_names);

#endif
