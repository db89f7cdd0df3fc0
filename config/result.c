// SPDX-License-Identifier: MIT
/*
 * Reads what a result means: `returns`. A pointer that is returned hands out what it points to, so
 * it needs a lifetime; a struct by value may hold pointers that do.
 */
#include "config/shape.h"

#include <string.h>

static const struct ctype *result_type(const struct shape_scope *scope)
{
    return scope->prototype->result;
}

static struct shape_site result_site(const struct shape_scope *scope)
{
    return (struct shape_site){
        .direction = SHAPE_WRITTEN, .type = result_type(scope), .name = "the result", .hint = NULL};
}

/* { "out": "address" }: elements that are pointers, for the result itself is no "out" then. */
static bool are_addresses(const struct value *out, const struct ctype *type)
{
    return strcmp(out->source.text, "address") == 0 && type->target->kind == CTYPE_POINTER;
}

/* What { "out": T } says of the memory that the result points to. */
static bool read_memory(struct shape_scope *scope, const struct shape_members *members,
                        const struct config_lifetime *lifetime, struct config_description *ret)
{
    struct config_pointee *writes = work_alloc(scope->work, sizeof(*writes));
    struct shape_site site = result_site(scope);
    const struct value *out = members->out;

    shape_enter(&site, lifetime);
    if (pointee_is_word(out, site.type, members->count != NULL) && !are_addresses(out, site.type)) {
        int kind;

        if (members->count != NULL) {
            return REPORT(scope->work->list, members->count->key_place, COUNT_OF_WORD,
                          out->source.text);
        }
        if (!word_read(scope->work, out, WORDS_DESCRIPTION, &kind)) {
            return false;
        }
        if (kind == DESCRIBE_STRING) {
            ret->kind = DESCRIBE_OUT_STRING;
            return pointee_set_text(scope, &site, out, writes);
        }
        if (kind != DESCRIBE_STRINGS) {
            return REPORT(scope->work->list, out->source.place, RESULT_WORD, out->source.text);
        }
        if (!pointee_set_texts(scope, &site, out, writes)) {
            return false;
        }
    } else if (!pointee_read_elements(scope, &site, out, members->count, writes)) {
        return false;
    }
    if (lifetime->kind == LIFETIME_IMMORTAL) {
        writes->kind = POINTEE_ADDRESS; /* whatever lies there, the pointer says it all */
    }
    writes->lifetime = *lifetime;
    ret->kind = DESCRIBE_MEMORY;
    ret->element = writes->type;
    ret->element_size = writes->element_size;
    ret->count = writes->count;
    ret->count_text = writes->count_text;
    ret->writes = writes;
    return true;
}

static bool read_pointer(struct shape_scope *scope, const struct value *value,
                         const struct shape_members *members, struct config_description *ret)
{
    struct workspace *work = scope->work;

    if (members->out == NULL && members->count != NULL) {
        return REPORT(work->list, members->count->key_place, COUNT_WITHOUT_OUT);
    }
    if (members->lifetime == NULL) {
        return REPORT(work->list, value->source.place, LIFETIME_MISSING, "the result");
    }
    if (!lifetime_read(scope, members->lifetime, &ret->lifetime)) {
        return false;
    }
    if (members->out == NULL) {
        if (ret->lifetime.kind != LIFETIME_INTO) {
            return REPORT(work->list, value->source.place, RESULT_NO_OUT);
        }
        ret->kind = DESCRIBE_OFFSET;
        return true;
    }
    if (!read_memory(scope, members, &ret->lifetime, ret)) {
        return false;
    }
    claims_add_lifetime(scope, members->lifetime, &ret->lifetime);
    return true;
}

/* A struct by value: its pointers hand things out; any other value: only that it is secret. */
static bool read_value(struct shape_scope *scope, const struct value *value,
                       const struct shape_members *members, struct config_description *ret)
{
    const struct ctype *type = result_type(scope);
    struct shape_site site = result_site(scope);

    if (type->kind == CTYPE_VOID || members->direction != NULL || members->count != NULL ||
        (!ctype_is_record(type) && (members->fields != NULL || members->lifetime != NULL)) ||
        (members->secret == NULL && members->fields == NULL && members->lifetime == NULL)) {
        return REPORT(scope->work->list, value->key_place, RESULT_NO_POINTER, type->text);
    }
    ret->kind = DESCRIBE_VALUE;
    if (members->lifetime != NULL && !lifetime_read(scope, members->lifetime, &site.lifetime)) {
        return false;
    }
    if (ctype_is_record(type) && !shape_read_by_value(scope, &site, &ret->writes)) {
        return false;
    }
    if (members->lifetime != NULL && ret->writes == NULL) {
        return REPORT(scope->work->list, members->lifetime->key_place, LIFETIME_OF_RESULT);
    }
    if (members->lifetime != NULL) {
        claims_add_lifetime(scope, members->lifetime, &site.lifetime);
    }
    return true;
}

/* place: where the description goes in the end. */
static bool read_object(struct shape_scope *scope, const struct value *value, bool is_alternative,
                        struct config_description *ret, struct config_description *place)
{
    struct workspace *work = scope->work;
    struct shape_members members;
    struct shape_scope inner;
    bool is_good;

    if (!shape_read_members(work, value, &members)) {
        return false;
    }
    if (members.in != NULL || members.inout != NULL || members.via != NULL) {
        const struct value *wrong = members.via != NULL ? members.via : members.direction;

        return REPORT(work->list, wrong->key_place, RESULT_IN, wrong->key);
    }
    if (members.condition != NULL && !is_alternative) {
        return REPORT(work->list, members.condition->key_place, IF_ALONE);
    }
    if (!approximate_read(work, value, NULL, ret) ||
        !shape_open_fields(scope, members.fields, &inner)) {
        return false;
    }
    is_good = result_type(scope)->kind == CTYPE_POINTER ? read_pointer(&inner, value, &members, ret)
                                                        : read_value(&inner, value, &members, ret);
    shape_close_fields(scope, &inner);
    if (is_good && members.when != NULL && members.out == NULL) {
        return REPORT(work->list, members.when->key_place, WHEN_OF_INPUT, "the result");
    }
    claims_add_condition(scope, members.when, &place->when, CLAIM_WHEN);
    ret->is_secret = shape_is_secret(&members);
    scope->has_secret_out |= ret->is_secret;
    return is_good;
}

static bool read_one(struct shape_scope *scope, const struct value *value, bool is_alternative,
                     struct config_description *ret)
{
    struct config_description description = {.is_out = true};
    const struct ctype *type = result_type(scope);

    scope->use = value->source.place;
    if (value->kind == VALUE_STRING) {
        bool is_record = ctype_is_record(type) && ctype_find_pointer(type) != NULL;

        if (type->kind != CTYPE_POINTER && !is_record) {
            return REPORT(scope->work->list, value->key_place, RESULT_NO_POINTER, type->text);
        }
        if (strcmp(value->source.text, "address") != 0) {
            return REPORT(scope->work->list, value->source.place, RESULT_WORD, value->source.text);
        }
        description.kind = is_record ? DESCRIBE_VALUE : DESCRIBE_ADDRESS;
    } else if (!value_expect(scope->work, value, VALUE_OBJECT, "a word or an object") ||
               !read_object(scope, value, is_alternative, &description, ret)) {
        return false;
    }
    *ret = description;
    return true;
}

static bool read_alternative(struct shape_scope *scope, const struct value *value,
                             uint32_t parameter, struct config_description *ret)
{
    return read_one(scope, value, true, ret);
}

bool shape_read_result(struct shape_scope *scope, const struct value *value,
                       struct config_description *ret)
{
    return value->kind == VALUE_ARRAY
               ? shape_read_alternatives(scope, value, 0, read_alternative, ret)
               : read_one(scope, value, false, ret);
}
