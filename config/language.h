// SPDX-License-Identifier: MIT
/*
 * Internal to config: the parts that turn values into the model, listed under the file that has
 * them. Each reports what is wrong into work->list and goes on as far as that makes sense; bool
 * results say whether the ret_ argument was written.
 */
#ifndef CONFIG_LANGUAGE_H
#define CONFIG_LANGUAGE_H

#include "config/value.h"

struct fields_table; /* config/shape.h */

/* ---- keys.c, keys.def, words.def: what may stand where -------------------------------------- */

/* Where a key may stand. POLICY: in an entry of functions and in defaults. */
enum key_place {
    IN_TOP = 1u << 0,
    IN_FUNCTION = 1u << 1,
    IN_DEFAULTS = 1u << 2,
    IN_POLICY = IN_FUNCTION | IN_DEFAULTS,
    IN_STATS = 1u << 3,
    IN_DESCRIPTION = 1u << 4,
    IN_LIFETIME = 1u << 5,
    IN_INVALIDATE = 1u << 6,
    IN_L2 = 1u << 7,
    IN_NEGATIVE = 1u << 8,
    IN_STALE = 1u << 9,
    IN_REFRESH = 1u << 10,
    IN_STATIC = 1u << 11,
    IN_LIST = 1u << 12,
};

/* Whether this version does it (NOW) or only knows its name (LATER). */
enum key_state {
    NOW,
    LATER
};

/*
 * Reports each key of object that is unknown, misplaced, or not in this version. place is one bit.
 * Returns true if there was none.
 */
bool keys_check(struct workspace *work, const struct value *object, enum key_place place);

/* The sets of words that stand for something. */
enum word_set {
    WORDS_POLICY,
    WORDS_MODE,
    WORDS_CHILDREN,
    WORDS_STATS_FORMAT,
    WORDS_SWITCH,
    WORDS_DESCRIPTION, /* of a parameter */
    WORDS_LIFETIME
};

/* The number that words.def gives to value's word; reports what is no string, unknown or later. */
bool word_read(struct workspace *work, const struct value *value, enum word_set set, int *ret);

/* The text is a word of the set, or so like one that it may be a slip. */
bool word_is_near(const char *text, enum word_set set);

/* ---- units.c --------------------------------------------------------------------------------- */

#define DURATION_MAX_NS (UINT64_C(36500) * 86400 * 1000000000) /* a hundred years, below 2^63 */
#define SIZE_MAX_BYTES  (UINT64_C(1) << 47)                    /* the address space of a process */

/* "250ms", "60s", "1.5h", or seconds; exact to the nanosecond. -EINVAL: no duration; -ERANGE: above
 * DURATION_MAX_NS; -EDOM: finer than a nanosecond. */
int units_parse_duration(const char *text, uint64_t *ret_ns);

/* "64KiB", "2MiB", "1GiB", or bytes. Errors as above; the bound is SIZE_MAX_BYTES. */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* A number without unit, as JSON writes it, that is an integer: 4096, 4e3. Errors as above. */
int units_parse_integer(const char *text, uint64_t *ret);

/* The same from values; all must be above 0. */
bool units_read_duration(struct workspace *work, const struct value *value, uint64_t *ret_ns);
bool units_read_size(struct workspace *work, const struct value *value, uint64_t *ret_bytes);
bool units_read_integer(struct workspace *work, const struct value *value, uint64_t min,
                        uint64_t max, uint64_t *ret);

/* A number from 0 to 1. */
bool units_read_share(struct workspace *work, const struct value *value, double *ret);

/* ---- signals.c ------------------------------------------------------------------------------- */

/* "USR2", "SIGUSR2", "RTMIN+5", "RTMAX-1". -EINVAL: no signal; -EPERM: one that cannot be used. */
int signal_parse(const char *text, int *ret_signal);

/* ---- ctype.c, typedefs.def ------------------------------------------------------------------- */

enum opaque_form {
    OPAQUE_TAG,
    OPAQUE_FUNCTION,
    OPAQUE_ARRAY
};

/* What every CTYPE_OPAQUE really is; type comes first. Arrays do not leave the parser. */
struct opaque_ctype {
    struct ctype type;
    enum opaque_form form;
    const struct ctype *element;                  /* of arrays; the result of functions */
    const struct prototype_parameter *parameters; /* of functions */
    const uint32_t *offsets;                      /* where each parameter begins in the text */
    uint32_t n_parameters;
    const char *parameters_text; /* "(int, const char *)" */
    bool is_variadic;            /* "(int, ...)" */
    bool is_unprototyped;        /* "()" */
    uint32_t ellipsis_offset;    /* where the text says so, of either */
};

/* The form of an opaque type. */
const struct opaque_ctype *ctype_opaque(const struct ctype *type);

bool ctype_is_integer(const struct ctype *type); /* bool, signed, unsigned */
bool ctype_is_real(const struct ctype *type);    /* float, double, long double */
bool ctype_is_complex(const struct ctype *type);
bool ctype_is_scalar(const struct ctype *type); /* any of these; no pointer */
/* A pointer to one-byte integers: what C calls a string. */
bool ctype_is_text_pointer(const struct ctype *type);
/* Bytes of one character of the text that a pointer may point to: 1, or the size of wchar_t,
 * char16_t or char32_t; 0: it is no pointer to characters. */
uint32_t ctype_character_bytes(const struct ctype *type);
bool ctype_is_function_pointer(const struct ctype *type);
/* Structurally: kinds, sizes, const, targets, forms; not texts. */
bool ctype_equal(const struct ctype *a, const struct ctype *b);

bool ctype_is_form(const struct ctype *type, enum opaque_form form);
/* A struct or union with a body. */
bool ctype_is_record(const struct ctype *type);
/* A struct or union without tag or typedef name: its text is ctype_unnamed_text. */
bool ctype_is_unnamed(const struct ctype *type);
extern const char ctype_unnamed_text[];
/* Names, offsets and types of the members; both have as many. */
bool ctype_members_equal(const struct ctype *a, const struct ctype *b);
/* The first pointer within a struct, union or array, or NULL: its name, or that of what has it. */
const char *ctype_find_pointer(const struct ctype *type);

const struct ctype *ctype_pointer_to(struct workspace *work, const struct ctype *target);
const struct ctype *ctype_make_const(struct workspace *work, const struct ctype *type);
const struct ctype *ctype_make_opaque(struct workspace *work, const struct opaque_ctype *model,
                                      const char *text);
const struct ctype *ctype_array_of(struct workspace *work, const struct ctype *element,
                                   uint32_t n_elements);
/* The same type under a typedef name. */
const struct ctype *ctype_rename(struct workspace *work, const struct ctype *type,
                                 const char *text);
/* The text of a declaration of name with this type. */
const char *ctype_declare(struct workspace *work, const struct ctype *type, const char *name);
/* The type of a typedef name, of `types` or of the system, with text = name, or NULL. */
const struct ctype *ctype_of_typedef(struct workspace *work, const char *name);
bool ctype_is_typedef_name(const struct workspace *work, const char *name, size_t n_bytes);
/* The same, or a word of the language that types are named with. */
bool ctype_is_name(const struct workspace *work, const char *name);
/* The typedef name or type word that name may be a misspelling of, or NULL. */
const char *ctype_nearest_name(const char *name);

/* ---- body.c, types.c ------------------------------------------------------------------------- */

#define TYPES_MAX_BYTES 16384 /* of one string */
#define TYPES_MAX_NAMES 8192  /* and members and constants, in all */

/* The member of a struct or union, those of anonymous ones included; NULL if there is none. */
const struct ctype_member *ctype_find_member(const struct ctype *type, const char *name,
                                             size_t n_bytes, uint32_t *ret_offset);

/* Reads the list `types`. What it declares is known from then on. */
void types_read(struct workspace *work, const struct value *list);

/* What a tag ("struct point") or typedef name stands for, or NULL. */
const struct ctype *types_find(const struct workspace *work, const char *name, size_t n_bytes);
bool types_find_constant(const struct workspace *work, const char *name, int64_t *ret);

/* ---- specifiers.c, prototype.c --------------------------------------------------------------- */

#define PROTOTYPE_MAX_BYTES 4096

/* Parses one declaration of a function. offsets[i] is where parameter i begins in the text. */
bool prototype_parse(struct workspace *work, const struct source_text *source,
                     struct prototype *ret_prototype, const uint32_t **ret_offsets);

/* Parses a type name without declarator: "unsigned long", "struct addrinfo *". */
const struct ctype *prototype_parse_type(struct workspace *work, const struct source_text *source);

/* The prototype as C text, which parses to an equal prototype. */
const char *prototype_print(struct workspace *work, const struct prototype *prototype);

/* The index of the parameter of this name, or -1. */
int prototype_find(const struct prototype *prototype, const char *name, size_t n_bytes);

/* Words of the prototype's parameters, for words_hint. */
const char *const *prototype_names(struct workspace *work, const struct prototype *prototype);

/* ---- approximate.c ----------------------------------------------------------------------------
 */

/* Reads `round` and `drop_bits` of a description; type: of the value, or of each element. */
bool approximate_read(struct workspace *work, const struct value *object, const struct ctype *type,
                      struct config_description *description);

/* ---- suggest.c ------------------------------------------------------------------------------- */

/* What could describe a parameter, as a hint to copy from. */
const char *suggest_parameter(struct workspace *work, const struct prototype *prototype,
                              const struct prototype_parameter *parameter);

/* The same of a result that is a pointer. */
const char *suggest_result(struct workspace *work, const struct prototype *prototype);

/* ---- condition.c ----------------------------------------------------------------------------- */

/* The function that a condition speaks of. */
struct condition_scope {
    const struct prototype *prototype;
    const struct config_description *parameters;
    const struct config_description *result;
    bool is_described; /* false: descriptions are missing or wrong, do not complain of them again */
    bool is_before;    /* asked before the call ("if"): only arguments and what they lead to */
    bool is_tested;    /* asked only of calls that are known to have succeeded */
    bool needs_errno;  /* what it asks for is not kept, if errno was set */
};

/* A number by name: of the system (ENOENT), or an enumerator of `types`. */
bool constant_find(const struct workspace *work, const char *name, int64_t *ret);

bool condition_read(struct workspace *work, const struct value *value,
                    const struct condition_scope *scope, struct config_condition *ret);

/*
 * Reads what a finished call gives as a number, "return", "return->ttl" or "*p": of an integer or
 * real type, and written by the function.
 */
bool condition_read_number(struct workspace *work, const struct value *value,
                           const struct condition_scope *scope, struct condition_operand *ret);

/* ---- preset.c, refused.def ------------------------------------------------------------------- */

/* Reports an entry for a function that is known not to be fit for remembering. */
bool preset_allows(struct workspace *work, const struct value *given, const char *symbol);

/*
 * The preset that an entry without prototype takes, its types made known, and its fields. Reports a
 * function that has none, an entry without the `ttl` that its preset demands, and types that the
 * user has declared as something else.
 */
bool preset_read(struct workspace *work, const struct value *given, const struct value *defaults,
                 const char *symbol, const struct value **ret,
                 const struct fields_table **ret_fields);

/* ---- stats.c --------------------------------------------------------------------------------- */

/* Reads the object `stats`. */
void stats_read(struct workspace *work, const struct value *object, struct config_stats *stats);

/* ---- policy.c -------------------------------------------------------------------------------- */

/* The policy keys' values when nobody gives one. */
void policy_init(struct config_function *function);

/* Overwrites in function what the policy keys of object say. object may be NULL. */
void policy_read(struct workspace *work, const struct value *object,
                 struct config_function *function);

/* ---- invalidate.c ---------------------------------------------------------------------------- */

/* The function whose entries go. */
struct invalidate_scope {
    const struct prototype *prototype; /* NULL: in `defaults`, where nothing can match */
    const struct config_description *parameters;
    bool is_described; /* false: descriptions are missing or wrong, do not rely on them */
    bool has_secret, has_instances;
    uint32_t instance_parameter;
};

/* Why values of a parameter cannot be told apart by the key, or NULL. */
const char *invalidate_unusable(const struct config_description *description,
                                const struct ctype *type);

/* Reads the list `invalidate` into function. */
void invalidate_read(struct workspace *work, const struct value *list,
                     const struct invalidate_scope *scope, struct config_function *function);

/* Reports functions whose call invalidates and is itself remembered. */
void invalidate_check(struct workspace *work, const char *file, const struct config_model *model);

/* ---- alias.c --------------------------------------------------------------------------------- */

/*
 * Reads `alias`: as the user gave it, or else as the preset has it; each may be NULL. The prototype
 * may declare any of the names, and declares the entry's symbol from then on.
 */
void alias_read(struct workspace *work, const struct value *given, const struct value *preset,
                struct place prototype_place, struct config_function *function);

/* Reports entries that are for the same name. */
void alias_check(struct workspace *work, const char *file, const struct config_model *model);

/* ---- inputs.c -------------------------------------------------------------------------------- */

/* Reads `key_also` and `check_every` into function; each may be NULL. */
void inputs_read(struct workspace *work, const struct value *key_also,
                 const struct value *check_every, struct config_function *function);

/* ---- lives.c --------------------------------------------------------------------------------- */

/* Overwrites in function what object's keys of lives say, but for what needs a prototype. */
void lives_read(struct workspace *work, const struct value *object,
                struct config_function *function);

#define LIVES_N_OBJECTS 3 /* the entry, its preset, `defaults`; each may be NULL */

/* The rest, when all objects were read; and what contradicts itself then. */
void lives_read_result(struct workspace *work, const struct value *const *objects,
                       const struct condition_scope *scope, struct config_function *function);

/* ---- function.c ------------------------------------------------------------------------------ */

/* "pow@GLIBC_2.29" into its parts; version NULL without one. Reports what is no symbol. */
bool symbol_read(struct workspace *work, const char *named, struct place place,
                 const char **ret_symbol, const char **ret_version);

/* What all entries share. */
struct function_surroundings {
    const struct config_function *defaults; /* what an entry begins with */
    const struct value *defaults_object;    /* that says so; or NULL */
    const struct fields_table *fields;      /* of the configuration; or NULL */
};

/* entry: a member of functions. */
bool function_read(struct workspace *work, const struct value *entry,
                   const struct function_surroundings *around, struct config_function *ret);

/* ---- check.c --------------------------------------------------------------------------------- */

void model_read(struct workspace *work, const struct value *root, struct config_model *model);

#endif
