// SPDX-License-Identifier: MIT
/*
 * Reads what lies behind a pointer: the T of { "in": T }, which may be a C type, a word, a list or
 * a description itself. The descriptions of pointers that stand within memory are pointee.c's, the
 * fields of records fields.c's, what parameters and results may be shape.c's and result.c's.
 */
#include "config/shape.h"

#include <string.h>

/* ---- types that fit -------------------------------------------------------------------------- */

/* Elements of this type (NULL: bytes) can lie where a pointer points to target. */
static bool fits_target(struct workspace *work, const struct ctype *element,
                        const struct ctype *target)
{
    if (target->kind == CTYPE_VOID) {
        return true;
    }
    if (element == NULL) {
        return target->kind != CTYPE_POINTER;
    }
    if (element->kind == CTYPE_POINTER) {
        return target->kind == CTYPE_POINTER &&
               (element->target->kind == CTYPE_VOID ||
                fits_target(work, element->target, target->target));
    }
    if (ctype_is_record(element) || element->kind == CTYPE_OPAQUE) {
        return ctype_equal(ctype_make_const(work, element), ctype_make_const(work, target));
    }
    if (ctype_is_integer(element) && ctype_is_integer(target)) {
        return element->size_bytes == target->size_bytes;
    }
    return element->kind == target->kind;
}

static bool is_memory_pointer(const struct ctype *type)
{
    return type->kind == CTYPE_POINTER && !ctype_is_function_pointer(type);
}

bool pointee_report_mismatch(struct shape_scope *scope, const struct shape_site *site,
                             const struct value *value, const char *word)
{
    return REPORT(scope->work->list, value->source.place, DESCRIPTION_MISMATCH, word, site->name,
                  site->type->text, site->hint);
}

static const struct ctype *void_pointer(struct workspace *work)
{
    static const struct ctype void_type = {
        .kind = CTYPE_VOID, .alignment_bytes = 1, .text = "void"};

    return ctype_pointer_to(work, &void_type);
}

/* The type of the pointers that lie behind a pointer of this type; NULL: no pointers can. */
static const struct ctype *pointers_behind(struct workspace *work, const struct ctype *type)
{
    if (!is_memory_pointer(type)) {
        return NULL;
    }
    return type->target->kind == CTYPE_POINTER ? type->target
           : type->target->kind == CTYPE_VOID  ? void_pointer(work)
                                               : NULL;
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool is_word(const struct value *value, const char *word)
{
    return value->kind == VALUE_STRING && strcmp(value->source.text, word) == 0;
}

bool pointee_is_word(const struct value *value, const struct ctype *type, bool has_count)
{
    static const char *const others[] = {"path", "ignore", "scratch", "storage"};
    bool is_pointer = is_memory_pointer(type);
    const struct ctype *target = is_pointer ? type->target : NULL;
    bool has_elements = has_count && is_pointer && target->kind == CTYPE_VOID;

    if (is_word(value, "string")) {
        return !has_elements && !(is_pointer && target->kind == CTYPE_POINTER);
    }
    if (is_word(value, "strings")) {
        return !has_elements && !(is_pointer && target->kind == CTYPE_POINTER &&
                                  target->target->kind == CTYPE_POINTER);
    }
    if (is_word(value, "address")) {
        return !has_count;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (is_word(value, others[i])) {
            return true;
        }
    }
    return false;
}

bool pointee_set_text(struct shape_scope *scope, const struct shape_site *site,
                      const struct value *word, struct config_pointee *ret)
{
    bool is_void = site->type->kind == CTYPE_POINTER && site->type->target->kind == CTYPE_VOID;

    if (!is_void && ctype_character_bytes(site->type) == 0) {
        return pointee_report_mismatch(scope, site, word, "string");
    }
    ret->kind = POINTEE_TEXT;
    ret->type = is_void ? NULL : site->type->target;
    ret->element_size = is_void ? 1 : site->type->target->size_bytes;
    return true;
}

/* The site of pointers of this type that lie where site points to. */
static struct shape_site site_behind(const struct shape_site *site, const struct ctype *type)
{
    struct shape_site behind = *site;

    behind.type = type;
    behind.hint = NULL;
    if (behind.node == NULL) {
        behind.freed.kind = LIFETIME_NONE; /* the block is an array of pointers, and no record */
    }
    return behind;
}

bool pointee_set_texts(struct shape_scope *scope, const struct shape_site *site,
                       const struct value *word, struct config_pointee *ret)
{
    const struct ctype *type = pointers_behind(scope->work, site->type);
    struct config_pointee *text = work_alloc(scope->work, sizeof(*text));
    struct shape_site behind;

    if (type == NULL || (ctype_character_bytes(type) == 0 && type->target->kind != CTYPE_VOID)) {
        return pointee_report_mismatch(scope, site, word, "strings");
    }
    behind = site_behind(site, type);
    ret->kind = POINTEE_LIST;
    ret->type = type;
    ret->element_size = sizeof(void *);
    ret->target = text;
    text->lifetime.kind = site->direction == SHAPE_WRITTEN ? LIFETIME_HOLDER : LIFETIME_NONE;
    return pointee_set_text(scope, &behind, word, text);
}

/* ---- elements -------------------------------------------------------------------------------- */

/* Elements are pointers, each described by value. */
static bool read_described(struct shape_scope *scope, const struct shape_site *site,
                           const struct value *value, enum pointee_kind kind,
                           struct config_pointee *ret)
{
    const struct ctype *type = pointers_behind(scope->work, site->type);
    struct config_pointee *target = work_alloc(scope->work, sizeof(*target));
    struct shape_site behind;

    if (type == NULL && value->kind == VALUE_STRING && kind != POINTEE_LIST) {
        return pointee_report_mismatch(scope, site, value, value->source.text);
    }
    if (type == NULL) {
        return REPORT(
            scope->work->list, value->source.place, NO_POINTERS, site->name, site->type->text,
            kind == POINTEE_LIST ? "a list is an array of pointers" : "this describes pointers");
    }
    behind = site_behind(site, type);
    ret->kind = kind;
    ret->type = type;
    ret->element_size = sizeof(void *);
    ret->target = target;
    return pointee_read(scope, &behind, value, target);
}

static bool read_list(struct shape_scope *scope, const struct shape_site *site,
                      const struct value *value, const struct value *count,
                      struct config_pointee *ret)
{
    if (!keys_check(scope->work, value, IN_LIST)) {
        return false;
    }
    if (count != NULL) {
        return REPORT(scope->work->list, count->key_place, COUNT_OF_LIST);
    }
    return read_described(scope, site, value_find(value, "list"), POINTEE_LIST, ret);
}

/* "struct addrinfo *": each element points to one of these. */
static bool read_pointers(struct shape_scope *scope, const struct shape_site *site,
                          const struct value *value, const struct ctype *element,
                          struct config_pointee *ret)
{
    struct config_pointee *target = work_alloc(scope->work, sizeof(*target));
    const struct ctype *pointed = element->target;
    bool is_followed = site->direction == SHAPE_READ || (site->lifetime.kind != LIFETIME_INTO &&
                                                         site->lifetime.kind != LIFETIME_IMMORTAL);
    struct shape_site behind = *site;

    ret->kind = POINTEE_ELEMENTS;
    ret->type = element;
    ret->element_size = sizeof(void *);
    ret->target = target;
    target->type = pointed;
    target->element_size = pointed->size_bytes;
    if (site->direction == SHAPE_WRITTEN) {
        target->lifetime = site->lifetime;
    }
    if (!is_followed) {
        target->kind = POINTEE_ADDRESS;
        return true;
    }
    if (ctype_character_bytes(element) > 0) {
        return REPORT(scope->work->list, value->source.place, POINTER_TO_TEXT, element->text);
    }
    if (!ctype_is_scalar(pointed) && !ctype_is_record(pointed)) {
        return REPORT(scope->work->list, value->source.place, POINTER_TO_UNKNOWN, element->text);
    }
    if (site->direction == SHAPE_WRITTEN && site->lifetime.kind == LIFETIME_NONE) {
        return REPORT(scope->work->list, scope->use, LIFETIME_MISSING, site->name);
    }
    target->kind = POINTEE_ELEMENTS;
    shape_enter(&behind, &site->lifetime);
    return !ctype_is_record(pointed) || fields_read(scope, &behind, pointed, &target->fields);
}

/* The C type that T names, or "bytes". */
static bool read_typed(struct shape_scope *scope, const struct shape_site *site,
                       const struct value *value, struct config_pointee *ret)
{
    const struct ctype *element = NULL;
    struct workspace *work = scope->work;

    if (strcmp(value->source.text, "bytes") != 0) {
        element = prototype_parse_type(work, &value->source);
        if (element == NULL) {
            return false;
        }
        if (element->kind == CTYPE_OPAQUE) {
            return REPORT(work->list, value->source.place, ELEMENT_OPAQUE, element->text);
        }
        if (element->kind == CTYPE_VOID) {
            return REPORT(work->list, value->source.place, ELEMENT_VOID, element->text);
        }
    }
    if (!is_memory_pointer(site->type) || !fits_target(work, element, site->type->target)) {
        return pointee_report_mismatch(scope, site, value, value->source.text);
    }
    if (element != NULL && element->kind == CTYPE_POINTER) {
        return read_pointers(scope, site, value, element, ret);
    }
    ret->kind = POINTEE_ELEMENTS;
    ret->type = element;
    ret->element_size = element != NULL ? element->size_bytes : 1;
    return element == NULL || !ctype_is_record(element) ||
           fields_read(scope, site, element, &ret->fields);
}

static bool read_type(struct shape_scope *scope, const struct shape_site *site,
                      const struct value *value, const struct value *count,
                      struct config_pointee *ret)
{
    static const char *const described[] = {"string", "strings", "address"};
    static const char *const outermost[] = {"path", "ignore", "scratch", "storage"};

    if (value->kind == VALUE_OBJECT) {
        return value_find(value, "list") != NULL
                   ? read_list(scope, site, value, count, ret)
                   : read_described(scope, site, value, POINTEE_ELEMENTS, ret);
    }
    if (!value_expect(scope->work, value, VALUE_STRING, "a type or a description")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
        if (is_word(value, described[i])) {
            return read_described(scope, site, value, POINTEE_ELEMENTS, ret);
        }
    }
    for (size_t i = 0; i < sizeof(outermost) / sizeof(outermost[0]); i++) {
        if (is_word(value, outermost[i])) {
            return REPORT(scope->work->list, value->source.place, WORD_WITHIN, value->source.text);
        }
    }
    return read_typed(scope, site, value, ret);
}

/* What may end with a zero as text does. */
static bool is_text_element(const struct config_pointee *pointee)
{
    return pointee->type == NULL ||
           (ctype_is_integer(pointee->type) && pointee->target == NULL &&
            pointee->type->kind != CTYPE_BOOL && pointee->element_size <= sizeof(int32_t));
}

bool pointee_read_elements(struct shape_scope *scope, const struct shape_site *site,
                           const struct value *value, const struct value *count,
                           struct config_pointee *ret)
{
    const struct count_scope counted = {scope->prototype, site};
    bool is_good = read_type(scope, site, value, count, ret);

    if (count != NULL && ret->kind != POINTEE_LIST) {
        is_good &= count_read(scope->work, count, &counted, &ret->count);
        ret->count_text = count->source.text;
        is_good &=
            !is_good || !count_or_string(&ret->count) || is_text_element(ret) ||
            REPORT(scope->work->list, count->source.place, COUNT_STRING_ELEMENTS, ret->type->text);
        if (is_good) {
            claims_add_count(scope, count, &ret->count, site->direction);
        }
    }
    return is_good;
}

bool pointee_leads_on(const struct config_pointee *pointee)
{
    return pointee->kind == POINTEE_LIST || pointee->fields != NULL || pointee->target != NULL;
}
