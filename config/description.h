// SPDX-License-Identifier: MIT
/*
 * The part of the model that says what one function takes and gives: its types and prototype,
 * conditions on a call, and what each pointer means. Included through config.h.
 */
#ifndef CONFIG_DESCRIPTION_H
#define CONFIG_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- types and prototypes (prototype.c) ------------------------------------------------------ */

/* The kinds of C type a prototype can name, by representation. Character and integer types of the
 * target are folded onto their size and sign; typedefs and enums onto what they stand for. */
enum ctype_kind {
    CTYPE_VOID,
    CTYPE_BOOL,
    CTYPE_SIGNED,   /* size 1, 2, 4, 8 */
    CTYPE_UNSIGNED, /* size 1, 2, 4, 8 */
    CTYPE_FLOAT,
    CTYPE_DOUBLE,
    CTYPE_LONG_DOUBLE,
    CTYPE_COMPLEX_FLOAT,
    CTYPE_COMPLEX_DOUBLE,
    CTYPE_COMPLEX_LONG_DOUBLE,
    CTYPE_POINTER,
    CTYPE_OPAQUE, /* struct or union without body, function: only ever the target of a pointer */
    CTYPE_STRUCT,
    CTYPE_UNION,
    CTYPE_ARRAY, /* only ever within a struct or union */
};

struct ctype_member {
    const char *name; /* NULL: an anonymous struct or union */
    const struct ctype *type;
    uint32_t offset_bytes;
};

struct ctype {
    enum ctype_kind kind;
    uint32_t size_bytes; /* 0 for void and opaque */
    uint32_t alignment_bytes;
    bool is_const;              /* of this type itself: *target of "const char *" is const */
    bool is_function;           /* of CTYPE_OPAQUE: a function, not a struct or union */
    const struct ctype *target; /* what a pointer points to; the element of an array; else NULL */
    const char *text;           /* as written, for messages: "const char *" */
    const struct ctype_member *members; /* of structs and unions, in their order; at least one */
    uint32_t n_members;
    uint32_t depth;  /* of structs, unions and arrays within each other; 0 for all others */
    const char *tag; /* "struct point", whatever it is called by; NULL without one */
};

#define TYPE_MAX_BYTES     (1u << 20)
#define TYPE_MAX_DEPTH     16
#define BY_VALUE_MAX_BYTES 4096 /* of a struct or union that is a parameter or a result */

struct prototype_parameter {
    const char *name; /* never NULL: an unnamed parameter is "arg1", "arg2" ... from 1 */
    const struct ctype *type;
};

struct prototype {
    const char *name;
    const struct ctype *result;
    const struct prototype_parameter *parameters;
    uint32_t n_parameters;
};

#define PROTOTYPE_MAX_PARAMETERS 64

/* ---- conditions (condition.c) ---------------------------------------------------------------- */

enum condition_operator {
    CONDITION_EQ,
    CONDITION_NE,
    CONDITION_LT,
    CONDITION_LE,
    CONDITION_GT,
    CONDITION_GE
};

enum operand_kind {
    OPERAND_RETURN,    /* the result, or what it leads to */
    OPERAND_PARAMETER, /* the value of `parameter`, or what it leads to */
    OPERAND_ERRNO,     /* what the call set errno to; 0 when it set nothing */
    OPERAND_NULL,
    OPERAND_INTEGER, /* a number without fraction or exponent: `integer` */
    OPERAND_NUMBER,  /* any other number, inf, nan: `number` */
    OPERAND_STRING,  /* a string in single quotes */
};

struct config_count;

/* Whether memory behind a pointer reaches as far as a path reads is known, or is looked at. */
enum hop_bound {
    HOP_FREE,    /* it does, where there is any */
    HOP_COUNTED, /* when `count` elements of element_size bytes do */
    HOP_TEXT,    /* when the text does not end before */
    HOP_LIST,    /* when the list of pointers does not end before */
};

/* One pointer that a path follows. */
struct condition_hop {
    uint32_t offset_bytes; /* of the pointer, in the value or the memory that was reached so far */
    uint32_t end_bytes;    /* so much of the memory behind it is needed */
    enum hop_bound bound;
    uint32_t element_size;            /* of all but FREE */
    const struct config_count *count; /* of COUNTED */
    uint32_t record_bytes; /* of COUNTED: where the record begins whose members the count names */
};

#define CONDITION_MAX_HOPS 8

/* What is read lies offset_bytes into the value, or into what the last hop leads to. It is absent
 * when a hop finds NULL, or memory that ends before. */
struct condition_operand {
    enum operand_kind kind;
    uint32_t parameter;
    const struct condition_hop *hops;
    uint32_t n_hops;
    const struct ctype *type; /* of a RETURN or PARAMETER */
    uint32_t offset_bytes;
    int64_t integer;
    double number;
    const char *string;
};

/* Two pointers are compared by the text they point to (NULL equal to nothing) when both are
 * described as text or compared with a string: by_content says so. */
struct condition_comparison {
    struct condition_operand left;
    enum condition_operator op;
    struct condition_operand right;
    bool by_content;
};

/* All comparisons must hold. n_comparisons 0: no condition was given. */
struct config_condition {
    const struct condition_comparison *comparisons;
    uint32_t n_comparisons;
    const char *text; /* as written, for messages; several are joined by "and" */
};

/* ---- descriptions (shape.c) ------------------------------------------------------------------ */

/* A count of elements: reverse Polish, at most CONFIG_COUNT_MAX_STEPS long, never empty. */
enum count_step_kind {
    COUNT_NUMBER,    /* push number */
    COUNT_PARAMETER, /* push the value of integer parameter `parameter` */
    COUNT_POINTEE,   /* push what pointer parameter `parameter` points to (an integer) */
    COUNT_RETURN,    /* push the integer result; only in counts of what is written */
    COUNT_MEMBER,    /* push an integer member of the record that holds the pointer */
    COUNT_ADD,
    COUNT_SUBTRACT,
    COUNT_MULTIPLY,
    COUNT_OR_STRING, /* the last step, if any: -1 stands for the elements before the first zero */
};

struct count_step {
    enum count_step_kind kind;
    uint32_t parameter;
    int64_t number;
    const struct ctype *member; /* of COUNT_MEMBER: its type, and where it stands in the record */
    uint32_t offset_bytes;
};

#define CONFIG_COUNT_MAX_STEPS 16

struct config_count {
    const struct count_step *steps;
    uint32_t n_steps; /* 0: the count was left out, meaning 1 */
};

/* What is done with one parameter, or with the result. */
enum description_kind {
    DESCRIBE_VALUE,   /* a scalar: in the key by value; a scalar result: captured */
    DESCRIBE_STRING,  /* parameter: NUL-terminated text or NULL, in the key by content; of
                         characters of element_size bytes, 1 if that is 0 */
    DESCRIBE_STRINGS, /* parameter: NULL-terminated array of such texts, or NULL */
    DESCRIBE_PATH,    /* parameter: text, and the state of the file that it names */
    DESCRIBE_ADDRESS, /* the pointer's value is the key; as a result: captured as it is */
    DESCRIBE_IGNORE,  /* neither looked at nor part of the key */
    DESCRIBE_SCRATCH, /* memory the function may write and nobody reads; not in the key */
    DESCRIBE_MEMORY,  /* count elements of element_size bytes, read and/or written */
    DESCRIBE_STORAGE, /* parameter: memory that a lifetime fills; not in the key */
    DESCRIBE_VIA,     /* parameter: a handle, in the key by what `accessor` says of it */
    DESCRIBE_ALTERNATIVES,
    DESCRIBE_OUT_STRING, /* result only: points to NUL-terminated text, or is NULL */
    DESCRIBE_OFFSET, /* result only: points into a parameter's memory, only the offset matters */
};

enum lifetime_kind {
    LIFETIME_NONE,            /* nothing is handed out */
    LIFETIME_STATIC,          /* valid until the thread's next call */
    LIFETIME_STATIC_ARGUMENT, /* until the next call with this value of `parameter` */
    LIFETIME_STATIC_GROUP,    /* until the thread's next call of any function of `group` */
    LIFETIME_INTO,            /* points into the memory of `parameter` */
    LIFETIME_CALLER,          /* from malloc; the caller frees it */
    LIFETIME_FREED_BY,        /* the caller frees it with `freed_by` */
    LIFETIME_IMMORTAL,        /* never goes: the pointer itself is remembered */
    LIFETIME_STORAGE,         /* lies in the buffer `parameter` of `size_parameter` bytes */
    LIFETIME_HOLDER, /* as long as the memory that holds the pointer, in one block with it */
};

/* Who owns what is handed out. */
struct config_lifetime {
    enum lifetime_kind kind;
    uint32_t parameter, size_parameter;
    const char *group;          /* of STATIC_GROUP */
    const char *freed_by;       /* of FREED_BY: a symbol */
    struct prototype freeing;   /* of FREED_BY: name NULL when only the symbol was given */
    uint32_t freeing_parameter; /* of FREED_BY: where it takes the pointer */
};

/* ---- what pointers within memory mean (fields.c) --------------------------------------------- */

enum pointee_kind {
    POINTEE_IGNORED,  /* read: not part of the key. Never of what is written */
    POINTEE_ADDRESS,  /* the pointer's value is what counts; given back as it is (also IMMORTAL) */
    POINTEE_TEXT,     /* NUL-terminated text of elements of `type`, or NULL */
    POINTEE_ELEMENTS, /* `count` elements of `type`, or NULL */
    POINTEE_LIST,     /* an array of pointers to `target`, which ends with NULL; or NULL */
};

/*
 * What one pointer points to, with all that lies behind it. These make a graph, not a tree: the
 * fields of struct addrinfo lead to struct addrinfo. Memory that does not end is bounded when it is
 * followed, not here.
 */
struct config_pointee {
    enum pointee_kind kind;
    const struct ctype *type;            /* of one element, or behind an ADDRESS; NULL: bytes */
    uint32_t element_size;               /* of ELEMENTS and TEXT; bytes: 1 */
    struct config_count count;           /* of ELEMENTS; COUNT_MEMBER: of the holding record */
    const char *count_text;              /* as written; NULL: it was left out */
    const struct config_fields *fields;  /* of ELEMENTS that are records with pointers; else NULL */
    const struct config_pointee *target; /* of LIST, and of ELEMENTS that are pointers; else NULL */
    struct config_lifetime lifetime;     /* of this memory when it is handed out */
};

/* A member of a record, arrays and inner records flattened: "next", "names[1]", "in.text". */
struct config_field {
    const char *name;
    uint32_t offset_bytes, size_bytes;
    struct config_pointee pointee;
};

/*
 * All pointers of a record, and what else of it is ignored when it is read, in the order of their
 * offsets. Unions are never looked into: their bytes are what counts.
 */
struct config_fields {
    const struct ctype *record;
    const struct config_field *fields;
    uint32_t n_fields;
};

struct config_description {
    enum description_kind kind;
    bool is_in;                      /* the content before the call is in the key */
    bool is_out;                     /* the content after the call is captured and given back */
    bool is_text;                    /* of DESCRIBE_MEMORY that is written: only up to the end of
                                        the text in it, that included */
    bool is_secret;                  /* makes the whole key a MAC */
    uint32_t element_size;           /* bytes of one element of MEMORY ("bytes": 1) or STRING */
    const struct ctype *element;     /* of DESCRIBE_MEMORY; NULL for "bytes" */
    struct config_count count;       /* of DESCRIBE_MEMORY */
    const char *count_text;          /* as written, for messages; NULL: it was left out */
    double round;                    /* the key holds the nearest multiple; 0: what was given */
    uint32_t drop_bits;              /* low bits of the significand that the key has cleared */
    struct config_lifetime lifetime; /* of a described result */

    /* What pointers in that memory, or in a struct that is the value itself, mean on the way in and
     * on the way out: NULL when nothing is followed. Their outermost ELEMENTS are the memory that
     * element and count describe. Of a result that is DESCRIBE_MEMORY, writes is always there. */
    const struct config_pointee *reads, *writes;
    struct config_condition when; /* of what is written: not captured unless it holds */
    const char *accessor;         /* of DESCRIBE_VIA: the symbol of a function */

    /* Of DESCRIBE_ALTERNATIVES, which has nothing else: the first whose `condition`, on arguments
     * alone, holds. None does: the call is passed through. */
    const struct config_description *alternatives;
    uint32_t n_alternatives;
    struct config_condition condition;
};

/* A variable that the function sets: written like an out parameter that points to it. */
struct config_global {
    const char *name;
    struct config_description description;
};

#endif
