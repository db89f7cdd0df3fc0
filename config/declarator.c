// SPDX-License-Identifier: MIT
/*
 * The declarator half of C's grammar: pointers, arrays and parameter lists around a name. A
 * declarator is read inside out: what stands behind it belongs to the type before what stands
 * inside its parentheses, so the inside is skipped first and read afterwards. The words in front
 * are specifiers.c's.
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

/* ---- parameters ------------------------------------------------------------------------------ */

/* Arrays and functions travel as pointers. */
static const struct ctype *adjust_parameter(struct parser *parser, const struct ctype *type)
{
    if (ctype_is_form(type, OPAQUE_ARRAY)) {
        return ctype_pointer_to(parser->work, ctype_opaque(type)->element);
    }
    if (type->kind == CTYPE_ARRAY) { /* by a typedef name */
        return ctype_pointer_to(parser->work, type->is_const
                                                  ? ctype_make_const(parser->work, type->target)
                                                  : type->target);
    }
    if (ctype_is_form(type, OPAQUE_FUNCTION)) {
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
        type = declarator_parse(parser, type, &name, depth);
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
    bool allows_bodies = parser->allows_bodies, sizes_arrays = parser->sizes_arrays;
    size_t n_bytes;

    if (ctype_is_form(result, OPAQUE_FUNCTION) || ctype_is_form(result, OPAQUE_ARRAY) ||
        result->kind == CTYPE_ARRAY) {
        PARSE_FAIL(parser, begin, BAD_RESULT);
        return NULL;
    }
    if (depth > PARSER_MAX_DEPTH) {
        PARSE_FAIL(parser, begin, DECLARATION_TOO_DEEP);
        return NULL;
    }
    parser_next(parser);
    parser->allows_bodies = parser->sizes_arrays = false;
    parse_parameters(parser, &list, depth + 1);
    parser->allows_bodies = allows_bodies;
    parser->sizes_arrays = sizes_arrays;
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

/* An array within a struct: "[4]", or "[4][4]". */
static const struct ctype *parse_sized_array(struct parser *parser, const struct ctype *element,
                                             unsigned depth)
{
    struct token begin = parser->token;
    int64_t n_elements;

    parser_next(parser);
    if (depth > PARSER_MAX_DEPTH || element->depth >= TYPE_MAX_DEPTH) {
        PARSE_FAIL(parser, begin, DECLARATION_TOO_DEEP);
        return NULL;
    }
    if (token_is(parser->token, "]")) {
        PARSE_FAIL(parser, begin, FLEXIBLE_ARRAY);
        return NULL;
    }
    if (!constant_parse(parser, &n_elements)) {
        return NULL;
    }
    if (!parser_take(parser, "]")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "']'", token_text(parser, parser->token));
    } else if (n_elements == 0) {
        PARSE_FAIL(parser, begin, FLEXIBLE_ARRAY);
    } else if (n_elements < 0) {
        PARSE_FAIL(parser, begin, COUNT_NOT_POSITIVE);
    } else if (token_is(parser->token, "[")) {
        element = parse_sized_array(parser, element, depth + 1);
    } else if (ctype_is_form(element, OPAQUE_FUNCTION)) {
        PARSE_FAIL(parser, begin, MEMBER_FUNCTION);
    } else if (element->size_bytes == 0) {
        PARSE_FAIL(parser, begin, INCOMPLETE, element->text);
    }
    if (parser->is_failed) {
        return NULL;
    }
    if (n_elements > TYPE_MAX_BYTES / element->size_bytes) {
        PARSE_FAIL(parser, begin, TYPE_TOO_LARGE);
        return NULL;
    }
    return ctype_array_of(parser->work, element, (uint32_t)n_elements);
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
    } else if (token_is(begin, "[") && parser->sizes_arrays) {
        type = parse_sized_array(parser, type, depth);
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
             (parser->token.kind == TOKEN_NAME && !specifiers_begin(parser, parser->token));
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
    type = declarator_parse(parser, type, ret_name, depth + 1);
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

const struct ctype *declarator_parse(struct parser *parser, const struct ctype *type,
                                     struct token *ret_name, unsigned depth)
{
    unsigned n_stars = 0;

    while (!parser->is_failed && token_is(parser->token, "*")) {
        if (ctype_is_form(type, OPAQUE_ARRAY) || type->kind == CTYPE_ARRAY) {
            PARSE_FAIL(parser, parser->token, NESTED_ARRAY);
            return NULL;
        }
        if (parser->allows_bodies && ++n_stars > PARSER_MAX_DEPTH) {
            PARSE_FAIL(parser, parser->token, DECLARATION_TOO_DEEP);
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
