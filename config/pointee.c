// SPDX-License-Identifier: MIT
/*
 * Reads the descriptions of pointers that stand within memory: fields of records, and what a T that
 * is a description says. They are like those of parameters, for one direction at a time.
 */
#include "config/shape.h"

#include <string.h>

/* members: of the object that says so; NULL: a word alone. */
static bool read_address(struct shape_scope *scope, const struct shape_site *site,
                         const struct shape_members *members, struct config_pointee *ret)
{
    bool has_lifetime = members != NULL && members->lifetime != NULL;

    if (has_lifetime && ret->lifetime.kind != LIFETIME_IMMORTAL) {
        return REPORT(scope->work->list, members->lifetime->key_place, LIFETIME_OF_ADDRESS);
    }
    if (!has_lifetime) {
        ret->lifetime.kind = LIFETIME_NONE;
    }
    ret->kind = POINTEE_ADDRESS;
    ret->type = site->type->target;
    return true;
}

/* What a word says of the pointer itself; ret->lifetime is what it is handed out with. */
static bool read_word(struct shape_scope *scope, const struct shape_site *site,
                      const struct value *value, const struct shape_members *members,
                      struct config_pointee *ret)
{
    int kind;

    if (!shape_check_word(scope->work, value) ||
        !word_read(scope->work, value, WORDS_DESCRIPTION, &kind)) {
        return false;
    }
    switch (kind) {
    case DESCRIBE_STRING:
        return pointee_set_text(scope, site, value, ret);
    case DESCRIBE_STRINGS:
        return pointee_set_texts(scope, site, value, ret);
    case DESCRIBE_ADDRESS:
        return read_address(scope, site, members, ret);
    case DESCRIBE_IGNORE:
        ret->kind = POINTEE_IGNORED;
        return site->direction == SHAPE_READ || scope->prototype == NULL ||
               REPORT(scope->work->list, scope->use, IGNORED_WRITTEN, site->name);
    default:
        return REPORT(scope->work->list, value->source.place, WORD_WITHIN, value->source.text);
    }
}

void shape_enter(struct shape_site *site, const struct config_lifetime *lifetime)
{
    site->lifetime = (struct config_lifetime){
        .kind = lifetime->kind == LIFETIME_INTO ? LIFETIME_NONE : LIFETIME_HOLDER};
    if (lifetime->kind != LIFETIME_HOLDER) {
        site->freed = *lifetime;
        site->node = NULL;
    }
}

static bool check_nested_keys(struct shape_scope *scope, const struct value *object)
{
    static const char *const outermost[] = {"round", "drop_bits", "when", "if", "via", "fields"};
    bool is_good = true;

    for (size_t i = 0; i < sizeof(outermost) / sizeof(outermost[0]); i++) {
        const struct value *found = value_find(object, outermost[i]);

        if (found != NULL) {
            is_good = REPORT(scope->work->list, found->key_place, KEY_WITHIN, found->key);
        }
    }
    return is_good;
}

/* The object says nothing of this direction: no matter while nothing is known to be used so. */
static bool report_undescribed(struct shape_scope *scope, const struct shape_site *site)
{
    bool is_read = site->direction == SHAPE_READ;

    return scope->prototype == NULL ||
           REPORT(scope->work->list, scope->use, DIRECTION_UNDESCRIBED, site->name,
                  is_read ? "read" : "written", is_read ? "on_in" : "on_out");
}

/* { "on_in": D1, "on_out": D2 }: the one for this direction. */
static bool read_by_direction(struct shape_scope *scope, const struct shape_site *site,
                              const struct value *value, struct config_pointee *ret)
{
    const struct value *chosen =
        value_find(value, site->direction == SHAPE_READ ? "on_in" : "on_out");

    for (const struct value *member = value->first; member != NULL; member = member->next) {
        if (strcmp(member->key, "on_in") != 0 && strcmp(member->key, "on_out") != 0) {
            return REPORT(scope->work->list, member->key_place, BESIDE_DIRECTIONS, member->key);
        }
    }
    if (chosen == NULL) {
        return report_undescribed(scope, site);
    }
    return pointee_read(scope, site, chosen, ret);
}

/* { "lifetime": { "into": "s" } }: a place in that memory, and nothing of what is there. */
static bool read_offset(struct shape_scope *scope, const struct shape_site *site,
                        const struct value *value, const struct shape_members *members,
                        struct config_pointee *ret)
{
    if (members->lifetime == NULL || ret->lifetime.kind != LIFETIME_INTO ||
        members->count != NULL) {
        return REPORT(scope->work->list, value->source.place, NO_DIRECTION, site->name, site->hint);
    }
    ret->kind = POINTEE_ADDRESS;
    return site->direction == SHAPE_WRITTEN || report_undescribed(scope, site);
}

/* What { "in": T } and the like say; ret->lifetime is what it is handed out with. */
static bool read_directed(struct shape_scope *scope, const struct shape_site *site,
                          const struct shape_members *members, struct config_pointee *ret)
{
    struct shape_site inner = *site;

    if (shape_is_secret(members)) {
        scope->has_secret |= site->direction == SHAPE_READ;
        scope->has_secret_out |= site->direction == SHAPE_WRITTEN;
    }
    if (!pointee_is_word(members->direction, site->type, members->count != NULL)) {
        shape_enter(&inner, &ret->lifetime);
        return pointee_read_elements(scope, &inner, members->direction, members->count, ret);
    }
    if (members->count != NULL) {
        return REPORT(scope->work->list, members->count->key_place, COUNT_OF_WORD,
                      members->direction->source.text);
    }
    return read_word(scope, site, members->direction, members, ret);
}

static bool read_object(struct shape_scope *scope, const struct shape_site *site,
                        const struct value *value, struct config_pointee *ret)
{
    struct shape_members members;

    if (value_find(value, "on_in") != NULL || value_find(value, "on_out") != NULL) {
        return read_by_direction(scope, site, value, ret);
    }
    if (!shape_read_members(scope->work, value, &members) || !check_nested_keys(scope, value) ||
        (members.lifetime != NULL && !lifetime_read(scope, members.lifetime, &ret->lifetime))) {
        return false;
    }
    if (members.direction == NULL) {
        return read_offset(scope, site, value, &members, ret);
    }
    if (members.direction == members.out && site->direction == SHAPE_READ) {
        return report_undescribed(scope, site);
    }
    if (!read_directed(scope, site, &members, ret)) {
        return false;
    }
    if (members.lifetime != NULL && site->direction == SHAPE_WRITTEN) {
        claims_add_lifetime(scope, members.lifetime, &ret->lifetime);
    }
    return true;
}

bool pointee_read(struct shape_scope *scope, const struct shape_site *site,
                  const struct value *value, struct config_pointee *ret)
{
    bool is_good;

    *ret = (struct config_pointee){.lifetime = site->lifetime};
    if (value->kind == VALUE_ARRAY) {
        return REPORT(scope->work->list, value->source.place, ALTERNATIVES_WITHIN);
    }
    if (value->kind == VALUE_STRING) {
        is_good = read_word(scope, site, value, NULL, ret);
    } else {
        is_good = value_expect(scope->work, value, VALUE_OBJECT, "a word or an object") &&
                  read_object(scope, site, value, ret);
    }
    if (!is_good) {
        return false;
    }
    if (site->direction == SHAPE_READ) {
        ret->lifetime = (struct config_lifetime){.kind = LIFETIME_NONE};
        return true;
    }
    if (ret->kind == POINTEE_IGNORED || ret->kind == POINTEE_ADDRESS) {
        return true;
    }
    if (ret->lifetime.kind == LIFETIME_HOLDER && ret->kind == POINTEE_ELEMENTS &&
        site->freed.kind == LIFETIME_FREED_BY && site->node != NULL && ret->type != NULL &&
        fields_are_of(site->node, ret->type)) {
        ret->lifetime = site->freed;
    }
    if (ret->lifetime.kind == LIFETIME_NONE && scope->prototype != NULL) {
        return REPORT(scope->work->list, scope->use, LIFETIME_MISSING, site->name);
    }
    if (ret->lifetime.kind == LIFETIME_IMMORTAL) {
        ret->kind = POINTEE_ADDRESS; /* whatever lies there, the pointer says it all */
        ret->fields = NULL;
        ret->target = NULL;
    }
    return true;
}
