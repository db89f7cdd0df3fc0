// SPDX-License-Identifier: MIT
/*
 * C types by representation: what they are, how they are made from each other, and how they are
 * written. Parsing them is the business of specifiers.c and prototype.c.
 */
#include "config/language.h"

#include <inttypes.h>
#include <langinfo.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <uchar.h>
#include <wchar.h>
#include <wctype.h>

/* size 0: opaque. */
static const struct {
    const char *name;
    uint32_t size_bytes, alignment_bytes;
    bool is_signed;
} typedefs[] = {
#define ARITHMETIC(name) {#name, sizeof(name), _Alignof(name), (name)-1 < (name)1},
#define OPAQUE(name)     {#name, 0, 0, false},
#include "config/typedefs.def"
#undef ARITHMETIC
#undef OPAQUE
};

#define N_TYPEDEFS (sizeof(typedefs) / sizeof(typedefs[0]))

/* ---- what a type is -------------------------------------------------------------------------- */

const struct opaque_ctype *ctype_opaque(const struct ctype *type)
{
    return (const struct opaque_ctype *)type;
}

bool ctype_is_form(const struct ctype *type, enum opaque_form form)
{
    return type->kind == CTYPE_OPAQUE && ctype_opaque(type)->form == form;
}

const char ctype_unnamed_text[] = "struct { ... }";

bool ctype_is_record(const struct ctype *type)
{
    return type->kind == CTYPE_STRUCT || type->kind == CTYPE_UNION;
}

bool ctype_is_unnamed(const struct ctype *type)
{
    return type->text == ctype_unnamed_text;
}

const char *ctype_find_pointer(const struct ctype *type)
{
    if (type->kind == CTYPE_ARRAY) {
        return ctype_find_pointer(type->target);
    }
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct ctype_member *member = &type->members[i];
        const char *found = ctype_find_pointer(member->type);

        if (found != NULL) {
            return found[0] != '\0' || member->name == NULL ? found : member->name;
        }
    }
    return type->kind == CTYPE_POINTER ? "" : NULL;
}

bool ctype_is_integer(const struct ctype *type)
{
    return type->kind == CTYPE_BOOL || type->kind == CTYPE_SIGNED || type->kind == CTYPE_UNSIGNED;
}

bool ctype_is_real(const struct ctype *type)
{
    return type->kind == CTYPE_FLOAT || type->kind == CTYPE_DOUBLE ||
           type->kind == CTYPE_LONG_DOUBLE;
}

bool ctype_is_complex(const struct ctype *type)
{
    return type->kind == CTYPE_COMPLEX_FLOAT || type->kind == CTYPE_COMPLEX_DOUBLE ||
           type->kind == CTYPE_COMPLEX_LONG_DOUBLE;
}

bool ctype_is_scalar(const struct ctype *type)
{
    return ctype_is_integer(type) || ctype_is_real(type) || ctype_is_complex(type);
}

bool ctype_is_text_pointer(const struct ctype *type)
{
    return type->kind == CTYPE_POINTER && type->target->size_bytes == 1 &&
           (type->target->kind == CTYPE_SIGNED || type->target->kind == CTYPE_UNSIGNED);
}

uint32_t ctype_character_bytes(const struct ctype *type)
{
    static const char *const wide[] = {"wchar_t", "char16_t", "char32_t"};

    if (ctype_is_text_pointer(type)) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]) && type->kind == CTYPE_POINTER; i++) {
        const char *text = type->target->text;

        if (type->target->is_const && strncmp(text, "const ", strlen("const ")) == 0) {
            text += strlen("const ");
        }
        if (strcmp(text, wide[i]) == 0) {
            return type->target->size_bytes;
        }
    }
    return 0;
}

bool ctype_is_function_pointer(const struct ctype *type)
{
    return type->kind == CTYPE_POINTER && type->target->kind == CTYPE_OPAQUE &&
           ctype_opaque(type->target)->form == OPAQUE_FUNCTION;
}

static bool opaque_equal(const struct opaque_ctype *a, const struct opaque_ctype *b)
{
    if (a->form != b->form) {
        return false;
    }
    if (a->n_parameters != b->n_parameters || !ctype_equal(a->element, b->element)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_parameters; i++) {
        if (!ctype_equal(a->parameters[i].type, b->parameters[i].type)) {
            return false;
        }
    }
    return true;
}

bool ctype_members_equal(const struct ctype *a, const struct ctype *b)
{
    for (uint32_t i = 0; i < a->n_members; i++) {
        const struct ctype_member *x = &a->members[i], *y = &b->members[i];

        if ((x->name == NULL) != (y->name == NULL) ||
            (x->name != NULL && strcmp(x->name, y->name) != 0) ||
            x->offset_bytes != y->offset_bytes || !ctype_equal(x->type, y->type)) {
            return false;
        }
    }
    return true;
}

bool ctype_equal(const struct ctype *a, const struct ctype *b)
{
    while (a->kind == CTYPE_POINTER && b->kind == CTYPE_POINTER && a->is_const == b->is_const) {
        a = a->target;
        b = b->target;
    }
    if (a->is_const == b->is_const && a->tag != NULL && b->tag != NULL) {
        return strcmp(a->tag, b->tag) == 0; /* with or without body: there is one of each tag */
    }
    if (a->kind != b->kind || a->size_bytes != b->size_bytes || a->is_const != b->is_const ||
        a->n_members != b->n_members || a->tag != b->tag) {
        return false;
    }
    if (a->kind == CTYPE_ARRAY) {
        return ctype_equal(a->target, b->target);
    }
    return a->kind == CTYPE_OPAQUE ? opaque_equal(ctype_opaque(a), ctype_opaque(b))
                                   : ctype_members_equal(a, b);
}

/* ---- how it is written ----------------------------------------------------------------------- */

/*
 * Where the declared name belongs in the text of a type: at the end, before the sizes of an array,
 * or within the innermost parentheses of a pointer to a function, "int (*)(void)". There, the first
 * ')' of the text closes them, because no parameter list stands before it.
 */
static const char *name_place(const char *text)
{
    const char *nested = strstr(text, "(*");

    return nested != NULL ? nested + strcspn(nested, "[)") : text + strcspn(text, "[");
}

static const char *insert_at_name(struct workspace *work, const char *text, const char *insert)
{
    const char *at = name_place(text);
    const char *head = work_copy_text(work, text, (size_t)(at - text));

    return work_join(work, head, insert, at);
}

static bool ends_in_star(const char *text)
{
    const char *at = name_place(text);

    return at > text && at[-1] == '*';
}

const char *ctype_declare(struct workspace *work, const struct ctype *type, const char *name)
{
    return insert_at_name(work, type->text,
                          ends_in_star(type->text) ? name : work_join(work, " ", name, ""));
}

/* ---- how it is made -------------------------------------------------------------------------- */

const struct ctype *ctype_pointer_to(struct workspace *work, const struct ctype *target)
{
    struct ctype *type = work_alloc(work, sizeof(*type));

    type->kind = CTYPE_POINTER;
    type->size_bytes = sizeof(void *);
    type->alignment_bytes = _Alignof(void *);
    type->target = target;
    if (target->kind == CTYPE_OPAQUE && ctype_opaque(target)->form == OPAQUE_FUNCTION) {
        const struct opaque_ctype *function = ctype_opaque(target);

        type->text =
            insert_at_name(work, function->element->text,
                           work_join(work, ends_in_star(function->element->text) ? "" : " ", "(*)",
                                     function->parameters_text));
    } else {
        type->text = insert_at_name(work, target->text, ends_in_star(target->text) ? "*" : " *");
    }
    return type;
}

/* A copy that may be changed. */
static struct ctype *copy_type(struct workspace *work, const struct ctype *type)
{
    size_t n_bytes = type->kind == CTYPE_OPAQUE ? sizeof(struct opaque_ctype) : sizeof(*type);

    return memcpy(work_alloc(work, n_bytes), type, n_bytes);
}

const struct ctype *ctype_make_const(struct workspace *work, const struct ctype *type)
{
    struct ctype *copy;

    if (type->is_const) {
        return type;
    }
    copy = copy_type(work, type);
    copy->is_const = true;
    copy->text = type->kind == CTYPE_POINTER ? ctype_declare(work, type, "const")
                                             : work_join(work, "const ", type->text, "");
    return copy;
}

const struct ctype *ctype_make_opaque(struct workspace *work, const struct opaque_ctype *model,
                                      const char *text)
{
    struct opaque_ctype *opaque = work_alloc(work, sizeof(*opaque));

    *opaque = *model;
    opaque->type.kind = CTYPE_OPAQUE;
    opaque->type.is_function = model->form == OPAQUE_FUNCTION;
    opaque->type.text = text;
    opaque->type.tag = model->form == OPAQUE_TAG ? text : NULL;
    return &opaque->type;
}

const struct ctype *ctype_array_of(struct workspace *work, const struct ctype *element,
                                   uint32_t n_elements)
{
    struct ctype *type = work_alloc(work, sizeof(*type));

    *type = (struct ctype){
        .kind = CTYPE_ARRAY,
        .size_bytes = n_elements * element->size_bytes,
        .alignment_bytes = element->alignment_bytes,
        .target = element,
        .depth = element->depth + 1,
        .text = insert_at_name(work, element->text,
                               work_join(work, "[", work_number(work, n_elements), "]")),
    };
    return type;
}

const struct ctype *ctype_rename(struct workspace *work, const struct ctype *type, const char *text)
{
    struct ctype *copy = copy_type(work, type);

    copy->text = text;
    return copy;
}

/* ---- typedef names --------------------------------------------------------------------------- */

bool ctype_is_typedef_name(const struct workspace *work, const char *name, size_t n_bytes)
{
    if (types_find(work, name, n_bytes) != NULL) {
        return true;
    }
    for (size_t i = 0; i < N_TYPEDEFS; i++) {
        if (strlen(typedefs[i].name) == n_bytes && memcmp(typedefs[i].name, name, n_bytes) == 0) {
            return true;
        }
    }
    return false;
}

const struct ctype *ctype_of_typedef(struct workspace *work, const char *name)
{
    const struct ctype *declared = types_find(work, name, strlen(name));

    if (declared != NULL) {
        return declared;
    }
    for (size_t i = 0; i < N_TYPEDEFS; i++) {
        if (strcmp(typedefs[i].name, name) == 0) {
            struct ctype *type;

            if (typedefs[i].size_bytes == 0) {
                return ctype_make_opaque(work, &(struct opaque_ctype){.form = OPAQUE_TAG},
                                         typedefs[i].name);
            }
            type = work_alloc(work, sizeof(*type));
            type->kind = typedefs[i].is_signed ? CTYPE_SIGNED : CTYPE_UNSIGNED;
            type->size_bytes = typedefs[i].size_bytes;
            type->alignment_bytes = typedefs[i].alignment_bytes;
            type->text = typedefs[i].name;
            return type;
        }
    }
    return NULL;
}

/* The words of the language that name types, or stand beside such names. */
static const char *const type_words[] = {
    "void",  "char",     "short",  "int",      "long",    "signed",   "unsigned",
    "float", "bool",     "double", "const",    "complex", "struct",   "union",
    "enum",  "volatile", "_Bool",  "restrict", "extern",  "_Complex", "register",
};

#define N_TYPE_WORDS (sizeof(type_words) / sizeof(type_words[0]))

bool ctype_is_name(const struct workspace *work, const char *name)
{
    for (size_t i = 0; i < N_TYPE_WORDS; i++) {
        if (strcmp(type_words[i], name) == 0) {
            return true;
        }
    }
    return ctype_is_typedef_name(work, name, strlen(name));
}

const char *ctype_nearest_name(const char *name)
{
    const char *names[N_TYPEDEFS + N_TYPE_WORDS];
    size_t n_names = 0;

    for (size_t i = 0; i < N_TYPE_WORDS; i++) {
        names[n_names++] = type_words[i];
    }
    for (size_t i = 0; i < N_TYPEDEFS; i++) {
        names[n_names++] = typedefs[i].name;
    }
    return words_nearest(name, names, n_names);
}
