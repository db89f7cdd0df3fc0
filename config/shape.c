// SPDX-License-Identifier: MIT
/*
 * Reads what a parameter means: the descriptions in `args`. What lies behind its pointers is
 * pointee.c's and fields.c's, that each pointer has a description function.c's business.
 */
#include "config/shape.h"

#include <string.h>

/* A parameter while its description is read. */
struct subject {
    struct shape_scope *scope;
    const struct prototype_parameter *parameter;
    struct shape_site site;
    struct config_description *ret;
    struct config_description *place; /* where that goes in the end */
    bool is_alternative;
};

static bool report_mismatch(const struct subject *subject, const struct value *value)
{
    return pointee_report_mismatch(subject->scope, &subject->site, value, value->source.text);
}

/* ---- one word -------------------------------------------------------------------------------- */

static bool check_word(const struct subject *subject, const struct value *value,
                       enum description_kind kind)
{
    const struct ctype *type = subject->parameter->type;

    if (kind == DESCRIBE_IGNORE) {
        return true;
    }
    if (kind == DESCRIBE_ADDRESS && ctype_is_record(type) && ctype_find_pointer(type) != NULL) {
        return true; /* its bytes, as they are */
    }
    if (type->kind != CTYPE_POINTER) {
        return report_mismatch(subject, value);
    }
    if (((kind == DESCRIBE_STRING && ctype_character_bytes(type) == 0) ||
         (kind == DESCRIBE_PATH && !ctype_is_text_pointer(type))) &&
        type->target->kind != CTYPE_VOID) {
        return report_mismatch(subject, value);
    }
    if (kind == DESCRIBE_STRINGS && !ctype_is_text_pointer(type->target) &&
        type->target->kind != CTYPE_VOID) {
        return report_mismatch(subject, value);
    }
    if (kind == DESCRIBE_SCRATCH || kind == DESCRIBE_STORAGE) {
        if (ctype_is_function_pointer(type)) {
            return report_mismatch(subject, value);
        }
        if (type->target->is_const) {
            return REPORT(subject->scope->work->list, value->source.place, CONST_WRITTEN,
                          value->source.text, subject->parameter->name, type->text);
        }
    }
    return true;
}

bool shape_check_word(struct workspace *work, const struct value *value)
{
    const char *text = value->source.text;

    if (!ctype_is_name(work, work_copy_text(work, text, strcspn(text, " *")))) {
        return true;
    }
    return REPORT(work->list, value->source.place, TYPE_FOR_WORD, text);
}

static bool read_word(const struct subject *subject, const struct value *value)
{
    const struct ctype *type = subject->parameter->type;
    int kind;

    if (!shape_check_word(subject->scope->work, value) ||
        !word_read(subject->scope->work, value, WORDS_DESCRIPTION, &kind) ||
        !check_word(subject, value, kind)) {
        return false;
    }
    subject->ret->kind =
        type->kind != CTYPE_POINTER && kind == DESCRIBE_ADDRESS ? DESCRIBE_VALUE : kind;
    if (kind == DESCRIBE_STRING) {
        subject->ret->element_size =
            type->target->kind == CTYPE_VOID ? 1 : ctype_character_bytes(type);
    }
    subject->ret->is_in =
        kind != DESCRIBE_IGNORE && kind != DESCRIBE_SCRATCH && kind != DESCRIBE_STORAGE;
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

bool shape_read_members(struct workspace *work, const struct value *object,
                        struct shape_members *ret)
{
    bool is_good = keys_check(work, object, IN_DESCRIPTION);

    *ret = (struct shape_members){
        .in = value_find(object, "in"),
        .out = value_find(object, "out"),
        .inout = value_find(object, "inout"),
        .count = value_find(object, "count"),
        .secret = value_find(object, "secret"),
        .lifetime = value_find(object, "lifetime"),
        .fields = value_find(object, "fields"),
        .when = value_find(object, "when"),
        .condition = value_find(object, "if"),
        .via = value_find(object, "via"),
        .is_approximate =
            value_find(object, "round") != NULL || value_find(object, "drop_bits") != NULL,
    };
    ret->direction = ret->in != NULL ? ret->in : ret->out != NULL ? ret->out : ret->inout;
    if ((ret->in != NULL) + (ret->out != NULL) + (ret->inout != NULL) > 1) {
        is_good = REPORT(work->list, object->source.place, TWO_DIRECTIONS);
    }
    if (ret->secret != NULL) {
        is_good &= value_expect(work, ret->secret, VALUE_BOOL, "true or false");
    }
    return is_good;
}

bool shape_is_secret(const struct shape_members *members)
{
    return members->secret != NULL && members->secret->is_true;
}

bool shape_open_fields(const struct shape_scope *scope, const struct value *fields,
                       struct shape_scope *ret)
{
    *ret = *scope;
    return fields == NULL || fields_open(scope->work, fields, &ret->fields[FIELDS_OF_ARGUMENT]);
}

void shape_close_fields(struct shape_scope *scope, const struct shape_scope *inner)
{
    scope->known = inner->known;
    scope->claims = inner->claims;
    scope->has_secret |= inner->has_secret;
    scope->has_secret_out |= inner->has_secret_out;
}

bool shape_read_by_value(struct shape_scope *scope, const struct shape_site *site,
                         const struct config_pointee **ret)
{
    struct config_pointee *pointee = work_alloc(scope->work, sizeof(*pointee));

    *ret = NULL;
    pointee->kind = POINTEE_ELEMENTS;
    pointee->type = site->type;
    pointee->element_size = site->type->size_bytes;
    if (!fields_read(scope, site, site->type, &pointee->fields)) {
        return false;
    }
    if (pointee->fields != NULL) {
        *ret = pointee;
    }
    return true;
}

/* { "secret": true }, { "round": 0.1 } on a scalar, { "fields": ... } on a struct. */
static bool read_undirected(const struct subject *subject, const struct value *value,
                            const struct shape_members *members)
{
    const struct ctype *type = subject->parameter->type;

    if (type->kind == CTYPE_POINTER || members->count != NULL ||
        (members->secret == NULL && !members->is_approximate &&
         (members->fields == NULL || !ctype_is_record(type)))) {
        return REPORT(subject->scope->work->list, value->source.place, NO_DIRECTION,
                      subject->site.name, subject->site.hint);
    }
    subject->ret->kind = DESCRIBE_VALUE;
    subject->ret->is_in = true;
    return !ctype_is_record(type) ||
           shape_read_by_value(subject->scope, &subject->site, &subject->ret->reads);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The outermost elements become the description's own. */
static void describe_memory(struct config_description *ret, const struct config_pointee *pointee)
{
    ret->kind = DESCRIBE_MEMORY;
    ret->element = pointee->type;
    ret->element_size = pointee->element_size;
    ret->count = pointee->count;
    ret->count_text = pointee->count_text;
}

static bool read_memory_in(const struct subject *subject, const struct shape_members *members)
{
    struct config_pointee *reads = work_alloc(subject->scope->work, sizeof(*reads));
    struct config_description *ret = subject->ret;
    struct shape_site site = subject->site;

    site.direction = SHAPE_READ;
    if (!pointee_read_elements(subject->scope, &site, members->direction, members->count, reads)) {
        return false;
    }
    describe_memory(ret, reads);
    ret->is_in = true;
    if (reads->kind == POINTEE_LIST && reads->target->kind == POINTEE_TEXT &&
        members->direction == members->in) {
        ret->kind = DESCRIBE_STRINGS;
    } else if (pointee_leads_on(reads)) {
        ret->reads = reads;
    }
    return true;
}

/* { "out": "string", "count": N }: text that the function writes where there is room for N. */
static bool read_text_out(const struct subject *subject, const struct shape_members *members)
{
    struct shape_scope *scope = subject->scope;
    struct workspace *work = scope->work;
    const struct count_scope counted = {scope->prototype, &subject->site};
    const struct value *count = members->count;
    const char *name = subject->parameter->name;
    struct config_pointee text = {.lifetime.kind = LIFETIME_NONE};
    struct shape_site site = subject->site;

    site.direction = SHAPE_WRITTEN;
    if (count == NULL) {
        return REPORT(work->list, members->direction->source.place, TEXT_WITHOUT_ROOM, name);
    }
    if (members->lifetime != NULL) {
        return REPORT(work->list, members->lifetime->key_place, LIFETIME_OF_PARAMETER, name);
    }
    if (!pointee_set_text(scope, &site, members->direction, &text) ||
        !count_read(work, count, &counted, &text.count)) {
        return false;
    }
    if (count_or_string(&text.count)) {
        return REPORT(work->list, count->source.place, COUNT_STRING_WRITTEN, name);
    }
    claims_add_count(scope, count, &text.count, SHAPE_WRITTEN);
    text.count_text = count->source.text;
    describe_memory(subject->ret, &text);
    subject->ret->is_out = true;
    subject->ret->is_text = true;
    return true;
}

static bool read_memory_out(const struct subject *subject, const struct shape_members *members)
{
    struct shape_scope *scope = subject->scope;
    const struct value *direction = members->direction;
    struct config_pointee *writes = work_alloc(scope->work, sizeof(*writes));
    struct config_description *ret = subject->ret;
    struct shape_site site = subject->site;
    struct config_lifetime lifetime = {.kind = LIFETIME_NONE};

    if (direction == members->out && direction->kind == VALUE_STRING &&
        strcmp(direction->source.text, "string") == 0 && ctype_character_bytes(site.type) > 0) {
        return read_text_out(subject, members);
    }
    site.direction = SHAPE_WRITTEN;
    if (members->lifetime != NULL && !lifetime_read(scope, members->lifetime, &lifetime)) {
        return false;
    }
    site.lifetime = lifetime;
    if (!pointee_read_elements(scope, &site, direction, members->count, writes)) {
        return false;
    }
    if (writes->kind == POINTEE_LIST) {
        return REPORT(scope->work->list, direction->source.place, LIST_WRITTEN,
                      subject->parameter->name);
    }
    if (count_or_string(&writes->count)) {
        return REPORT(scope->work->list, members->count->source.place, COUNT_STRING_WRITTEN,
                      subject->parameter->name);
    }
    if (members->lifetime != NULL && !pointee_leads_on(writes)) {
        return REPORT(scope->work->list, members->lifetime->key_place, LIFETIME_OF_PARAMETER,
                      subject->parameter->name);
    }
    if (members->lifetime != NULL &&
        !(writes->target != NULL && writes->target->kind == POINTEE_ADDRESS)) {
        claims_add_lifetime(scope, members->lifetime, &lifetime);
    }
    describe_memory(ret, writes);
    ret->is_out = true;
    if (pointee_leads_on(writes)) {
        ret->writes = writes;
    }
    return true;
}

static bool read_directed(const struct subject *subject, const struct shape_members *members)
{
    struct shape_scope *scope = subject->scope;
    const struct value *direction = members->direction;
    const struct ctype *type = subject->parameter->type;

    if (direction == members->in && pointee_is_word(direction, type, members->count != NULL)) {
        if (members->count != NULL) {
            return REPORT(scope->work->list, members->count->key_place, COUNT_OF_WORD,
                          direction->source.text);
        }
        return read_word(subject, direction);
    }
    if (direction != members->in && type->kind == CTYPE_POINTER && type->target->is_const) {
        return REPORT(scope->work->list, direction->key_place, CONST_WRITTEN, direction->key,
                      subject->parameter->name, type->text);
    }
    return (direction == members->out || read_memory_in(subject, members)) &&
           (direction == members->in || read_memory_out(subject, members));
}

/* { "via": "EVP_MD_get0_name" } */
static bool read_via(const struct subject *subject, const struct value *value,
                     const struct shape_members *members)
{
    struct workspace *work = subject->scope->work;
    const struct ctype *type = subject->parameter->type;
    const char *version;

    for (const struct value *member = value->first; member != NULL; member = member->next) {
        if (member != members->via && member != members->secret && member != members->condition) {
            return REPORT(work->list, member->key_place, VIA_BESIDE, member->key);
        }
    }
    if (type->kind != CTYPE_POINTER || ctype_is_function_pointer(type)) {
        return REPORT(work->list, members->via->source.place, VIA_NO_POINTER, subject->site.name,
                      type->text);
    }
    if (!value_expect(work, members->via, VALUE_STRING, "the name of a function") ||
        !symbol_read(work, members->via->source.text, members->via->source.place,
                     &subject->ret->accessor, &version)) {
        return false;
    }
    if (version != NULL) {
        return REPORT(work->list, members->via->source.place, BAD_SYMBOL,
                      members->via->source.text);
    }
    subject->ret->kind = DESCRIBE_VIA;
    subject->ret->is_in = true;
    return true;
}

/* What is asked later, and what has no meaning here. */
static bool check_conditions(const struct subject *subject, const struct shape_members *members)
{
    struct workspace *work = subject->scope->work;

    if (members->condition != NULL && !subject->is_alternative) {
        return REPORT(work->list, members->condition->key_place, IF_ALONE);
    }
    if (members->when != NULL && !subject->ret->is_out) {
        return REPORT(work->list, members->when->key_place, WHEN_OF_INPUT, subject->site.name);
    }
    claims_add_condition(subject->scope, members->when, &subject->place->when, CLAIM_WHEN);
    return true;
}

static bool read_object(struct subject *subject, const struct value *value)
{
    struct shape_scope *outer = subject->scope, scope;
    struct config_description *ret = subject->ret;
    struct shape_members members;
    bool is_good;

    if (!shape_read_members(outer->work, value, &members) ||
        !shape_open_fields(outer, members.fields, &scope)) {
        return false;
    }
    subject->scope = &scope;
    is_good = members.via != NULL         ? read_via(subject, value, &members)
              : members.direction == NULL ? read_undirected(subject, value, &members)
                                          : read_directed(subject, &members);
    subject->scope = outer;
    shape_close_fields(outer, &scope);
    if (members.lifetime != NULL && is_good && !ret->is_out) {
        return REPORT(outer->work->list, members.lifetime->key_place, LIFETIME_OF_PARAMETER,
                      subject->parameter->name);
    }
    if (is_good && !check_conditions(subject, &members)) {
        return false;
    }
    ret->is_secret = shape_is_secret(&members);
    outer->has_secret |= ret->is_secret && ret->is_in;
    outer->has_secret_out |= ret->is_secret && ret->is_out;
    return is_good && approximate_read(
                          outer->work, value,
                          members.direction == NULL ? subject->parameter->type : ret->element, ret);
}

static bool read_one(struct shape_scope *scope, const struct value *value, uint32_t parameter,
                     struct config_description *ret, bool is_alternative)
{
    const struct prototype_parameter *described = &scope->prototype->parameters[parameter];
    struct config_description description = {.kind = DESCRIBE_VALUE};
    struct subject subject = {
        .scope = scope,
        .parameter = described,
        .site = {.type = described->type,
                 .name = work_join(scope->work, "'", described->name, "'"),
                 .hint = suggest_parameter(scope->work, scope->prototype, described)},
        .ret = &description,
        .place = ret,
        .is_alternative = is_alternative};
    bool is_good;

    scope->use = value->source.place;
    if (value->kind == VALUE_STRING) {
        is_good = read_word(&subject, value);
    } else {
        is_good = value_expect(scope->work, value, VALUE_OBJECT, "a word or an object") &&
                  read_object(&subject, value);
    }
    if (is_good) {
        *ret = description;
    }
    return is_good;
}

static bool read_alternative(struct shape_scope *scope, const struct value *value,
                             uint32_t parameter, struct config_description *ret)
{
    return read_one(scope, value, parameter, ret, true);
}

bool shape_read_parameter(struct shape_scope *scope, const struct value *value, uint32_t parameter,
                          struct config_description *ret)
{
    return value->kind == VALUE_ARRAY
               ? shape_read_alternatives(scope, value, parameter, read_alternative, ret)
               : read_one(scope, value, parameter, ret, false);
}
