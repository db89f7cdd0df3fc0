// SPDX-License-Identifier: MIT
/*
 * What could describe a pointer that nothing describes yet: text for a hint, to be copied, with the
 * names of this very function in it. What is likeliest stands first. Which it is only who knows the
 * function can say: nothing here is ever assumed.
 */
#include "config/shape.h"

#include <string.h>
#include <strings.h>

/* What is known of a pointer by its type. One bit each. */
enum pointer_class {
    POINTS_TO_TEXT = 1u << 0,       /* char *: text, or memory */
    POINTS_TO_CONST_TEXT = 1u << 1, /* const char * */
    POINTS_TO_BYTES = 1u << 2,      /* void * */
    POINTS_TO_CONST_BYTES = 1u << 3,
    POINTS_TO_VALUES = 1u << 4, /* double * */
    POINTS_TO_CONST_VALUES = 1u << 5,
    POINTS_TO_UNKNOWN = 1u << 6, /* struct without body, union with pointers */
    POINTS_TO_CONST_UNKNOWN = 1u << 7,
    POINTS_TO_CODE = 1u << 8,
    POINTS_TO_TEXTS = 1u << 9,        /* char ** */
    POINTS_TO_CONST_TEXTS = 1u << 10, /* char *const * */
    POINTS_TO_CONST_WIDE = 1u << 11,  /* const wchar_t * */
    POINTS_TO_POINTERS = 1u << 12,    /* struct addrinfo ** */
    POINTS_TO_HANDLES = 1u << 13,     /* void **, or to what is not known */
    POINTS_TO_CONST_POINTERS = 1u << 14,
};

#define POINTS_TO_WRITABLE (POINTS_TO_TEXT | POINTS_TO_BYTES | POINTS_TO_VALUES)
#define POINTS_TO_READABLE                                                                        \
    (POINTS_TO_WRITABLE | POINTS_TO_CONST_TEXT | POINTS_TO_CONST_BYTES | POINTS_TO_CONST_VALUES | \
     POINTS_TO_CONST_WIDE)
#define POINTS_TO_TYPED    (POINTS_TO_VALUES | POINTS_TO_CONST_VALUES | POINTS_TO_CONST_WIDE)
#define POINTS_TO_ANYTHING (~0u)

/* A description that would do for pointers of these classes, in the order in which they are said.
 * word: as it is; else a direction, to which type and count are added. */
static const struct candidate {
    unsigned classes;
    const char *word, *direction, *meaning;
} candidates[] = {
    {POINTS_TO_CONST_TEXT | POINTS_TO_CONST_WIDE, "\"string\"", NULL, "if it is text"},
    {POINTS_TO_POINTERS | POINTS_TO_TEXTS, NULL, "out", "if memory is handed out there"},
    {POINTS_TO_HANDLES, "{ \"out\": \"address\" }", NULL, "if a handle is handed out there"},
    {POINTS_TO_WRITABLE, NULL, "out", "if it is written"},
    {POINTS_TO_READABLE, NULL, "in", "if it is read"},
    {POINTS_TO_WRITABLE, NULL, "inout", "if both"},
    {POINTS_TO_TEXT, "\"string\"", NULL, "if it is text"},
    {POINTS_TO_CONST_BYTES | POINTS_TO_BYTES, "\"string\"", NULL, "if it is text"},
    {POINTS_TO_CONST_TEXT, "\"path\"", NULL, "if it names a file that is read"},
    {POINTS_TO_TEXTS | POINTS_TO_CONST_TEXTS, "\"strings\"", NULL,
     "if it is a list of texts that ends with NULL"},
    {POINTS_TO_ANYTHING, "\"address\"", NULL, "if it is a handle"},
    {POINTS_TO_UNKNOWN | POINTS_TO_CONST_UNKNOWN, "{ \"via\": \"F\" }", NULL,
     "if a function F says what it is"},
    {POINTS_TO_WRITABLE | POINTS_TO_UNKNOWN | POINTS_TO_TEXTS | POINTS_TO_POINTERS |
         POINTS_TO_HANDLES,
     "\"scratch\"", NULL, "if nobody reads it afterwards"},
    {POINTS_TO_ANYTHING, "\"ignore\"", NULL, "if the result does not depend on it"},
};

/* Words that a parameter's name ends with, or is, when it says how much there is. */
static const char *const length_words[] = {
    "len", "length", "size", "sz", "count", "cnt", "num", "nbytes", "bytes", "nmemb", "max",
};

static enum pointer_class classify(const struct ctype *type)
{
    const struct ctype *target = type->target;

    if (ctype_is_function_pointer(type)) {
        return POINTS_TO_CODE;
    }
    /* By what is written: whether char itself is unsigned differs from machine to machine. */
    if (ctype_character_bytes(type) > 1 && target->is_const) {
        return POINTS_TO_CONST_WIDE;
    }
    if (ctype_is_text_pointer(type) && strstr(target->text, "unsigned") == NULL) {
        return target->is_const ? POINTS_TO_CONST_TEXT : POINTS_TO_TEXT;
    }
    if (target->kind == CTYPE_VOID || ctype_is_text_pointer(type)) {
        return target->is_const ? POINTS_TO_CONST_BYTES : POINTS_TO_BYTES;
    }
    if (ctype_character_bytes(target) > 0) {
        return target->is_const ? POINTS_TO_CONST_TEXTS : POINTS_TO_TEXTS;
    }
    if (target->kind == CTYPE_POINTER) {
        return target->is_const ? POINTS_TO_CONST_POINTERS
               : ctype_is_scalar(target->target) || ctype_is_record(target->target)
                   ? POINTS_TO_POINTERS
                   : POINTS_TO_HANDLES;
    }
    if (target->kind != CTYPE_STRUCT && !ctype_is_scalar(target) &&
        (target->kind != CTYPE_UNION || ctype_find_pointer(target) != NULL)) {
        return target->is_const ? POINTS_TO_CONST_UNKNOWN : POINTS_TO_UNKNOWN;
    }
    return target->is_const ? POINTS_TO_CONST_VALUES : POINTS_TO_VALUES;
}

/* ---- counts ---------------------------------------------------------------------------------- */

static bool is_length_word(const char *name)
{
    size_t n_name = strlen(name);

    for (size_t i = 0; i < sizeof(length_words) / sizeof(length_words[0]); i++) {
        size_t n_word = strlen(length_words[i]);

        if (n_name >= n_word && strcasecmp(name + n_name - n_word, length_words[i]) == 0) {
            return true;
        }
    }
    return strcmp(name, "n") == 0;
}

/* "buflen" and "buf_size" of "buf", "nvalues" and "n_values" of "values". */
static bool is_length_of(const char *name, const char *pointer)
{
    size_t n_pointer = strlen(pointer);

    if (strncmp(name, pointer, n_pointer) == 0 && name[n_pointer] != '\0') {
        return is_length_word(name + n_pointer);
    }
    return name[0] == 'n' && strcmp(name + 1 + (name[1] == '_'), pointer) == 0;
}

/* An integer, or what a pointer to one holds. */
static bool is_number(const struct ctype *type)
{
    const struct ctype *counted = type->kind == CTYPE_POINTER ? type->target : type;

    return (counted->kind == CTYPE_SIGNED || counted->kind == CTYPE_UNSIGNED) &&
           counted->size_bytes >= sizeof(int);
}

static bool is_length(const struct prototype_parameter *parameter)
{
    return is_number(parameter->type) && is_length_word(parameter->name);
}

/*
 * The parameter that says how much another one points to, or NULL: one that is named after it, or,
 * the pointers between them passed over, the next one that is named as a length, or the one before.
 */
static const struct prototype_parameter *find_length(const struct prototype *prototype,
                                                     const struct prototype_parameter *pointer)
{
    const struct prototype_parameter *first = prototype->parameters,
                                     *end = first + prototype->n_parameters, *next = pointer + 1;

    for (const struct prototype_parameter *at = first; at < end; at++) {
        if (at != pointer && is_number(at->type) && is_length_of(at->name, pointer->name)) {
            return at;
        }
    }
    while (next < end && next->type->kind == CTYPE_POINTER && !is_length(next)) {
        next++;
    }
    if (next < end && is_length(next)) {
        return next;
    }
    return pointer > first && is_length(pointer - 1) ? pointer - 1 : NULL;
}

/* What the object ends with: of values there may be but one, so that nothing is; of bytes not. */
static const char *suggest_count(struct workspace *work, const struct prototype *prototype,
                                 const struct prototype_parameter *described)
{
    bool has_type = (classify(described->type) & POINTS_TO_TYPED) != 0;
    const struct prototype_parameter *length = find_length(prototype, described);

    if (length == NULL || is_length_word(described->name)) {
        return has_type ? "" : ", \"count\": N";
    }
    return work_join(work,
                     length->type->kind == CTYPE_POINTER ? ", \"count\": \"*" : ", \"count\": \"",
                     length->name, "\"");
}

/* ---- descriptions ---------------------------------------------------------------------------- */

/* The type without const. */
static const char *suggest_plain_text(const struct ctype *type)
{
    size_t n_const = strlen("const ");

    return strncmp(type->text, "const ", n_const) == 0 ? type->text + n_const : type->text;
}

static const char *suggest_type(const struct ctype *type)
{
    unsigned kind = classify(type);

    return (kind & POINTS_TO_TEXTS) != 0                          ? "string"
           : (kind & (POINTS_TO_TYPED | POINTS_TO_POINTERS)) != 0 ? suggest_plain_text(type->target)
                                                                  : "bytes";
}

static const char *suggest_one(struct workspace *work, const struct candidate *candidate,
                               const struct prototype *prototype,
                               const struct prototype_parameter *described)
{
    const char *text;

    if (candidate->word != NULL) {
        return candidate->word;
    }
    text = work_join(work, "{ \"", candidate->direction, "\": \"");
    text = work_join(work, text, suggest_type(described->type), "\"");
    if ((classify(described->type) & (POINTS_TO_POINTERS | POINTS_TO_TEXTS)) != 0) {
        return work_join(work, text, ", \"lifetime\": \"caller\" }", "");
    }
    return work_join(work, text, suggest_count(work, prototype, described), " }");
}

/* One more of several: the first is said by itself, what follows is "or". */
static const char *add(struct workspace *work, const char *text, bool is_second,
                       const char *described, const char *meaning)
{
    text = work_join(work, text, is_second ? "; or " : ", ", described);
    return work_join(work, text, " ", meaning);
}

const char *suggest_parameter(struct workspace *work, const struct prototype *prototype,
                              const struct prototype_parameter *described)
{
    const char *text = NULL;
    uint32_t n_said = 0;
    unsigned kind;

    if (described->type->kind == CTYPE_FLOAT || described->type->kind == CTYPE_DOUBLE) {
        return work_join(work, "it is part of the key by value; \"args\": { \"", described->name,
                         "\": { \"round\": 1e-6 } } makes one key of what is near, \"ignore\" "
                         "leaves it out");
    }
    if (described->type->kind != CTYPE_POINTER) {
        return work_join(work, "it is part of the key by value; \"args\": { \"", described->name,
                         "\": \"ignore\" } leaves it out");
    }
    kind = classify(described->type);
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        const struct candidate *candidate = &candidates[i];
        const char *one;

        if ((candidate->classes & kind) == 0) {
            continue;
        }
        one = suggest_one(work, candidate, prototype, described);
        if (n_said++ == 0) {
            text = work_join(work, "\"args\": { \"", described->name, "\": ");
            text = work_join(work, text, one, " } ");
            text = work_join(work, text, candidate->meaning, "");
        } else {
            text = add(work, text, n_said == 2, one, candidate->meaning);
        }
    }
    if (described->type->target->kind == CTYPE_OPAQUE && (kind & POINTS_TO_CODE) == 0) {
        text = work_join(work, text, "; or declare '", suggest_plain_text(described->type->target));
        text = work_join(work, text, "' in 'types', to describe what is in it", "");
    }
    return text;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* What the pointer leads to, by its type; NULL: nothing that could be followed. */
static const char *suggest_out(struct workspace *work, const struct ctype *type)
{
    switch (classify(type)) {
    case POINTS_TO_TEXT:
    case POINTS_TO_CONST_TEXT:
    case POINTS_TO_CONST_WIDE:
        return "\"string\"";
    case POINTS_TO_TEXTS:
    case POINTS_TO_CONST_TEXTS:
        return "\"strings\"";
    case POINTS_TO_VALUES:
    case POINTS_TO_CONST_VALUES:
        return work_join(work, "\"", suggest_plain_text(type->target), "\"");
    case POINTS_TO_BYTES:
    case POINTS_TO_CONST_BYTES:
        return "\"bytes\", \"count\": N";
    default:
        return NULL;
    }
}

const char *suggest_field(struct workspace *work, const struct ctype *record, const char *path,
                          const struct ctype *type, enum shape_direction direction)
{
    const struct ctype *known = type->target->tag != NULL
                                    ? types_find(work, type->target->tag, strlen(type->target->tag))
                                    : NULL;
    unsigned kind;
    const char *text = work_join(work, "\"fields\": { \"", record->text, "\": { \"");
    const char *out, *described;

    /* A struct that leads to itself was not complete yet where it says so. */
    type = known != NULL ? ctype_pointer_to(work, known) : type;
    kind = classify(type);
    out = described = suggest_out(work, type);
    if (out == NULL) {
        described = "\"address\"";
    } else if ((kind & (POINTS_TO_VALUES | POINTS_TO_CONST_VALUES | POINTS_TO_BYTES |
                        POINTS_TO_CONST_BYTES)) != 0) {
        described = work_join(work, "{ \"in\": ", out, " }");
    }
    text = work_join(work, text, path, "\": ");
    text = work_join(work, text, described, " } }");
    if (out != NULL) {
        text = work_join(work, text, ", or \"address\" if it is a handle", "");
    }
    return direction == SHAPE_READ
               ? work_join(work, text, ", or \"ignore\" if the result does not depend on it", "")
               : text;
}

/* ---- the result ------------------------------------------------------------------------------ */

/* The first parameter of the first of these classes that has one, or NULL. */
static const char *find_pointer(const struct prototype *prototype, const unsigned *classes,
                                size_t n_classes)
{
    for (size_t k = 0; k < n_classes; k++) {
        for (uint32_t i = 0; i < prototype->n_parameters; i++) {
            const struct ctype *type = prototype->parameters[i].type;

            if (type->kind == CTYPE_POINTER && (classify(type) & classes[k]) != 0) {
                return prototype->parameters[i].name;
            }
        }
    }
    return NULL;
}

static const char *suggest_lifetime(struct workspace *work, const char *out, const char *lifetime)
{
    return work_join(work, work_join(work, "{ \"out\": ", out, ", \"lifetime\": "), lifetime, " }");
}

const char *suggest_result(struct workspace *work, const struct prototype *prototype)
{
    static const unsigned into[] = {POINTS_TO_TEXT, POINTS_TO_BYTES, POINTS_TO_UNKNOWN};
    static const unsigned within[] = {POINTS_TO_CONST_TEXT, POINTS_TO_READABLE,
                                      POINTS_TO_ANYTHING & ~POINTS_TO_CODE};
    unsigned kind = classify(prototype->result);
    const char *written = find_pointer(prototype, into, sizeof(into) / sizeof(into[0]));
    const char *pointed = find_pointer(prototype, within, sizeof(within) / sizeof(within[0]));
    const char *out = suggest_out(work, prototype->result);
    const char *text = "\"returns\": \"address\" if it is a handle", *lifetime;

    if (out != NULL) {
        text = work_join(work, "\"returns\": ", suggest_lifetime(work, out, "\"static\""),
                         " if it stays until the thread's next call");
        text = add(work, text, true, suggest_lifetime(work, out, "\"caller\""),
                   "if the caller frees it");
    }
    if ((kind & (POINTS_TO_TEXT | POINTS_TO_CONST_TEXT)) != 0 && written != NULL) {
        lifetime = work_join(work, "{ \"into\": \"", written, "\" }");
        text = add(work, text, false, suggest_lifetime(work, out, lifetime),
                   "if that argument holds it");
    }
    if (pointed != NULL) {
        lifetime = work_join(work, "{ \"lifetime\": { \"into\": \"", pointed, "\" } }");
        text = add(work, text, out == NULL, lifetime, "if it is a place in that argument");
    }
    return out != NULL ? add(work, text, false, "\"address\"", "if it is a handle") : text;
}
