// SPDX-License-Identifier: MIT
/*
 * Internal to config: the parts that read what pointers mean, and what they share while they read
 * the descriptions of one function.
 */
#ifndef CONFIG_SHAPE_H
#define CONFIG_SHAPE_H

#include "config/language.h"

/* Memory is looked at on the way in (it becomes part of the key), or on the way out. */
enum shape_direction {
    SHAPE_READ,
    SHAPE_WRITTEN
};

/* Where the fields of a struct may be described; the first that speaks of it is the one. */
enum shape_fields {
    FIELDS_OF_ARGUMENT,
    FIELDS_OF_USER,
    FIELDS_OF_PRESET,
    N_SHAPE_FIELDS
};

struct shape_claim;
struct fields_known;

/* What one function's descriptions are read with, and what is found out on the way. */
struct shape_scope {
    struct workspace *work;
    /* NULL: `fields` are looked at by themselves, so that any name may be that of a parameter. */
    const struct prototype *prototype;
    const struct fields_table *fields[N_SHAPE_FIELDS]; /* each may be NULL */
    const struct fields_known *known; /* fields that were read already (fields.c) */
    struct shape_claim *claims;       /* what is looked at in the end (claims.c) */
    struct place use;                 /* where the parameter or result is described */
    bool has_secret, has_secret_out;  /* something read, something written is secret */
};

/* A pointer that is described. */
struct shape_site {
    enum shape_direction direction;
    const struct ctype *type; /* of the pointer */
    /* The record that holds it and, if it is within another one, the innermost, which begins so
     * far into that. A count may name their members. NULL: it stands alone. */
    const struct ctype *record, *inner;
    uint32_t inner_offset_bytes;
    const char *name; /* "'ai_next' of 'struct addrinfo'", for messages */
    const char *hint; /* what could describe it; or NULL */
    /* Of what is handed out without a lifetime of its own. NONE: that is an error. */
    struct config_lifetime lifetime;
    /*
     * Within a block that a function frees (freed_by), and its record, once that is read: what
     * leads to more of those leads to blocks of their own, of the same lifetime. For programs may
     * free the end of a list alone.
     */
    struct config_lifetime freed;
    const struct ctype *node;
};

/* The members of one description object. */
struct shape_members {
    const struct value *in, *out, *inout, *direction; /* direction: the one that is given */
    const struct value *count, *secret, *lifetime, *fields, *when, *condition, *via;
    bool is_approximate; /* one of them says how */
};

/* The site of pointers within memory that is handed out with a lifetime. */
void shape_enter(struct shape_site *site, const struct config_lifetime *lifetime);

/* Takes an object apart; reports keys that do not belong and what contradicts itself. */
bool shape_read_members(struct workspace *work, const struct value *object,
                        struct shape_members *ret);
/* Reports a type where there should be a word. */
bool shape_check_word(struct workspace *work, const struct value *value);
bool shape_is_secret(const struct shape_members *members);

bool shape_read_parameter(struct shape_scope *scope, const struct value *value, uint32_t parameter,
                          struct config_description *ret);

/*
 * alternatives.c. Reads an array of descriptions, each with read_one into an element of
 * ret->alternatives, where it stays.
 */
typedef bool (*shape_read_one_fn)(struct shape_scope *scope, const struct value *value,
                                  uint32_t parameter, struct config_description *ret);
bool shape_read_alternatives(struct shape_scope *scope, const struct value *value,
                             uint32_t parameter, shape_read_one_fn read_one,
                             struct config_description *ret);
/* One of the alternatives, or the description itself, is so. */
bool shape_any(const struct config_description *description,
               bool (*is_so)(const struct config_description *description));

/* result.c */
bool shape_read_result(struct shape_scope *scope, const struct value *value,
                       struct config_description *ret);

/*
 * A record that travels by value, as a parameter or a result that nothing describes: what its
 * pointers mean as `fields` says. *ret: NULL when it has none.
 */
bool shape_read_by_value(struct shape_scope *scope, const struct shape_site *site,
                         const struct config_pointee **ret);

/* The scope in which `fields` beside an argument speak first; NULL: a copy of scope. */
bool shape_open_fields(const struct shape_scope *scope, const struct value *fields,
                       struct shape_scope *ret);
/* Takes over what was found out in it. */
void shape_close_fields(struct shape_scope *scope, const struct shape_scope *inner);

/*
 * elements.c. The T of { "in": T, "count": N }: what lies behind the pointer at site. count may be
 * NULL. site->lifetime is of the pointers within it.
 */
bool pointee_read_elements(struct shape_scope *scope, const struct shape_site *site,
                           const struct value *value, const struct value *count,
                           struct config_pointee *ret);

/* pointee.c. A description D of the pointer at site, which stands within memory: "string", { "in":
 * T }. */
bool pointee_read(struct shape_scope *scope, const struct shape_site *site,
                  const struct value *value, struct config_pointee *ret);

/* The word describes what a pointer of this type leads to itself: of "char *" a "string" does, of
 * "char **" it describes the elements. */
bool pointee_is_word(const struct value *value, const struct ctype *type, bool has_count);

/* Fills in *ret for one text, or a list of them, behind a pointer of this type. */
bool pointee_set_text(struct shape_scope *scope, const struct shape_site *site,
                      const struct value *word, struct config_pointee *ret);
bool pointee_set_texts(struct shape_scope *scope, const struct shape_site *site,
                       const struct value *word, struct config_pointee *ret);
/* There is something behind the memory that plain elements do not say. */
bool pointee_leads_on(const struct config_pointee *pointee);
bool pointee_report_mismatch(struct shape_scope *scope, const struct shape_site *site,
                             const struct value *value, const char *word);

/* fields.c. What the pointers of a record mean; *ret: NULL when there is nothing to say of it. */
bool fields_read(struct shape_scope *scope, const struct shape_site *site,
                 const struct ctype *record, const struct config_fields **ret);

/* Both are the same record: of one tag, or of one name. */
bool fields_are_of(const struct ctype *a, const struct ctype *b);

/* Looks at `fields`: structs and members that are not there, wrong descriptions. False after a
 * report; *ret is written in any case. */
bool fields_open(struct workspace *work, const struct value *value,
                 const struct fields_table **ret);

#define FIELDS_MAX         1024 /* of one record, arrays and inner records flattened */
#define FIELDS_MAX_RECORDS 4096 /* within one record, arrays flattened */

/* lifetime.c */
bool lifetime_read(struct shape_scope *scope, const struct value *value,
                   struct config_lifetime *ret);

/* globals.c: reads `globals` into function. */
bool globals_read(struct shape_scope *scope, const struct value *object,
                  struct config_function *function);

/* What descriptions claim of other parameters: looked at when all of them were read. */
enum claim_kind {
    CLAIM_COUNT_READ,
    CLAIM_COUNT_WRITTEN,
    CLAIM_LIFETIME, /* of memory that is written again */
    CLAIM_WHEN,     /* a condition: asked after the call, before memory is captured */
    CLAIM_IF,       /* a condition: asked before the call */
};

void claims_add_count(struct shape_scope *scope, const struct value *value,
                      const struct config_count *count, enum shape_direction direction);
void claims_add_lifetime(struct shape_scope *scope, const struct value *value,
                         const struct config_lifetime *lifetime);

/* value, and what is read of it later. */
void claims_add_condition(struct shape_scope *scope, const struct value *value,
                          struct config_condition *target, enum claim_kind kind);

/*
 * Checks all but conditions. The size of a storage leaves the key here. values[i]: what describes
 * parameter i, or NULL.
 */
bool claims_check(struct shape_scope *scope, struct config_description *parameters,
                  const struct value *const *values);

/* Reads the conditions, as after the call. */
bool claims_read_conditions(struct shape_scope *scope, const struct condition_scope *conditions);

/* ---- count.c --------------------------------------------------------------------------------- */

/* What a count may name. */
struct count_scope {
    const struct prototype *prototype; /* NULL: any name may be that of a parameter */
    const struct shape_site *site;     /* what is counted: its record's members go first */
};

bool count_read(struct workspace *work, const struct value *value, const struct count_scope *scope,
                struct config_count *ret);

/* "len or string" */
bool count_or_string(const struct config_count *count);

/* ---- suggest.c ------------------------------------------------------------------------------- */

/* What could describe a pointer within a record, as a hint to copy from. */
const char *suggest_field(struct workspace *work, const struct ctype *record, const char *path,
                          const struct ctype *type, enum shape_direction direction);

#endif
