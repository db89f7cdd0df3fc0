// SPDX-License-Identifier: MIT
/*
 * Reads a `lifetime`: who owns what is handed out. That the parameters it names are described well
 * enough is claims.c's business, for they may not have been read yet.
 */
#include "config/declaration.h"
#include "config/shape.h"

#include <string.h>

#define GROUP_MAX_BYTES 64

/* One lifetime while it is read. */
struct reading {
    struct shape_scope *scope;
    struct workspace *work;
    struct config_lifetime *ret;
};

/* ---- parameters ------------------------------------------------------------------------------ */

static bool read_parameter(struct reading *reading, const struct value *value, uint32_t *ret)
{
    const struct prototype *prototype = reading->scope->prototype;
    int parameter;

    if (!value_expect(reading->work, value, VALUE_STRING, "the name of a parameter")) {
        return false;
    }
    if (prototype == NULL) {
        *ret = 0;
        return true;
    }
    parameter = prototype_find(prototype, value->source.text, strlen(value->source.text));
    if (parameter < 0) {
        REPORT(reading->work->list, value->source.place, UNKNOWN_PARAMETER, prototype->name,
               value->source.text,
               words_hint(reading->work, value->source.text,
                          prototype_names(reading->work, prototype), prototype->n_parameters));
        return false;
    }
    *ret = (uint32_t)parameter;
    return true;
}

/* The type of a parameter that was read; NULL when nothing is known of it. */
static const struct ctype *type_of(const struct reading *reading, uint32_t parameter)
{
    const struct prototype *prototype = reading->scope->prototype;

    return prototype != NULL ? prototype->parameters[parameter].type : NULL;
}

static bool is_memory(const struct ctype *type)
{
    return type == NULL || (type->kind == CTYPE_POINTER && !ctype_is_function_pointer(type));
}

static bool read_into(struct reading *reading, const struct value *into)
{
    uint32_t parameter;

    if (!read_parameter(reading, into, &parameter)) {
        return false;
    }
    if (!is_memory(type_of(reading, parameter))) {
        REPORT(reading->work->list, into->source.place, INTO_NO_MEMORY, into->source.text,
               type_of(reading, parameter)->text);
        return false;
    }
    reading->ret->kind = LIFETIME_INTO;
    reading->ret->parameter = parameter;
    return true;
}

/* ["buf", "buflen"] */
static bool read_storage(struct reading *reading, const struct value *storage)
{
    struct config_lifetime *ret = reading->ret;
    const struct value *buffer = storage->first, *size;
    const struct ctype *type;

    if (!value_expect(reading->work, storage, VALUE_ARRAY, "a list of two parameters")) {
        return false;
    }
    if (storage->n_children != 2) {
        REPORT(reading->work->list, storage->source.place, STORAGE_NO_PAIR);
        return false;
    }
    size = buffer->next;
    if (!read_parameter(reading, buffer, &ret->parameter) ||
        !read_parameter(reading, size, &ret->size_parameter)) {
        return false;
    }
    type = type_of(reading, ret->parameter);
    if (!is_memory(type) || (type != NULL && type->target->is_const)) {
        REPORT(reading->work->list, buffer->source.place, STORAGE_NO_BUFFER, buffer->source.text,
               type->text);
        return false;
    }
    type = type_of(reading, ret->size_parameter);
    if (type != NULL && (!ctype_is_integer(type) || type->kind == CTYPE_BOOL)) {
        REPORT(reading->work->list, size->source.place, STORAGE_NO_SIZE, size->source.text,
               type->text);
        return false;
    }
    ret->kind = LIFETIME_STORAGE;
    return true;
}

/* ---- static ---------------------------------------------------------------------------------- */

static bool read_group(struct reading *reading, const struct value *object)
{
    const struct value *group = value_find(object, "group");

    if (!keys_check(reading->work, object, IN_STATIC)) {
        return false;
    }
    if (group == NULL) {
        REPORT(reading->work->list, object->source.place, STATIC_NOTHING);
        return false;
    }
    if (!value_expect(reading->work, group, VALUE_STRING, "the name of a group")) {
        return false;
    }
    if (group->source.text[0] == '\0' || strlen(group->source.text) > GROUP_MAX_BYTES) {
        REPORT(reading->work->list, group->source.place, GROUP_LENGTH);
        return false;
    }
    reading->ret->kind = LIFETIME_STATIC_GROUP;
    reading->ret->group = group->source.text;
    return true;
}

static bool read_static(struct reading *reading, const struct value *value)
{
    const struct ctype *type;
    uint32_t parameter;

    if (value->kind == VALUE_OBJECT) {
        return read_group(reading, value);
    }
    if (!read_parameter(reading, value, &parameter)) {
        return false;
    }
    type = type_of(reading, parameter);
    if (type != NULL && !ctype_is_integer(type) && type->kind != CTYPE_POINTER) {
        REPORT(reading->work->list, value->source.place, STATIC_NO_VALUE, value->source.text,
               type->text);
        return false;
    }
    reading->ret->kind = LIFETIME_STATIC_ARGUMENT;
    reading->ret->parameter = parameter;
    return true;
}

/* ---- freed_by -------------------------------------------------------------------------------- */

/* "list_free(h, list, n)": names alone stand for integers and pointers, which all travel alike. */
static bool parse_names(struct reading *reading, struct parser *parser, const char *symbol,
                        struct prototype *ret)
{
    struct workspace *work = reading->work;
    struct prototype_parameter *parameters =
        work_alloc(work, PROTOTYPE_MAX_PARAMETERS * sizeof(parameters[0]));
    const struct ctype *word = ctype_of_typedef(work, "uintptr_t");

    *ret = (struct prototype){.name = symbol, .parameters = parameters};
    do {
        if (!token_is_plain_name(parser->token)) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "the name of a parameter",
                       token_text(parser, parser->token));
        } else if (ret->n_parameters == PROTOTYPE_MAX_PARAMETERS) {
            PARSE_FAIL(parser, parser->token, TOO_MANY_PARAMETERS);
        } else {
            parameters[ret->n_parameters++] = (struct prototype_parameter){
                work_copy_text(work, parser->token.text, parser->token.n_bytes), word};
            parser_next(parser);
        }
    } while (!parser->is_failed && parser_take(parser, ","));
    if (!parser_take(parser, ")")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "',' or ')'",
                   token_text(parser, parser->token));
    } else if (parser->token.kind != TOKEN_END) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "the end", token_text(parser, parser->token));
    }
    return !parser->is_failed;
}

/* A symbol, names in parentheses behind it, or a whole declaration. */
static bool read_freeing(struct reading *reading, const struct value *freed_by)
{
    struct workspace *work = reading->work;
    struct config_lifetime *ret = reading->ret;
    const char *text = freed_by->source.text, *symbol, *version;
    size_t n_symbol = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_$.@");
    const uint32_t *offsets;
    struct parser parser;

    if (text[n_symbol] != '\0' && text[n_symbol] != '(') {
        if (!prototype_parse(work, &freed_by->source, &ret->freeing, &offsets)) {
            return false;
        }
        ret->freed_by = ret->freeing.name;
        return true;
    }
    symbol = work_copy_text(work, text, n_symbol);
    if (!symbol_read(work, symbol, freed_by->source.place, &ret->freed_by, &version)) {
        return false;
    }
    if (version != NULL) {
        REPORT(work->list, freed_by->source.place, BAD_SYMBOL, symbol);
        return false;
    }
    if (text[n_symbol] == '\0') {
        return true;
    }
    parser_init(&parser, work, &freed_by->source);
    while (parser.token.kind != TOKEN_END && !token_is(parser.token, "(")) {
        parser_next(&parser);
    }
    parser_next(&parser);
    return parse_names(reading, &parser, ret->freed_by, &ret->freeing);
}

/* True if the freeing function can take a pointer there. */
static bool takes_pointer(const struct prototype *freeing, uint32_t parameter)
{
    const struct ctype *type = freeing->parameters[parameter].type;

    return is_memory(type) || strcmp(type->text, "uintptr_t") == 0; /* what a name stands for */
}

static bool read_freed_by(struct reading *reading, const struct value *object)
{
    const struct value *freed_by = value_find(object, "freed_by"), *at = value_find(object, "at");
    struct config_lifetime *ret = reading->ret;
    const struct prototype *freeing = &ret->freeing;
    struct workspace *work = reading->work;
    int parameter = 0;

    if (!value_expect(work, freed_by, VALUE_STRING, "the name of a function") ||
        !read_freeing(reading, freed_by)) {
        return false;
    }
    if (at != NULL && !value_expect(work, at, VALUE_STRING, "the name of a parameter")) {
        return false;
    }
    if (at != NULL && freeing->name == NULL) {
        REPORT(work->list, at->key_place, AT_NO_PARAMETERS, ret->freed_by, at->source.text);
        return false;
    }
    if (at == NULL && freeing->name != NULL && freeing->n_parameters != 1) {
        REPORT(work->list, freed_by->source.place, AT_MISSING, ret->freed_by);
        return false;
    }
    if (at != NULL) {
        parameter = prototype_find(freeing, at->source.text, strlen(at->source.text));
        if (parameter < 0) {
            REPORT(work->list, at->source.place, UNKNOWN_PARAMETER, freeing->name, at->source.text,
                   words_hint(work, at->source.text, prototype_names(work, freeing),
                              freeing->n_parameters));
            return false;
        }
    }
    if (freeing->name != NULL && !takes_pointer(freeing, (uint32_t)parameter)) {
        REPORT(work->list, (at != NULL ? at : freed_by)->source.place, FREED_BY_NO_POINTER,
               freeing->name, freeing->parameters[parameter].name,
               freeing->parameters[parameter].type->text);
        return false;
    }
    ret->kind = LIFETIME_FREED_BY;
    ret->freeing_parameter = (uint32_t)parameter;
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

bool lifetime_read(struct shape_scope *scope, const struct value *value,
                   struct config_lifetime *ret)
{
    static const struct {
        const char *key;
        bool (*read)(struct reading *reading, const struct value *value);
    } forms[] = {{"into", read_into}, {"storage", read_storage}, {"static", read_static}};
    struct config_lifetime lifetime = {.kind = LIFETIME_NONE};
    struct reading reading = {scope, scope->work, &lifetime};
    uint32_t n_given = value_find(value, "freed_by") != NULL;
    int kind;

    if (value->kind == VALUE_STRING) {
        if (!word_read(scope->work, value, WORDS_LIFETIME, &kind)) {
            return false;
        }
        *ret = (struct config_lifetime){.kind = kind};
        return true;
    }
    if (!value_expect(scope->work, value, VALUE_OBJECT, "a word or an object") ||
        !keys_check(scope->work, value, IN_LIFETIME)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        n_given += value_find(value, forms[i].key) != NULL;
    }
    if (n_given != 1) {
        if (n_given == 0) {
            REPORT(scope->work->list, value->source.place, EMPTY_LIFETIME);
        } else {
            REPORT(scope->work->list, value->source.place, TWO_LIFETIMES);
        }
        return false;
    }
    if (value_find(value, "freed_by") != NULL) {
        if (!read_freed_by(&reading, value)) {
            return false;
        }
    } else if (value_find(value, "at") != NULL) {
        REPORT(scope->work->list, value_find(value, "at")->key_place, AT_ALONE);
        return false;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct value *given = value_find(value, forms[i].key);

        if (given != NULL && !forms[i].read(&reading, given)) {
            return false;
        }
    }
    *ret = lifetime;
    return true;
}
