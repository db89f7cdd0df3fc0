// SPDX-License-Identifier: MIT
/*
 * Parses the declaration of a function, as manual pages print it, into the types of its result and
 * parameters. It is the declarator half of C's grammar; the words in front are specifiers.c's.
 * A declarator is read inside out: what stands behind it belongs to the type before what stands
 * inside its parentheses, so the inside is skipped first and read afterwards.
 */
#include "config/declaration.h"

#include <string.h>

/* Room for the parameters of one list while it is read. */
struct parameter_list {
    struct prototype_parameter parameters[PROTOTYPE_MAX_PARAMETERS];
    uint32_t offsets[PROTOTYPE_MAX_PARAMETERS];
    uint32_t n_parameters;
    bool is_variadic, is_unprototyped; /* "...", "()" */
    uint32_t ellipsis_offset;          /* of either */
};

static const struct ctype *parse_declarator(struct parser *parser, const struct ctype *type,
                                            struct token *ret_name, unsigned depth);

static bool is_form(const struct ctype *type, enum opaque_form form)
{
    return type->kind == CTYPE_OPAQUE && ctype_opaque(type)->form == form;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Arrays and functions travel as pointers; structs and unions by value do not travel yet. */
static const struct ctype *adjust_parameter(struct parser *parser, const struct ctype *type)
{
    if (is_form(type, OPAQUE_ARRAY)) {
        return ctype_pointer_to(parser->work, ctype_opaque(type)->element);
    }
    if (is_form(type, OPAQUE_FUNCTION)) {
        return ctype_pointer_to(parser->work, type);
    }
    return type;
}

static void check_name(struct parser *parser, const struct parameter_list *list, const char *name,
                       struct token token)
{
    for (uint32_t i = 0; i < list->n_parameters; i++) {
        if (strcmp(list->parameters[i].name, name) == 0) {
            PARSE_FAIL(parser, token, DUPLICATE_PARAMETER, name);
        }
    }
}

static void parse_parameter(struct parser *parser, struct parameter_list *list, unsigned depth)
{
    struct token begin = parser->token, name = {.kind = TOKEN_END};
    struct prototype_parameter *parameter = &list->parameters[list->n_parameters];
    const struct ctype *type = specifiers_parse(parser, SPECIFIERS_OF_PARAMETER);

    if (type != NULL) {
        type = parse_declarator(parser, type, &name, depth);
    }
    if (type == NULL) {
        return;
    }
    if (type->kind == CTYPE_VOID) {
        PARSE_FAIL(parser, begin, VOID_PARAMETER);
        return;
    }
    parameter->type = adjust_parameter(parser, type);
    parameter->name =
        name.kind == TOKEN_NAME
            ? work_copy_text(parser->work, name.text, name.n_bytes)
            : work_join(parser->work, "arg", work_number(parser->work, list->n_parameters + 1), "");
    check_name(parser, list, parameter->name, name.kind == TOKEN_NAME ? name : begin);
    list->offsets[list->n_parameters++] = begin.offset;
}

/* "(void)" and nothing else. */
static bool take_void_list(struct parser *parser)
{
    struct token begin = parser->token;

    if (parser_take(parser, "void") && parser_take(parser, ")")) {
        return true;
    }
    parser_seek(parser, begin);
    return false;
}

/* From behind the '(' to behind the ')'. */
static void parse_parameters(struct parser *parser, struct parameter_list *list, unsigned depth)
{
    struct token begin = parser->token;

    if (parser_take(parser, ")")) {
        list->is_unprototyped = true;
        list->ellipsis_offset = begin.offset;
        return;
    }
    if (take_void_list(parser)) {
        return;
    }
    while (!parser->is_failed) {
        if (parser->token.kind == TOKEN_ELLIPSIS) {
            list->is_variadic = true;
            list->ellipsis_offset = parser->token.offset;
            parser_next(parser);
            if (!parser_take(parser, ")")) {
                PARSE_FAIL(parser, parser->token, EXPECTED, "')' after '...'",
                           token_text(parser, parser->token));
            }
            return;
        }
        if (list->n_parameters == PROTOTYPE_MAX_PARAMETERS) {
            PARSE_FAIL(parser, parser->token, TOO_MANY_PARAMETERS);
            return;
        }
        parse_parameter(parser, list, depth);
        if (parser_take(parser, ")")) {
            return;
        }
        if (!parser_take(parser, ",")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "',' or ')'",
                       token_text(parser, parser->token));
        }
    }
}

static const char *parameters_text(struct workspace *work, const struct parameter_list *list)
{
    const char *text = "(";

    for (uint32_t i = 0; i < list->n_parameters; i++) {
        text = work_join(work, text, i > 0 ? ", " : "", list->parameters[i].type->text);
    }
    if (list->is_variadic) {
        text = work_join(work, text, list->n_parameters > 0 ? ", ..." : "...", "");
    } else if (list->n_parameters == 0 && !list->is_unprototyped) {
        text = work_join(work, text, "void", "");
    }
    return work_join(work, text, ")", "");
}

/* ---- declarators ----------------------------------------------------------------------------- */

static const struct ctype *parse_function(struct parser *parser, const struct ctype *result,
                                          unsigned depth)
{
    struct opaque_ctype function = {.form = OPAQUE_FUNCTION, .element = result};
    struct workspace *work = parser->work;
    struct token begin = parser->token;
    struct parameter_list list = {.n_parameters = 0};
    size_t n_bytes;

    if (is_form(result, OPAQUE_FUNCTION) || is_form(result, OPAQUE_ARRAY)) {
        PARSE_FAIL(parser, begin, BAD_RESULT);
        return NULL;
    }
    if (depth > PARSER_MAX_DEPTH) {
        PARSE_FAIL(parser, begin, DECLARATION_TOO_DEEP);
        return NULL;
    }
    parser_next(parser);
    parse_parameters(parser, &list, depth + 1);
    if (parser->is_failed) {
        return NULL;
    }
    n_bytes = list.n_parameters * sizeof(list.parameters[0]);
    function.parameters = memcpy(work_alloc(work, n_bytes), list.parameters, n_bytes);
    n_bytes = list.n_parameters * sizeof(list.offsets[0]);
    function.offsets = memcpy(work_alloc(work, n_bytes), list.offsets, n_bytes);
    function.n_parameters = list.n_parameters;
    function.parameters_text = parameters_text(work, &list);
    function.is_variadic = list.is_variadic;
    function.is_unprototyped = list.is_unprototyped;
    function.ellipsis_offset = list.ellipsis_offset;
    return ctype_make_opaque(work, &function,
                             work_join(work, result->text, " ", function.parameters_text));
}

static const struct ctype *parse_array(struct parser *parser, const struct ctype *element)
{
    struct opaque_ctype array = {.form = OPAQUE_ARRAY, .element = element};

    if (element->kind == CTYPE_OPAQUE && ctype_opaque(element)->form != OPAQUE_TAG) {
        PARSE_FAIL(parser, parser->token, NESTED_ARRAY);
        return NULL;
    }
    if (element->kind == CTYPE_VOID) {
        PARSE_FAIL(parser, parser->token, ARRAY_OF_VOID);
        return NULL;
    }
    parser_skip_balanced(parser); /* a size is for people: the caller's pointer is all there is */
    return ctype_make_opaque(parser->work, &array,
                             work_join(parser->work, element->text, "[]", ""));
}

/* Parameter lists and brackets behind a name, or behind nothing. */
static const struct ctype *parse_suffixes(struct parser *parser, const struct ctype *type,
                                          unsigned depth)
{
    struct token begin;

    attributes_skip(parser);
    begin = parser->token;
    if (parser->is_failed) {
        return NULL;
    }
    if (token_is(begin, "(")) {
        type = parse_function(parser, type, depth);
        if (type != NULL && (token_is(parser->token, "(") || token_is(parser->token, "["))) {
            PARSE_FAIL(parser, parser->token, BAD_RESULT);
        }
    } else if (token_is(begin, "[")) {
        type = parse_array(parser, type);
        if (type != NULL && token_is(parser->token, "[")) {
            PARSE_FAIL(parser, parser->token, NESTED_ARRAY);
        } else if (type != NULL && token_is(parser->token, "(")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "the end of this declarator", "'('");
        }
    }
    attributes_skip(parser);
    return parser->is_failed ? NULL : type;
}

/* At a '(': does it group a declarator, or open a parameter list? */
static bool groups_declarator(struct parser *parser)
{
    struct token begin = parser->token;
    bool groups;

    parser_next(parser);
    attributes_skip(parser);
    groups = token_is(parser->token, "*") || token_is(parser->token, "(") ||
             token_is(parser->token, "[") ||
             (parser->token.kind == TOKEN_NAME && !specifiers_begin(parser->token));
    parser_seek(parser, begin);
    return groups;
}

static const struct ctype *parse_group(struct parser *parser, const struct ctype *type,
                                       struct token *ret_name, unsigned depth)
{
    struct token inside, end;

    if (depth > PARSER_MAX_DEPTH) {
        PARSE_FAIL(parser, parser->token, DECLARATION_TOO_DEEP);
        return NULL;
    }
    inside = parser->token;
    parser_skip_balanced(parser);
    if (parser->is_failed) {
        return NULL;
    }
    type = parse_suffixes(parser, type, depth);
    end = parser->token;
    if (type == NULL) {
        return NULL;
    }
    parser_seek(parser, inside);
    parser_next(parser);
    attributes_skip(parser);
    type = parse_declarator(parser, type, ret_name, depth + 1);
    if (type == NULL) {
        return NULL;
    }
    if (!token_is(parser->token, ")")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "')'", token_text(parser, parser->token));
        return NULL;
    }
    parser_seek(parser, end);
    return type;
}

static const struct ctype *parse_declarator(struct parser *parser, const struct ctype *type,
                                            struct token *ret_name, unsigned depth)
{
    while (!parser->is_failed && token_is(parser->token, "*")) {
        if (is_form(type, OPAQUE_ARRAY)) {
            PARSE_FAIL(parser, parser->token, NESTED_ARRAY);
            return NULL;
        }
        type = ctype_pointer_to(parser->work, type);
        parser_next(parser);
        if (qualifiers_parse(parser)) {
            type = ctype_make_const(parser->work, type);
        }
    }
    if (parser->is_failed) {
        return NULL;
    }
    if (token_is(parser->token, "(") && groups_declarator(parser)) {
        return parse_group(parser, type, ret_name, depth);
    }
    if (parser->token.kind == TOKEN_NAME) {
        *ret_name = parser->token;
        parser_next(parser);
    }
    return parse_suffixes(parser, type, depth);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void check_end(struct parser *parser)
{
    attributes_skip(parser);
    parser_take(parser, ";");
    if (parser->token.kind == TOKEN_NAME) {
        PARSE_FAIL(parser, parser->token, TRAILING_WORD, token_text(parser, parser->token));
    } else if (parser->token.kind != TOKEN_END) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "the end of the declaration",
                   token_text(parser, parser->token));
    }
}

/* The parameters must be known, and nothing opaque goes in or out by value in this version. */
static void check_function(struct parser *parser, const struct opaque_ctype *function,
                           struct token begin)
{
    struct token ellipsis = {.offset = function->ellipsis_offset};

    if (function->is_variadic) {
        PARSE_FAIL(parser, ellipsis, VARIADIC);
    }
    if (function->is_unprototyped) {
        PARSE_FAIL(parser, ellipsis, EMPTY_PARAMETERS);
    }
    if (function->element->kind == CTYPE_OPAQUE) {
        PARSE_FAIL(parser, begin, BY_VALUE_LATER, function->element->text, "as a result");
    }
    for (uint32_t i = 0; i < function->n_parameters; i++) {
        if (function->parameters[i].type->kind == CTYPE_OPAQUE) {
            PARSE_FAIL(parser, ((struct token){.offset = function->offsets[i]}), BY_VALUE_LATER,
                       function->parameters[i].type->text, "as a parameter");
        }
    }
}

bool prototype_parse(struct workspace *work, const struct source_text *source,
                     struct prototype *ret_prototype, const uint32_t **ret_offsets)
{
    struct token begin, name = {.kind = TOKEN_END};
    const struct opaque_ctype *function;
    const struct ctype *type;
    struct parser parser;

    if (strlen(source->text) > PROTOTYPE_MAX_BYTES) {
        REPORT(work->list, source->place, PROTOTYPE_TOO_LONG);
        return false;
    }
    parser_init(&parser, work, source);
    begin = parser.token;
    type = specifiers_parse(&parser, SPECIFIERS_OF_FUNCTION);
    if (type != NULL) {
        type = parse_declarator(&parser, type, &name, 0);
    }
    if (type == NULL) {
        return false;
    }
    if (name.kind != TOKEN_NAME) {
        PARSE_FAIL(&parser, parser.token, EXPECTED, "the function's name",
                   token_text(&parser, parser.token));
        return false;
    }
    if (!is_form(type, OPAQUE_FUNCTION)) {
        PARSE_FAIL(&parser, name, NO_FUNCTION, token_text(&parser, name));
        return false;
    }
    function = ctype_opaque(type);
    check_end(&parser);
    check_function(&parser, function, begin);
    if (parser.is_failed) {
        return false;
    }
    *ret_prototype = (struct prototype){.name = work_copy_text(work, name.text, name.n_bytes),
                                        .result = function->element,
                                        .parameters = function->parameters,
                                        .n_parameters = function->n_parameters};
    *ret_offsets = function->offsets;
    return true;
}

const struct ctype *prototype_parse_type(struct workspace *work, const struct source_text *source)
{
    struct token name = {.kind = TOKEN_END};
    const struct ctype *type;
    struct parser parser;

    if (strlen(source->text) > PROTOTYPE_MAX_BYTES) {
        REPORT(work->list, source->place, PROTOTYPE_TOO_LONG);
        return NULL;
    }
    parser_init(&parser, work, source);
    type = specifiers_parse(&parser, SPECIFIERS_OF_TYPE_NAME);
    if (type != NULL) {
        type = parse_declarator(&parser, type, &name, 0);
    }
    if (type == NULL) {
        return NULL;
    }
    if (name.kind == TOKEN_NAME || parser.token.kind != TOKEN_END) {
        PARSE_FAIL(&parser, name.kind == TOKEN_NAME ? name : parser.token, EXPECTED,
                   "the end of the type",
                   token_text(&parser, name.kind == TOKEN_NAME ? name : parser.token));
        return NULL;
    }
    return type;
}

const char *prototype_print(struct workspace *work, const struct prototype *prototype)
{
    const char *text = work_join(work, prototype->name, "(", "");

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct prototype_parameter *parameter = &prototype->parameters[i];

        text = work_join(work, text, i > 0 ? ", " : "",
                         ctype_declare(work, parameter->type, parameter->name));
    }
    text = work_join(work, text, prototype->n_parameters == 0 ? "void)" : ")", "");
    return ctype_declare(work, prototype->result, text);
}

int prototype_find(const struct prototype *prototype, const char *name, size_t n_bytes)
{
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (strlen(prototype->parameters[i].name) == n_bytes &&
            memcmp(prototype->parameters[i].name, name, n_bytes) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *const *prototype_names(struct workspace *work, const struct prototype *prototype)
{
    const char **names = work_alloc(work, prototype->n_parameters * sizeof(names[0]));

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        names[i] = prototype->parameters[i].name;
    }
    return names;
}
